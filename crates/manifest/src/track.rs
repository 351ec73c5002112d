//! Marks that say to which application an object belongs, as Argo CD sets them (spec: argocd.md §3.2;
//! argo-cd `util/argo/resource_tracking.go`, `util/kube/kube.go`).

use yaml::Map;
use yaml::Value;

use crate::Object;
use crate::object::kind_of;

const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
const INSTALLATION_ID: &str = "argocd.argoproj.io/installation-id";

/// The label key of Argo CD before 0.11, which pod templates get too.
const LEGACY_LABEL: &str = "applications.argoproj.io/app-name";

/// The most bytes of a label's value.
const LABEL_BYTES: usize = 63;

/// How objects are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// A label with the application's name.
    Label,
    /// An annotation with the application's name and the object's identity.
    #[default]
    Annotation,
    /// The annotation, and the label cut to what a label may hold.
    AnnotationAndLabel,
}

/// The mark of one application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// How.
    pub method: Method,
    /// The key of the label. Empty: nothing is marked, whatever the method.
    pub label_key: String,
    /// The application. Empty: nothing is marked.
    pub app_name: String,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// The Argo CD installation; empty takes an installation's mark away.
    pub installation_id: String,
}

/// Why an object could not be marked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackError {
    /// Labels or annotations (or what holds them) are not what they have to be.
    #[error("failed to get {what} from target object {object}: {at} is {found}, not {wanted}")]
    Shape {
        /// `labels` or `annotations`.
        what: &'static str,
        /// The object: its type, namespace and name.
        object: String,
        /// The path of the bad field.
        at: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Nothing is left of the name.
    #[error("failed to set app instance label: unable to truncate label to not end with a special character")]
    Label,
}

impl Method {
    /// The method of this name; every name but the known ones is the annotation.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "label" => Self::Label,
            "annotation+label" => Self::AnnotationAndLabel,
            _ => Self::Annotation,
        }
    }
}

impl Tracking {
    /// Marks `object`, unless it is a definition of a kind.
    ///
    /// # Errors
    /// [`TrackError`] when labels or annotations are there but are no maps of strings, or the name cannot be a label.
    pub fn mark(&self, object: &mut Object) -> Result<(), TrackError> {
        if self.label_key.is_empty() || self.app_name.is_empty() || object.is_crd() {
            return Ok(());
        }
        if self.method != Method::Label {
            self.annotate(object)?;
        }
        match self.method {
            Method::Label => self.label(object, &self.app_name),
            Method::Annotation => Ok(()),
            Method::AnnotationAndLabel => self.label(object, short_label(&self.app_name)?),
        }
    }

    /// The value of the annotation: `<app>:<group>/<kind>:<namespace>/<name>`.
    #[must_use]
    pub fn id(&self, object: &Object) -> String {
        let namespace = if object.namespace().is_empty() { &self.namespace } else { object.namespace() };
        format!("{}:{}/{}:{namespace}/{}", self.app_name, object.group(), object.kind(), object.name())
    }

    fn annotate(&self, object: &mut Object) -> Result<(), TrackError> {
        let id = self.id(object);
        let annotations = strings(object, &["metadata"], "annotations")?;
        annotations.insert(TRACKING_ID, Value::from(id));
        if self.installation_id.is_empty() {
            annotations.remove(INSTALLATION_ID);
        } else {
            annotations.insert(INSTALLATION_ID, Value::from(self.installation_id.as_str()));
        }
        Ok(())
    }

    fn label(&self, object: &mut Object, value: &str) -> Result<(), TrackError> {
        strings(object, &["metadata"], "labels")?.insert(self.label_key.as_str(), Value::from(value));
        if self.label_key == LEGACY_LABEL && has_template(object) {
            self.label_template(object, value)?;
        }
        Ok(())
    }

    fn label_template(&self, object: &mut Object, value: &str) -> Result<(), TrackError> {
        let old_api = matches!(object.api_version(), "apps/v1beta1" | "extensions/v1beta1");
        let labels = map_at(object, &["spec", "template", "metadata", "labels"], "labels")?;
        labels.insert(self.label_key.as_str(), Value::from(value));
        let mut selected = labels.clone();
        selected.remove(&self.label_key);
        // These APIs fill an empty selector from the template's labels, and selectors can never change.
        if old_api && map_at(object, &["spec", "selector"], "labels")?.is_empty() {
            map_at(object, &["spec", "selector"], "labels")?.insert("matchLabels", Value::from(selected));
        }
        Ok(())
    }
}

fn has_template(object: &Object) -> bool {
    match object.group() {
        "apps" | "extensions" => {
            matches!(object.kind(), "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        }
        "batch" => object.kind() == "Job",
        _ => false,
    }
}

/// The first 63 bytes, ending with a letter or digit; a name that fits stays as it is.
fn short_label(name: &str) -> Result<&str, TrackError> {
    if name.len() <= LABEL_BYTES {
        return Ok(name);
    }
    let short =
        name[..name.floor_char_boundary(LABEL_BYTES)].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    if short.is_empty() { Err(TrackError::Label) } else { Ok(short) }
}

/// A map of strings, made if absent or null.
fn strings<'a>(
    object: &'a mut Object,
    above: &[&str],
    what: &'static str,
) -> Result<&'a mut Map, TrackError> {
    let who = who(object);
    let path: Vec<&str> = above.iter().copied().chain([what]).collect();
    let map = map_at(object, &path, what)?;
    let odd = map.iter().find(|(_, value)| value.as_str().is_none());
    if let Some((key, value)) = odd {
        let at = format!("{}.{key}", path.join("."));
        return Err(TrackError::Shape { what, object: who, at, found: kind_of(value), wanted: "a string" });
    }
    Ok(map)
}

