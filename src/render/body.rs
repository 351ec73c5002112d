//! The part of an answer that is the same for every caller, encoded once.

use bytes::Bytes;
use prost::Message;

use crate::error::{Error, Kind, Result};
use crate::request::{Manifest, Manifests};

/// Encoded manifests: the protobuf encoding of `manifestd.v1.RenderResponse` with only its first fields set
/// (manifests, renderers, warnings), so that an answer is this body followed by the caller's own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(pub Bytes);

/// The first fields of `RenderResponse`. Written out here because the wire's own types belong to `api`, where a test
/// holds the two together.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, repeated, tag = "1")]
    manifests: Vec<Object>,
    #[prost(string, repeated, tag = "2")]
    renderers: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    warnings: Vec<String>,
}

/// `manifestd.v1.Manifest`. JSON is text on the wire; text and bytes are encoded alike, and bytes need no copy.
#[derive(Clone, PartialEq, Message)]
struct Object {
    #[prost(bytes = "bytes", tag = "1")]
    json: Bytes,
    #[prost(string, tag = "2")]
    group: String,
    #[prost(string, tag = "3")]
    version: String,
    #[prost(string, tag = "4")]
    kind: String,
    #[prost(string, tag = "5")]
    namespace: String,
    #[prost(string, tag = "6")]
    name: String,
    #[prost(string, tag = "7")]
    file: String,
    #[prost(uint32, tag = "8")]
    source: u32,
}

impl Body {
    /// Encodes the manifests.
    ///
    /// # Errors
    /// [`Kind::OverBudget`] when they take more than `most` bytes, before anything is allocated for them.
    pub fn encode(manifests: Manifests, most: u64) -> Result<Self> {
        let Manifests { objects, renderers, warnings } = manifests;
        let response =
            Response { manifests: objects.into_iter().map(Object::from).collect(), renderers, warnings };
        let size = response.encoded_len() as u64;
        if size > most {
            let message = format!("the manifests take {size} bytes, more than the {most} allowed");
            return Err(Error::new(Kind::OverBudget, message).help("split the application into smaller ones"));
        }
        Ok(Self(response.encode_to_vec().into()))
    }

    /// The manifests; their JSON shares this body's memory.
    ///
    /// # Errors
    /// [`Kind::Internal`] for bytes that [`Body::encode`] did not make.
    pub fn decode(&self) -> Result<Manifests> {
        let response = Response::decode(self.0.clone())
            .map_err(|_| Error::new(Kind::Internal, "the encoded manifests cannot be read"))?;
        let Response { manifests, renderers, warnings } = response;
        Ok(Manifests { objects: manifests.into_iter().map(Manifest::from).collect(), renderers, warnings })
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.len() as u64
    }
}

impl From<Manifest> for Object {
    fn from(manifest: Manifest) -> Self {
        let Manifest { json, group, version, kind, namespace, name, file, source } = manifest;
        Self { json, group, version, kind, namespace, name, file, source }
    }
}

impl From<Object> for Manifest {
    fn from(object: Object) -> Self {
        let Object { json, group, version, kind, namespace, name, file, source } = object;
        Self { json, group, version, kind, namespace, name, file, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests() -> Manifests {
        let manifest = Manifest {
            json: Bytes::from_static(b"{}"),
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            namespace: "prod".into(),
            name: "web".into(),
            file: "web/deployment.yaml".into(),
            source: 1,
        };
        Manifests {
            objects: vec![manifest, Manifest::default()],
            renderers: vec!["Directory".into(), String::new()],
            warnings: vec!["careful".into()],
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        for manifests in [manifests(), Manifests::default()] {
            let body = Body::encode(manifests.clone(), 1 << 20).unwrap();
            assert_eq!(body.decode().unwrap(), manifests);
            assert_eq!(body.size(), body.0.len() as u64);
        }
    }

    #[test]
    fn is_the_wire_encoding_field_by_field() {
        let body = Body::encode(manifests(), 1 << 20).unwrap();
        let first = b"\x0a\x02{}\x12\x04apps\x1a\x02v1\x22\x0aDeployment\x2a\x04prod\x32\x03web\
                      \x3a\x13web/deployment.yaml\x40\x01";
        let mut expected = vec![0x0a, first.len() as u8];
        expected.extend_from_slice(first);
        expected.extend_from_slice(b"\x0a\x00\x12\x09Directory\x12\x00\x1a\x07careful");
        assert_eq!(body.0, expected);
    }

    #[test]
    fn json_is_not_copied_on_the_way_out() {
        let body = Body::encode(manifests(), 1 << 20).unwrap();
        let manifests = body.decode().unwrap();
        assert!(body.0.as_ptr_range().contains(&manifests.objects[0].json.as_ptr()));
    }

    #[test]
    fn the_budget_is_exact() {
        let size = Body::encode(manifests(), u64::MAX).unwrap().size();
        assert!(Body::encode(manifests(), size).is_ok());
        let error = Body::encode(manifests(), size - 1).unwrap_err();
        assert_eq!(error.kind(), Kind::OverBudget);
    }

    #[test]
    fn other_bytes_are_an_error() {
        let error = Body(Bytes::from_static(b"\x0a\xff")).decode().unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
    }
}
