//! Weighs one message while its bytes come in: a walk over the wire format that builds nothing and refuses at the first
//! byte that is one too many.

use std::sync::Arc;

use super::schema::{Field, Holds, Schema};

/// Fields and list elements of one message. The largest requests of the field, those of an Argo CD with thousands of
/// repositories, hold some ten thousand.
const MAX_ELEMENTS: u32 = 100_000;

/// Memory that one message takes beyond the bytes of its texts. 100,000 elements of the usual size need 20 MB.
const MAX_OVERHEAD_BYTES: u64 = 64 << 20;

/// Messages within messages; requests have five levels.
const MAX_DEPTH: usize = 32;

/// What an element costs besides its struct: its place in a list that has grown by doubling, and its own allocation.
const ELEMENT_BYTES: u64 = 64;

/// A list grows by doubling: up to half of it is empty.
const LIST_GROWTH: u64 = 2;

/// The longest varint.
const MAX_VARINT_BYTES: u32 = 10;

/// Why a message is not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its bytes are no message of its type.
    Malformed(&'static str),
    /// It holds messages too many levels deep.
    TooDeep {
        /// Levels allowed.
        max: usize,
    },
    /// It holds too many fields and list elements.
    TooManyElements {
        /// Elements allowed.
        max: u32,
    },
    /// Its elements would take too much memory.
    TooLarge {
        /// Bytes allowed.
        max: u64,
    },
}

/// The walk over one message.
#[derive(Debug)]
pub struct Weigher {
    schema: Arc<Schema>,
    /// The messages the walk is in, the innermost last.
    open: Vec<Open>,
    /// Bytes walked over.
    position: u64,
    state: State,
    varint: Varint,
    elements: u32,
    overhead: u64,
}

/// A message that the walk is in.
#[derive(Clone, Copy, Debug)]
struct Open {
    shape: usize,
    /// Where it ends.
    end: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The tag of a field.
    Tag,
    /// A varint that is a field's value.
    Value,
    /// The length of a field; `None` for one that the schema does not know.
    Length(Option<Field>),
    /// Content that holds no fields, up to this position.
    Content(u64),
}

/// A varint that may be cut anywhere.
#[derive(Clone, Copy, Debug, Default)]
struct Varint {
    value: u64,
    bytes: u32,
}

impl Weigher {
    /// A walk over a message of `length` bytes of the type with the index `request`.
    #[must_use]
    pub fn new(schema: Arc<Schema>, request: usize, length: u64) -> Self {
        Self {
            schema,
            open: vec![Open { shape: request, end: length }],
            position: 0,
            state: State::Tag,
            varint: Varint::default(),
            elements: 0,
            overhead: 0,
        }
    }

    /// Bytes of memory that the elements so far will take beyond their own content.
    #[must_use]
    pub fn overhead(&self) -> u64 {
        self.overhead
    }

    /// Walks over the next bytes of the message.
    ///
    /// # Errors
    /// A message that is malformed or too much.
    pub fn walk(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while let Some((&first, rest)) = bytes.split_first() {
            if let State::Content(end) = self.state {
                let length =
                    usize::try_from(end - self.position).map_or(bytes.len(), |left| left.min(bytes.len()));
                bytes = &bytes[length..];
                self.position += length as u64;
                if self.position == end {
                    self.end_field();
                }
                continue;
            }
            bytes = rest;
            self.position += 1;
            if let Some(value) = self.varint.push(first)? {
                self.take(value)?;
            }
        }
        Ok(())
    }

    /// The end of the message.
    ///
    /// # Errors
    /// A message that is cut off.
    pub fn finish(&self) -> Result<(), Refusal> {
        // A message of no bytes never had a field that could end it.
        let ended = self.open.is_empty() || (self.position == 0 && self.open[0].end == 0);
        if ended { Ok(()) } else { Err(Refusal::Malformed("it is cut off")) }
    }

    /// A varint is complete.
    fn take(&mut self, value: u64) -> Result<(), Refusal> {
        let Some(&open) = self.open.last() else {
            return Err(Refusal::Malformed("it goes on after its end"));
        };
        if self.position > open.end {
            return Err(Refusal::Malformed("a field reaches beyond its message"));
        }
        match self.state {
            State::Tag => self.begin_field(open, value),
            State::Length(field) => self.begin_content(open, field, value),
            State::Value | State::Content(_) => {
                self.end_field();
                Ok(())
            }
        }
    }