/// The map at a path, it and those above it made if absent or null.
fn map_at<'a>(object: &'a mut Object, path: &[&str], what: &'static str) -> Result<&'a mut Map, TrackError> {
    let who = who(object);
    let mut at = object.value_mut();
    for (depth, name) in path.iter().enumerate() {
        let map = at.as_map_mut().expect("an object is a map, and below it only maps are entered");
        if map.get(name).is_none_or(Value::is_null) {
            map.insert(*name, Value::from(Map::new()));
        }
        at = map.get_mut(name).expect("it was just made if it was absent");
        if at.as_map().is_none() {
            let (at, found) = (path[..=depth].join("."), kind_of(at));
            return Err(TrackError::Shape { what, object: who, at, found, wanted: "a map" });
        }
    }
    Ok(at.as_map_mut().expect("the loop leaves only with maps"))
}

/// What Go prints for a group, version and kind, and the name.
fn who(object: &Object) -> String {
    let (group, version, kind) = (object.group(), object.version(), object.kind());
    format!("{group}/{version}, Kind={kind} {}/{}", object.namespace(), object.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::tests::object;

    fn marked(method: Method, text: &str) -> Result<String, String> {
        let tracking = Tracking {
            method,
            label_key: "app.kubernetes.io/instance".to_owned(),
            app_name: "web".to_owned(),
            namespace: "prod".to_owned(),
            installation_id: String::new(),
        };
        mark(&tracking, text)
    }

    fn mark(tracking: &Tracking, text: &str) -> Result<String, String> {
        let mut object = object(text);
        tracking.mark(&mut object).map_err(|error| error.to_string())?;
        Ok(object.json().unwrap())
    }

    #[test]
    fn methods_have_names() {
        assert_eq!(Method::named("label"), Method::Label);
        assert_eq!(Method::named("annotation+label"), Method::AnnotationAndLabel);
        assert_eq!(
            [Method::named(""), Method::named("annotation"), Method::named("x")],
            [Method::Annotation; 3]
        );
    }

    #[test]
    fn the_label_holds_the_name() {
        let got = marked(Method::Label, "{apiVersion: v1, kind: Pod, metadata: {labels: null}}").unwrap();
        assert_eq!(
            got,
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app.kubernetes.io/instance":"web"}}}"#
        );
    }

    #[test]
    fn the_annotation_holds_the_identity_and_drops_a_foreign_installation() {
        let pod = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: \
                   {argocd.argoproj.io/installation-id: x}}}";
        let got = marked(Method::Annotation, pod).unwrap();
        assert!(
            got.contains(r#""annotations":{"argocd.argoproj.io/tracking-id":"web:apps/Deployment:prod/a"}"#),
            "{got}"
        );
        assert!(!got.contains("labels"), "{got}");
        let own = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}}";
        let got = marked(Method::AnnotationAndLabel, own).unwrap();
        assert!(
            got.contains(r#""web:/Pod:b/a""#) && got.contains(r#""app.kubernetes.io/instance":"web""#),
            "{got}"
        );
    }

    #[test]
    fn the_installation_is_named_when_there_is_one() {
        let tracking = Tracking {
            label_key: "k".to_owned(),
            app_name: "web".to_owned(),
            installation_id: "here".to_owned(),
            ..Tracking::default()
        };
        let got = mark(&tracking, "{kind: Pod}").unwrap();
        assert!(got.contains(r#""argocd.argoproj.io/installation-id":"here""#), "{got}");
    }

    #[test]
    fn definitions_and_nameless_applications_are_left_alone() {
        let crd = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition}";
        assert_eq!(marked(Method::Label, crd).unwrap(), object(crd).json().unwrap());
        assert_eq!(mark(&Tracking::default(), "{kind: Pod}").unwrap(), r#"{"kind":"Pod"}"#);
    }

    #[test]
    fn long_names_are_cut_to_a_valid_label() {
        let name = format!("{}-_.tail", "a".repeat(60));
        assert_eq!(short_label(&name), Ok(&name[..60]));
        assert_eq!(short_label("ends-"), Ok("ends-"));
        assert_eq!(short_label(&"-".repeat(64)), Err(TrackError::Label));
    }

    #[test]
    fn the_legacy_label_reaches_pod_templates() {
        let tracking = Tracking {
            method: Method::Label,
            label_key: LEGACY_LABEL.to_owned(),
            app_name: "web".to_owned(),
            ..Tracking::default()
        };
        let job = mark(&tracking, "{apiVersion: batch/v1, kind: Job}").unwrap();
        assert!(
            job.contains(r#""template":{"metadata":{"labels":{"applications.argoproj.io/app-name":"web"}}}"#),
            "{job}"
        );
        let text =
            "{apiVersion: apps/v1beta1, kind: Deployment, spec: {template: {metadata: {labels: {a: b}}}}}";
        let old = mark(&tracking, text).unwrap();
        assert!(old.contains(r#""selector":{"matchLabels":{"a":"b"}}"#), "{old}");
        let new = mark(&tracking, &text.replace("v1beta1", "v1")).unwrap();
        assert!(!new.contains("matchLabels"), "{new}");
    }

    #[test]
    fn bad_labels_are_named_without_their_value() {
        assert_eq!(
            marked(Method::Label, "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {x: 5}}}")
                .unwrap_err(),
            "failed to get labels from target object /v1, Kind=Pod /a: metadata.labels.x is a number, not a string"
        );
        let error = marked(Method::Annotation, "{apiVersion: v1, kind: Pod, metadata: [a]}").unwrap_err();
        assert!(error.ends_with("metadata is a list, not a map"), "{error}");
    }
}
