//! Variables: lists of names and values, in the coding of each protocol, and as wrong as wanted.

use super::{Content, Missing, Scope};
use crate::notation::{Complaint, Node, Table};
use crate::protocol::Protocol;

/// A list in which order and duplicates are kept.
#[derive(Clone, Debug, Default)]
pub struct PairList(Vec<Item>);

#[derive(Clone, Debug)]
enum Item {
    Pair(Box<Pair>),
    Basic(Basic),
    Raw(Content),
    /// A value as long as the whole list needs it to be.
    FillTo {
        name: String,
        total: usize,
    },
    /// Numbered names with one value.
    Many {
        name: String,
        value: Content,
        count: usize,
    },
}

/// A name and a value, and what is written as their lengths.
#[derive(Clone, Debug)]
struct Pair {
    name: Content,
    value: Content,
    name_length: Option<u32>,
    value_length: Option<u32>,
    wide: bool,
}

/// The variables of an ordinary request.
#[derive(Clone, Debug)]
pub(crate) struct Basic {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// The CONTENT_LENGTH, if there is one.
    pub(super) length: Option<String>,
    drop: Vec<String>,
    set: Vec<(String, Content)>,
}

/// A name and its value.
pub(super) type Named = (Vec<u8>, Vec<u8>);

/// A pair as bytes.
struct Plain {
    name: Vec<u8>,
    value: Vec<u8>,
    name_length: u32,
    value_length: u32,
    wide: bool,
}

impl PairList {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        node.items()?
            .iter()
            .map(Item::read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Names without values.
    pub(super) fn names(names: Vec<String>) -> Self {
        let pair = |name: String| Item::Pair(Box::new(Pair::plain(Content::Text(name), Content::from(""))));
        Self(names.into_iter().map(pair).collect())
    }

    pub(super) fn basic(basic: Basic) -> Self {
        Self(vec![Item::Basic(basic)])
    }

    /// The bytes of every pair.
    pub(crate) fn encode(&self, scope: &Scope, protocol: Protocol) -> Result<Vec<Vec<u8>>, Missing> {
        let mut out = Vec::new();
        for item in &self.0 {
            match item {
                Item::Raw(content) => out.push(content.encode(scope)?),
                Item::FillTo { name, total } => {
                    let used: usize = out.iter().map(Vec::len).sum();
                    out.push(fill(name, total.saturating_sub(used), protocol));
                }
                Item::Many { name, value, count } => {
                    let value = value.encode(scope)?;
                    let pair = |number| Plain::new(format!("{name}{number}").into_bytes(), value.clone());
                    out.extend((0..*count).map(|number| pair(number).encode(protocol)));
                }
                Item::Pair(pair) => out.push(pair.resolve(scope)?.encode(protocol)),
                Item::Basic(basic) => {
                    let pairs = basic.resolve(scope)?;
                    out.extend(
                        pairs
                            .into_iter()
                            .map(|(name, value)| Plain::new(name, value).encode(protocol)),
                    );
                }
            }
        }
        Ok(out)
    }
}

impl Item {
    fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        if node.is_array() {
            let items = node.items()?;
            let [name, value] = items.as_slice() else {
                return Err(node.complaint("a pair is [\"NAME\", CONTENT]"));
            };
            return Ok(Self::Pair(Box::new(Pair::plain(
                Content::read(name)?,
                Content::read(value)?,
            ))));
        }
        let mut table = node.table()?;
        let item = if let Some(basic) = table.take("basic") {
            let mut basic = basic.table()?;
            let read = Basic::read(&mut basic)?;
            basic.finish()?;
            Self::Basic(read)
        } else if let Some(raw) = table.take("raw") {
            Self::Raw(Content::read(&raw)?)
        } else if let Some(total) = table.integer("fill_to")? {
            let name = table.need("name")?.string()?;
            Self::FillTo { name, total }
        } else if let Some(count) = table.integer("many")? {
            let (name, value) = (
                table.need("name")?.string()?,
                Content::read(&table.need("value")?)?,
            );
            Self::Many { name, value, count }
        } else {
            Self::Pair(Box::new(Pair::read(&mut table)?))
        };
        table.finish()?;
        Ok(item)
    }
}

