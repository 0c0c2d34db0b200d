//! What a server says, as far as the other has to say the same.

use serde_json::Value;
use testbed::Response;

/// An answer.
#[derive(Clone)]
pub(super) struct Outcome {
    pub(super) status: u16,
    /// Fields that are compared, but for those of refusals, whose pages are each one's own.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) content: Content,
    /// Each server has its own.
    pub(super) tag: Option<String>,
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        let has_tag = |outcome: &Self| outcome.status < 400 && outcome.tag.is_some();
        (self.status, &self.fields, has_tag(self)) == (other.status, &other.fields, has_tag(other))
            && self.content == other.content
    }
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Content {
    Nothing,
    Bytes(Vec<u8>),
    /// Where each part is from, and its bytes.
    Parts(Vec<(String, Vec<u8>)>),
    /// In the order of names.
    List(Vec<Value>),
}

const COMPARED: [&str; 8] = [
    "content-type",
    "content-length",
    "content-range",
    "content-encoding",
    "accept-ranges",
    "last-modified",
    "cache-control",
    "expires",
];

impl Outcome {
    pub(super) fn of(answer: &Response) -> Self {
        assert!(answer.complete, "{answer:?}");
        let tag = answer.header("etag").map(str::to_owned);
        let content = match answer.status {
            200 | 206 => Content::of(answer),
            _ => Content::Nothing,
        };
        let is_bytes = matches!(content, Content::Bytes(_) | Content::Nothing);
        let compared: &[&'static str] = match answer.status {
            200 | 206 | 304 => &COMPARED,
            416 => &["content-range"],
            301 | 308 => &["location"],
            _ => &[],
        };
        let value = |name: &str| match (name, answer.header(name)?) {
            // Both have boundaries of their own, and listings their blanks.
            ("content-length", _) if !is_bytes => None,
            ("content-type", kind) if kind.starts_with("multipart/") => Some("multipart".to_owned()),
            ("location", place) => Some(path(place)),
            // nginx is a second late for 1970.
            ("expires", _) => Some("at once".to_owned()),
            (_, value) => Some(value.to_owned()),
        };
        Self {
            status: answer.status,
            fields: compared
                .iter()
                .filter_map(|name| Some((*name, value(name)?)))
                .collect(),
            content,
            tag,
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Content {
    fn of(answer: &Response) -> Self {
        let kind = answer.header("content-type").unwrap_or_default();
        if answer.body.is_empty() {
            return Self::Nothing;
        }
        if let Some((_, boundary)) = kind.split_once("multipart/byteranges; boundary=") {
            return Self::Parts(parts(&answer.body, boundary));
        }
        match serde_json::from_slice(&answer.body) {
            Ok(Value::Array(mut items)) if kind.starts_with("application/json") => {
                items.sort_by_key(|item| item["name"].to_string());
                Self::List(items)
            }
            _ => Self::Bytes(answer.body.clone()),
        }
    }
}

fn parts(body: &[u8], boundary: &str) -> Vec<(String, Vec<u8>)> {
    let line = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(line.as_bytes()).expect("a boundary first");
    let mut parts = Vec::new();
    loop {
        if rest == b"--\r\n" {
            return parts;
        }
        let blank = find(rest, b"\r\n\r\n").expect("a head of a part");
        let head = String::from_utf8(rest[..blank].to_vec()).unwrap();
        let content = &rest[blank + 4..];
        let end = find(content, line.as_bytes()).expect("a boundary behind it");
        parts.push((head.trim().to_owned(), content[..end].to_vec()));
        rest = &content[end + line.len()..];
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The path of a place, without the server that sent it.
fn path(place: &str) -> String {
    let path = place
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    path.unwrap_or(place).to_owned()
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} ", self.status, self.fields)?;
        match &self.content {
            Content::Nothing => write!(f, "-"),
            Content::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Content::Parts(parts) => {
                let heads: Vec<&str> = parts.iter().map(|(head, _)| head.as_str()).collect();
                write!(f, "parts {heads:?}")
            }
            Content::List(items) => write!(f, "{items:?}"),
        }
    }
}