    fn begin_field(&mut self, open: Open, tag: u64) -> Result<(), Refusal> {
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0);
        let number = number.ok_or(Refusal::Malformed("a field has no valid number"))?;
        let field = self.schema.shape(open.shape).field(number);
        self.count(1, ELEMENT_BYTES)?;
        let packed_or_scalar = field.is_none_or(|field| field.holds == Holds::Scalar);
        self.state = match tag & 7 {
            0 if packed_or_scalar => State::Value,
            1 if packed_or_scalar => self.content(open, 8)?,
            5 if packed_or_scalar => self.content(open, 4)?,
            2 if field.is_none_or(|field| field.repeated || field.holds != Holds::Scalar) => {
                State::Length(field)
            }
            3 | 4 => return Err(Refusal::Malformed("it holds groups")),
            6 | 7 => return Err(Refusal::Malformed("a field has an unknown wire type")),
            _ => return Err(Refusal::Malformed("a field has another type than the schema says")),
        };
        Ok(())
    }

    fn begin_content(&mut self, open: Open, field: Option<Field>, length: u64) -> Result<(), Refusal> {
        let content = self.content(open, length)?;
        match field.map(|field| field.holds) {
            Some(Holds::Message(shape)) => {
                let bytes = self.schema.shape(shape).bytes;
                self.count(0, bytes.saturating_mul(LIST_GROWTH))?;
                if self.open.len() == MAX_DEPTH {
                    return Err(Refusal::TooDeep { max: MAX_DEPTH });
                }
                self.open.push(Open { shape, end: self.position + length });
                self.state = State::Tag;
                self.close_messages();
                return Ok(());
            }
            // Each byte of packed numbers may be one.
            Some(Holds::Scalar) => {
                let numbers = u32::try_from(length).unwrap_or(u32::MAX);
                self.count(numbers, length.saturating_mul(size_of::<u64>() as u64 * LIST_GROWTH))?;
            }
            Some(Holds::Bytes) | None => {}
        }
        self.state = content;
        if length == 0 {
            self.end_field();
        }
        Ok(())
    }

    /// Content of this length, if its message has room for it.
    fn content(&self, open: Open, length: u64) -> Result<State, Refusal> {
        let end = self.position.checked_add(length).filter(|end| *end <= open.end);
        end.map(State::Content).ok_or(Refusal::Malformed("a field reaches beyond its message"))
    }

    fn end_field(&mut self) {
        self.state = State::Tag;
        self.close_messages();
    }

    /// Leaves the messages that end here.
    fn close_messages(&mut self) {
        while self.open.last().is_some_and(|open| open.end == self.position) {
            self.open.pop();
        }
    }

    fn count(&mut self, elements: u32, bytes: u64) -> Result<(), Refusal> {
        self.elements = self.elements.saturating_add(elements);
        self.overhead = self.overhead.saturating_add(bytes);
        if self.elements > MAX_ELEMENTS {
            return Err(Refusal::TooManyElements { max: MAX_ELEMENTS });
        }
        if self.overhead > MAX_OVERHEAD_BYTES {
            return Err(Refusal::TooLarge { max: MAX_OVERHEAD_BYTES });
        }
        Ok(())
    }
}

impl Varint {
    /// The value, with the last of its bytes.
    fn push(&mut self, byte: u8) -> Result<Option<u64>, Refusal> {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if self.bytes + 1 == MAX_VARINT_BYTES && byte > 1 {
            return Err(Refusal::Malformed("a number is too long"));
        }
        self.value |= bits << (7 * self.bytes);
        self.bytes += 1;
        if byte & 0x80 != 0 {
            return Ok(None);
        }
        let value = self.value;
        *self = Self::default();
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;
    use proto::v1::{self, source};

    use super::*;

    fn schema() -> Arc<Schema> {
        Arc::new(Schema::new([proto::DESCRIPTORS]).unwrap())
    }

    /// Weighs the bytes as a render request, cut into pieces of this size.
    fn weigh_cut(bytes: &[u8], piece: usize) -> Result<u64, Refusal> {
        let schema = schema();
        let render = schema.method("/manifestd.v1.Manifestd/Render").unwrap();
        let mut weigher = Weigher::new(schema, render.request, bytes.len() as u64);
        for piece in bytes.chunks(piece) {
            weigher.walk(piece)?;
        }
        weigher.finish()?;
        Ok(weigher.overhead())
    }

    fn weigh(bytes: &[u8]) -> Result<u64, Refusal> {
        let whole = weigh_cut(bytes, bytes.len().max(1));
        assert_eq!(whole, weigh_cut(bytes, 1));
        assert_eq!(whole, weigh_cut(bytes, 3));
        whole
    }

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(content.len() as u64, &mut bytes);
        bytes.extend_from_slice(content);
        bytes
    }

    /// A request with one kustomize source whose options are these bytes.
    fn kustomize(options: &[u8]) -> Vec<u8> {
        field(1, &field(12, options))
    }