impl Pair {
    fn plain(name: Content, value: Content) -> Self {
        Self {
            name,
            value,
            name_length: None,
            value_length: None,
            wide: false,
        }
    }

    fn read(table: &mut Table<'_>) -> Result<Self, Complaint> {
        Ok(Self {
            name: Content::read(&table.need("name")?)?,
            value: Content::read(&table.need("value")?)?,
            name_length: table.integer("name_length")?,
            value_length: table.integer("value_length")?,
            wide: table.boolean("wide")?.unwrap_or_default(),
        })
    }

    fn resolve(&self, scope: &Scope) -> Result<Plain, Missing> {
        let mut plain = Plain::new(self.name.encode(scope)?, self.value.encode(scope)?);
        plain.name_length = self.name_length.unwrap_or(plain.name_length);
        plain.value_length = self.value_length.unwrap_or(plain.value_length);
        plain.wide = self.wide;
        Ok(plain)
    }
}

impl Basic {
    /// Takes the keys of a basic request from a table that may have others.
    pub(super) fn read(table: &mut Table<'_>) -> Result<Self, Complaint> {
        let set = match table.take("set") {
            Some(node) => node.items()?.iter().map(read_set).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            method: table.string("method")?.unwrap_or_else(|| "GET".to_owned()),
            path: table.string("path")?.unwrap_or_else(|| "/".to_owned()),
            query: table.string("query")?.unwrap_or_default(),
            length: table.take("length").map(|node| node.scalar()).transpose()?,
            drop: table.strings("drop")?,
            set,
        })
    }

    /// Names and values, in the order of the profile.
    pub(super) fn resolve(&self, scope: &Scope) -> Result<Vec<Named>, Missing> {
        let path = scope.expand(&self.path)?;
        let query = scope.expand(&self.query)?;
        let uri = if query.is_empty() {
            path.clone()
        } else {
            format!("{path}?{query}")
        };
        let method = scope.expand(&self.method)?;
        let length = scope.expand(self.length.as_deref().unwrap_or_default())?;
        let local = [
            ("method", method.as_str()),
            ("path", &path),
            ("query", &query),
            ("uri", &uri),
            ("length", &length),
        ];
        let mut out = Vec::new();
        for (name, template) in scope.params.iter().filter(|(name, _)| !self.drop.contains(name)) {
            if self.length.is_some() || !template.contains("${length}") {
                let value = scope.expand_with(template, &local)?;
                out.push((name.clone().into_bytes(), value.into_bytes()));
            }
        }
        self.replace(scope, &mut out)?;
        Ok(out)
    }

    /// What `set` holds: the header fields, where the request is HTTP.
    pub(super) fn fields(&self, scope: &Scope) -> Result<Vec<(&str, Vec<u8>)>, Missing> {
        self.set
            .iter()
            .map(|(name, value)| Ok((name.as_str(), value.encode(scope)?)))
            .collect()
    }

    fn replace(&self, scope: &Scope, out: &mut Vec<Named>) -> Result<(), Missing> {
        for (name, value) in &self.set {
            let value = value.encode(scope)?;
            match out.iter_mut().find(|(known, _)| known == name.as_bytes()) {
                Some(known) => known.1 = value,
                None => out.push((name.clone().into_bytes(), value)),
            }
        }
        Ok(())
    }
}

impl Plain {
    fn new(name: Vec<u8>, value: Vec<u8>) -> Self {
        // No content is longer than 64 MiB.
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self {
            name_length: length(&name),
            value_length: length(&value),
            wide: false,
            name,
            value,
        }
    }

    fn encode(&self, protocol: Protocol) -> Vec<u8> {
        match protocol {
            Protocol::FastCgi => self.encode_fastcgi(),
            Protocol::Uwsgi => self.encode_uwsgi(),
            Protocol::Scgi | Protocol::Http => [&self.name[..], b"\0", &self.value, b"\0"].concat(),
        }
    }

