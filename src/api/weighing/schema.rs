//! What the descriptors of the services say about their requests: which fields hold messages, which of them repeat, and
//! how many bytes one message takes in memory.

use std::collections::HashMap;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

/// Bytes of a `String`, a `Vec` or a `Bytes` in a struct; `Bytes`, the largest, has four words.
const HEAP_FIELD_BYTES: u64 = 32;

/// Bytes of a map in a struct.
const MAP_FIELD_BYTES: u64 = 48;

/// Bytes of a number with its alignment, and of the flag of an optional one.
const SCALAR_FIELD_BYTES: u64 = 16;

/// Bytes of the tag of a oneof or of an optional message.
const TAG_BYTES: u64 = 8;

/// The request types of every service on the port.
#[derive(Debug, Default)]
pub struct Schema {
    shapes: Vec<Shape>,
    methods: HashMap<String, Method>,
}

/// What a method takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The type of its request messages, as an index that [`super::Weigher`] understands.
    pub request: usize,
    /// Whether a client may send several of them.
    pub streams: bool,
}

/// A message type.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Bytes of the struct, an estimate from above; what its fields allocate comes on top.
    pub(super) bytes: u64,
    /// The fields, by number.
    fields: HashMap<u32, Field>,
}

/// A field of a message type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) holds: Holds,
    pub(super) repeated: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A message of the shape with this index.
    Message(usize),
    /// A string or bytes.
    Bytes,
    /// A number, a bool or an enum.
    Scalar,
}

impl Shape {
    pub(super) fn field(&self, number: u32) -> Option<Field> {
        self.fields.get(&number).copied()
    }
}

impl Schema {
    /// The schema of every service in these encoded `FileDescriptorSet`s.
    ///
    /// # Errors
    /// When one is no descriptor set, or names a type that none of them holds.
    pub fn new<'a>(sets: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, String> {
        let mut files: Vec<FileDescriptorProto> = Vec::new();
        for set in sets {
            let set = FileDescriptorSet::decode(set).map_err(|error| error.to_string())?;
            // Two sets may hold a file that both need.
            let new = set.file.into_iter().filter(|file| files.iter().all(|known| known.name != file.name));
            files.extend(new.collect::<Vec<_>>());
        }
        let mut types = Types::default();
        for file in &files {
            types.add_all(&format!(".{}", file.package()), &file.message_type);
        }
        let mut schema = Self { shapes: types.shapes()?, methods: HashMap::new() };
        for file in &files {
            for service in &file.service {
                schema.add_methods(file.package(), service, &types)?;
            }
        }
        Ok(schema)
    }

    /// What the method of a request path such as `/manifestd.v1.Manifestd/Render` takes; `None` for a method that no
    /// descriptor names.
    #[must_use]
    pub fn method(&self, path: &str) -> Option<Method> {
        self.methods.get(path).copied()
    }

    /// The request paths of all methods.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    pub(super) fn shape(&self, index: usize) -> &Shape {
        &self.shapes[index]
    }

    fn add_methods(
        &mut self,
        package: &str,
        service: &ServiceDescriptorProto,
        types: &Types<'_>,
    ) -> Result<(), String> {
        for method in &service.method {
            let path = format!("/{package}.{}/{}", service.name(), method.name());
            let request = types.index(method.input_type())?;
            self.methods.insert(path, Method { request, streams: method.client_streaming() });
        }
        Ok(())
    }
}

/// The message types by full name, such as `.manifestd.v1.Source`.
#[derive(Default)]
struct Types<'a> {
    list: Vec<&'a DescriptorProto>,
    by_name: HashMap<String, usize>,
}