    fn usual() -> v1::RenderRequest {
        let git = v1::Git { url: "https://host/a.git".into(), path: "app".into(), ..Default::default() };
        let parameter = v1::HelmParameter { name: "a.b".into(), value: "c".into(), force_string: true };
        let helm = v1::HelmOptions { parameters: vec![parameter; 20], ..Default::default() };
        let source = v1::Source {
            origin: Some(source::Origin::Git(git)),
            renderer: Some(source::Renderer::Helm(helm)),
        };
        v1::RenderRequest {
            sources: vec![source; 3],
            name: "app".into(),
            api_versions: (0..300).map(|number| format!("group{number}/v1")).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn usual_requests_pass_and_weigh_little() {
        assert_eq!(weigh(b""), Ok(0));
        let bytes = usual().encode_to_vec();
        let overhead = weigh(&bytes).unwrap();
        assert!(overhead < 64 << 10, "{overhead}");
        let large = v1::RenderRequest { name: "x".repeat(1 << 20), ..usual() };
        assert_eq!(weigh_cut(&large.encode_to_vec(), 4096), Ok(overhead));
    }

    #[test]
    fn elements_are_counted_wherever_they_are() {
        let max = MAX_ELEMENTS as usize;
        let many = |element: &[u8], count: usize| element.repeat(count);
        let too_many = Err(Refusal::TooManyElements { max: MAX_ELEMENTS });
        // Empty api_versions, empty strings of another field, one number again and again, fields nobody knows.
        assert!(weigh_cut(&many(b"\x2a\x00", max), 4096).is_ok());
        for element in [&b"\x2a\x00"[..], b"\x12\x00", b"\x30\x01", b"\xf8\x7f\x01"] {
            assert_eq!(weigh_cut(&many(element, max + 1), 4096), too_many, "{element:?}");
        }
        // Images, replicas and patches of kustomize options.
        for (number, refusal) in [
            (7, too_many),
            (8, Err(Refusal::TooLarge { max: MAX_OVERHEAD_BYTES })),
            (15, Err(Refusal::TooLarge { max: MAX_OVERHEAD_BYTES })),
        ] {
            let got = weigh_cut(&kustomize(&many(&field(number, b""), 1 << 20)), 4096);
            assert!(got == refusal || got == too_many, "{number}: {got:?}");
        }
        let sources = weigh_cut(&many(b"\x0a\x00", max), 4096);
        assert_eq!(sources, Err(Refusal::TooLarge { max: MAX_OVERHEAD_BYTES }));
    }

    #[test]
    fn a_refusal_comes_with_the_element_that_is_too_many() {
        let schema = schema();
        let render = schema.method("/manifestd.v1.Manifestd/Render").unwrap();
        let mut weigher = Weigher::new(schema, render.request, 94 << 20);
        let piece = b"\x0a\x00".repeat(8 << 10);
        let refused = (0..).find(|_| weigher.walk(&piece).is_err()).unwrap();
        assert!(refused < 8, "{refused} pieces were read");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let table: &[(&[u8], &str)] = &[
            (b"\x0a", "it is cut off"),
            (b"\x0a\x05\x01", "a field reaches beyond its message"),
            (b"\x0a\xff\xff\xff\xff\x0f", "a field reaches beyond its message"),
            // A source of one byte whose field has two.
            (b"\x0a\x01\x0a\x00", "a field reaches beyond its message"),
            (b"\x00\x01", "a field has no valid number"),
            (b"\x08\x01", "a field has another type than the schema says"),
            (b"\x32\x01\x01", "a field has another type than the schema says"),
            (b"\x0b\x0c", "it holds groups"),
            (b"\x0f", "a field has an unknown wire type"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "a number is too long"),
            (b"\x30\x80", "it is cut off"),
        ];
        for (bytes, why) in table {
            assert_eq!(weigh(bytes), Err(Refusal::Malformed(why)), "{bytes:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        // No request of ours nests without end, so one that does is made up: health's own has no messages at all.
        use prost_types::field_descriptor_proto::{Label, Type};
        use prost_types::*;
        let node = DescriptorProto {
            name: Some("Node".into()),
            field: vec![FieldDescriptorProto {
                number: Some(1),
                r#type: Some(Type::Message.into()),
                label: Some(Label::Repeated.into()),
                type_name: Some(".a.Node".into()),
                ..Default::default()
            }],
            ..Default::default()
        };
        let file =
            FileDescriptorProto { package: Some("a".into()), message_type: vec![node], ..Default::default() };
        let set = FileDescriptorSet { file: vec![file] }.encode_to_vec();
        let schema = Arc::new(Schema::new([&*set]).unwrap());
        let nested = |levels: usize| (1..levels).fold(Vec::new(), |inner, _| field(1, &inner));
        let weigh = |bytes: &[u8]| {
            let mut weigher = Weigher::new(schema.clone(), 0, bytes.len() as u64);
            weigher.walk(bytes).and_then(|()| weigher.finish())
        };
        assert_eq!(weigh(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(weigh(&nested(MAX_DEPTH + 1)), Err(Refusal::TooDeep { max: MAX_DEPTH }));
    }

    proptest! {
        /// What prost builds a message from passes; what does not pass, prost refuses or it was too much.
        #[test]
        fn agrees_with_the_decoder(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..1000usize, to: u8) {
            let mut message = usual().encode_to_vec();
            let at = at % message.len();
            message[at] = to;
            for bytes in [&mut bytes, &mut message] {
                let weighed = weigh(bytes);
                if let Err(Refusal::Malformed(why)) = weighed {
                    let decoded = v1::RenderRequest::decode(&**bytes);
                    // Groups of unknown fields are the one thing that only the decoder puts up with.
                    prop_assert!(decoded.is_err() || why == "it holds groups", "{why}: {bytes:?}");
                }
            }
        }
    }
}
