//! Argo CD's build environment in the paths of values files: `$ARGOCD_APP_NAME` and its kin (spec: argocd.md §3.3.4).

use super::Job;
use crate::error::{Error, Kind, Result};

/// What the names of the build environment begin with.
const PREFIX: &str = "ARGOCD_APP_";

/// Whether the first part of a path is a variable of the build environment, not the name of a source.
pub(super) fn begins_with_variable(text: &str) -> bool {
    let rest = text.strip_prefix('$').map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    rest.is_some_and(|rest| rest.starts_with(PREFIX))
}

/// The text with its variables replaced, by the rules of Go's `os.Expand`: `$NAME`, `${NAME}`, `$$`; an unknown name is
/// empty.
///
/// # Errors
/// [`Kind::Invalid`] for a variable of Argo CD's whose value is not known here.
pub(super) fn substitute(job: &Job, text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        let (name, behind) = split_name(behind);
        if name.is_empty() {
            out.push('$');
        } else {
            out.push_str(value(job, name)?);
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// The name behind a `$`, and what follows it; no name where there is none.
fn split_name(text: &str) -> (&str, &str) {
    if let Some((name, behind)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return (name, behind);
    }
    let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    text.split_at(end)
}

fn value<'j>(job: &'j Job, name: &str) -> Result<&'j str> {
    match name {
        "ARGOCD_APP_NAME" => Ok(&job.name),
        "ARGOCD_APP_NAMESPACE" => Ok(&job.namespace),
        "ARGOCD_APP_SOURCE_PATH" => Ok(job.path.as_str()),
        name if name.starts_with(PREFIX) => {
            let message = format!("the value of ${name} is not known here");
            Err(Error::new(Kind::Invalid, message).help(
                "paths of values files may use $ARGOCD_APP_NAME, $ARGOCD_APP_NAMESPACE and $ARGOCD_APP_SOURCE_PATH",
            ))
        }
        _ => Ok(""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::exec::testing::job;
    use super::*;

    #[test]
    fn variables_are_replaced_as_argo_does() {
        let mut job = job(&[], &[]);
        job.name = "shop".to_owned();
        job.namespace = "prod".to_owned();
        for (text, shown) in [
            ("envs/$ARGOCD_APP_NAME.yaml", "envs/shop.yaml"),
            ("${ARGOCD_APP_NAMESPACE}/v.yaml", "prod/v.yaml"),
            ("a/$NOPE/$$x$", "a//$x$"),
            ("plain", "plain"),
        ] {
            assert_eq!(substitute(&job, text).unwrap(), shown, "{text}");
        }
        let error = substitute(&job, "$ARGOCD_APP_REVISION.yaml").unwrap_err();
        assert_eq!(error.message(), "the value of $ARGOCD_APP_REVISION is not known here");
        assert!(begins_with_variable("${ARGOCD_APP_NAME}/v.yaml") && !begins_with_variable("$values/v.yaml"));
    }
}