impl<'a> Types<'a> {
    fn add_all(&mut self, scope: &str, messages: &'a [DescriptorProto]) {
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.add_all(&name, &message.nested_type);
            self.by_name.insert(name, self.list.len());
            self.list.push(message);
        }
    }

    fn index(&self, name: &str) -> Result<usize, String> {
        self.by_name.get(name).copied().ok_or_else(|| format!("no descriptor holds the type {name}"))
    }

    fn shapes(&self) -> Result<Vec<Shape>, String> {
        (0..self.list.len()).map(|index| self.shape(index)).collect()
    }

    fn shape(&self, index: usize) -> Result<Shape, String> {
        let mut fields = HashMap::new();
        for field in &self.list[index].field {
            let number = u32::try_from(field.number()).map_err(|_| "a negative field number".to_owned())?;
            let repeated = field.label() == Label::Repeated;
            fields.insert(number, Field { holds: self.holds(field)?, repeated });
        }
        Ok(Shape { bytes: self.bytes(index, &mut vec![index])?, fields })
    }

    fn holds(&self, field: &FieldDescriptorProto) -> Result<Holds, String> {
        Ok(match field.r#type() {
            Type::Message | Type::Group => Holds::Message(self.index(field.type_name())?),
            Type::String | Type::Bytes => Holds::Bytes,
            _ => Holds::Scalar,
        })
    }

    /// Bytes of the struct: its messages lie inside of it, unless they hold themselves. `around` are the types it is in.
    fn bytes(&self, index: usize, around: &mut Vec<usize>) -> Result<u64, String> {
        let message = self.list[index];
        let mut oneofs = vec![0; message.oneof_decl.len()];
        let mut total = 0;
        for field in &message.field {
            let bytes = self.field_bytes(field, around)?;
            match field.oneof_index.and_then(|oneof| oneofs.get_mut(usize::try_from(oneof).ok()?)) {
                // The variants of a oneof lie in one place.
                Some(oneof) => *oneof = bytes.max(*oneof),
                None => total += bytes,
            }
        }
        Ok(total + oneofs.iter().map(|bytes| bytes + TAG_BYTES).sum::<u64>())
    }

    fn field_bytes(&self, field: &FieldDescriptorProto, around: &mut Vec<usize>) -> Result<u64, String> {
        let holds = self.holds(field)?;
        if field.label() == Label::Repeated {
            return Ok(if matches!(holds, Holds::Message(_)) { MAP_FIELD_BYTES } else { HEAP_FIELD_BYTES });
        }
        match holds {
            Holds::Bytes => Ok(HEAP_FIELD_BYTES),
            Holds::Scalar => Ok(SCALAR_FIELD_BYTES),
            // A type that holds itself does so in a box.
            Holds::Message(inner) if around.contains(&inner) => Ok(TAG_BYTES),
            Holds::Message(inner) => {
                around.push(inner);
                let bytes = self.bytes(inner, around)?;
                around.pop();
                Ok(bytes + TAG_BYTES)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::v1;

    use super::*;

    #[test]
    fn every_method_is_known_and_no_other() {
        let schema = Schema::new([proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET]).unwrap();
        let render = schema.method("/manifestd.v1.Manifestd/Render").unwrap();
        assert!(!render.streams);
        assert!(schema.method("/grpc.health.v1.Health/Watch").is_some());
        assert!(schema.method("/manifestd.v1.Manifestd/Other").is_none() && schema.method("").is_none());
        assert!(Schema::new([&b"\xff\xff"[..]]).is_err());
        assert!(schema.paths().count() >= 9);
    }

    #[test]
    fn structs_are_never_larger_than_their_estimate() {
        let schema = Schema::new([proto::DESCRIPTORS]).unwrap();
        let render = schema.method("/manifestd.v1.Manifestd/Render").unwrap();
        let inner = |index: usize, number| match schema.shape(index).field(number).unwrap().holds {
            Holds::Message(inner) => inner,
            other => panic!("{other:?}"),
        };
        let source = inner(render.request, 1);
        let kustomize = inner(source, 12);
        let pairs = [
            (render.request, size_of::<v1::RenderRequest>()),
            (source, size_of::<v1::Source>()),
            (inner(source, 1), size_of::<v1::Git>()),
            (inner(source, 11), size_of::<v1::HelmOptions>()),
            (inner(inner(source, 11), 6), size_of::<v1::HelmParameter>()),
            (kustomize, size_of::<v1::KustomizeOptions>()),
            (inner(kustomize, 8), size_of::<v1::KustomizeReplica>()),
            (inner(kustomize, 15), size_of::<v1::KustomizePatch>()),
        ];
        for (index, actual) in pairs {
            let estimate = schema.shape(index).bytes;
            assert!(estimate >= actual as u64, "{estimate} for {actual}");
            assert!(estimate <= 3 * actual as u64, "{estimate} for {actual}");
        }
    }

    #[test]
    fn types_that_hold_themselves_have_a_size() {
        let set = prost_types::FileDescriptorSet {
            file: vec![FileDescriptorProto {
                package: Some("a".into()),
                message_type: vec![DescriptorProto {
                    name: Some("Node".into()),
                    field: vec![FieldDescriptorProto {
                        number: Some(1),
                        r#type: Some(Type::Message.into()),
                        label: Some(Label::Optional.into()),
                        type_name: Some(".a.Node".into()),
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        let schema = Schema::new([&*set.encode_to_vec()]).unwrap();
        assert_eq!(schema.shape(0).bytes, TAG_BYTES);
    }
}