    /// FastCGI 1.0, section 3.4: both lengths, then both strings.
    fn encode_fastcgi(&self) -> Vec<u8> {
        let length = |number: u32| match u8::try_from(number) {
            Ok(short @ 0..=127) if !self.wide => vec![short],
            _ => (number | 1 << 31).to_be_bytes().to_vec(),
        };
        [
            length(self.name_length),
            length(self.value_length),
            self.name.clone(),
            self.value.clone(),
        ]
        .concat()
    }

    /// uwsgi: each string after its length, two bytes, little end first.
    fn encode_uwsgi(&self) -> Vec<u8> {
        let length = |number: u32| ((number & 0xffff) as u16).to_le_bytes();
        let (name, value) = (length(self.name_length), length(self.value_length));
        [&name[..], &self.name, &value, &self.value].concat()
    }
}

/// A pair that takes exactly so many bytes, if that is enough for it.
fn fill(name: &str, bytes: usize, protocol: Protocol) -> Vec<u8> {
    let pair = |length: usize, wide| {
        let plain = Plain::new(name.as_bytes().to_vec(), vec![b'f'; length]);
        Plain { wide, ..plain }.encode(protocol)
    };
    // Wide lengths have one size, so that every total can be reached.
    let frame = pair(0, true).len();
    pair(bytes.saturating_sub(frame), true)
}

fn read_set(node: &Node<'_>) -> Result<(String, Content), Complaint> {
    match node.items()?.as_slice() {
        [name, value] => Ok((name.string()?, Content::read(value)?)),
        _ => Err(node.complaint("a pair is [\"NAME\", CONTENT]")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use super::*;

    #[test]
    fn every_protocol_has_its_coding() {
        let text = r#"{ pairs = [["A", "bc"], { name = "D", value = "", value_length = 9 }] }"#;
        assert_eq!(encode(Protocol::FastCgi, text), b"\x01\x02Abc\x01\x09D");
        assert_eq!(encode(Protocol::Uwsgi, text), b"\x01\0A\x02\0bc\x01\0D\x09\0");
        assert_eq!(encode(Protocol::Scgi, text), b"A\0bc\0D\0\0");
    }

    #[test]
    fn long_and_wide_lengths_take_four_bytes() {
        let wide = r#"{ pairs = [{ name = "A", value = "b", wide = true }] }"#;
        assert_eq!(encode(Protocol::FastCgi, wide), b"\x80\0\0\x01\x80\0\0\x01Ab");
        let long = r#"{ pairs = [["A", { fill = "x", length = 128 }]] }"#;
        assert_eq!(encode(Protocol::FastCgi, long)[..6], *b"\x01\x80\0\0\x80A");
    }

    #[test]
    fn a_value_fills_the_list_up_to_a_size() {
        for protocol in [Protocol::FastCgi, Protocol::Uwsgi, Protocol::Scgi] {
            for total in [30, 126, 127, 128, 300, 65535] {
                let text = format!(r#"{{ pairs = [["A", "b"], {{ fill_to = {total}, name = "FILL" }}] }}"#);
                assert_eq!(encode(protocol, &text).len(), total, "{protocol}");
            }
        }
    }

    #[test]
    fn many_names_are_numbered() {
        let text = r#"{ pairs = [{ many = 2, name = "A", value = "b" }] }"#;
        assert_eq!(encode(Protocol::Scgi, text), b"A0\0b\0A1\0b\0");
    }

    #[test]
    fn a_basic_request_has_what_the_profile_says() {
        let text =
            r#"{ pairs = [{ basic = { path = "/x", set = [["P", "y"], ["Q", "z"]], drop = ["M"] } }] }"#;
        assert_eq!(encode(Protocol::Scgi, text), b"P\0y\0Q\0z\0");
        let text = r#"{ pairs = [{ basic = { path = "/x", length = 3 } }] }"#;
        assert_eq!(
            encode(Protocol::Scgi, text),
            b"M\0GET\0P\0/x\0CONTENT_LENGTH\x003\0"
        );
    }

    #[test]
    fn references_are_replaced_in_every_part_of_a_basic_request() {
        let text =
            r#"{ pairs = [{ basic = { path = "/${name}", method = "${name}", length = "${name}" } }] }"#;
        assert_eq!(
            encode(Protocol::Scgi, text),
            b"M\0value\0P\0/value\0CONTENT_LENGTH\0value\0"
        );
    }
}
