//! Why a client's bytes are no request.

use std::fmt;

/// A head that was refused: the rule that it breaks, and the field that breaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// What was broken.
    pub rule: Rule,
    /// The name of the field, cut to 64 bytes; empty when no field is to blame.
    pub field: String,
    /// The method, as far as it was read; at most 256 bytes.
    pub method: Vec<u8>,
    /// The target, likewise.
    pub target: Vec<u8>,
}

/// A rule of RFC 9112 or RFC 9110 that a head broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// RFC 9112, section 2.2.
    #[error("a line ends with LF alone")]
    BareLf,
    /// RFC 9112, section 2.2.
    #[error("CR without LF")]
    BareCr,
    /// RFC 9110, section 5.5.
    #[error("control byte in a line")]
    Control,
    /// RFC 9112, section 3.
    #[error("request line is not `METHOD TARGET HTTP/1.1`")]
    RequestLine,
    /// RFC 9110, section 9.1.
    #[error("method is no token")]
    Method,
    /// RFC 9112, section 3.2.
    #[error("target has no form that fits the method, or a byte that no target has")]
    Target,
    /// RFC 9112, section 2.3.
    #[error("version is neither HTTP/1.1 nor HTTP/1.0")]
    Version,
    /// The first record of TLS.
    #[error("TLS on a port for clear text")]
    Tls,
    /// HAProxy's PROXY protocol.
    #[error("PROXY line on a listener that expects none")]
    ProxyLine,
    /// RFC 9112, section 5.2.
    #[error("field is folded over two lines")]
    Folded,
    /// RFC 9112, section 5.1.
    #[error("blank before the colon of a field")]
    BlankBeforeColon,
    /// RFC 9112, section 5.
    #[error("field line without a colon")]
    NoColon,
    /// RFC 9110, section 5.1.
    #[error("field name is no token")]
    FieldName,
    /// RFC 9110, section 5.3.
    #[error("field that may be there once is given twice")]
    Repeated,
    /// RFC 9112, section 6.3.
    #[error("Content-Length beside Transfer-Encoding")]
    LengthBesideCoding,
    /// RFC 9110, section 8.6.
    #[error("Content-Length is no number in digits")]
    Length,
    /// RFC 9112, section 6.1.
    #[error("transfer coding other than one chunked")]
    Coding,
    /// RFC 9112, section 6.1.
    #[error("Transfer-Encoding in HTTP/1.0")]
    CodingInHttp10,
    /// Our limit.
    #[error("request head has more bytes than `head_size`")]
    TooLarge,
    /// Our limit.
    #[error("request head has more fields than `head_fields`")]
    TooManyFields,
}

/// Bytes of a field name that an error shows.
pub(super) const LONGEST_NAME: usize = 64;

impl RequestError {
    /// A broken rule of the field `name`.
    pub(super) fn of(rule: Rule, name: &[u8]) -> Self {
        let shown = &name[..name.len().min(LONGEST_NAME)];
        Self {
            rule,
            field: shown.escape_ascii().to_string(),
            ..Self::from(rule)
        }
    }

    /// The same, in the head that begins with `text`.
    pub(super) fn within(mut self, text: &[u8]) -> Self {
        // Has neither.
        if self.rule == Rule::Tls {
            return self;
        }
        let (method, target) = seen(text);
        (self.method, self.target) = (method.to_vec(), target.to_vec());
        self
    }
}

/// Method and target of the head that begins with `text`, as far as they are there; at most 256 bytes of each.
pub fn seen(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let line = text
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or(text);
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let mut shown = || {
        words
            .next()
            .map_or(&b""[..], |word| &word[..word.len().min(SHOWN)])
    };
    (shown(), shown())
}

/// Bytes of method and target that are shown of a refused request, each.
pub(super) const SHOWN: usize = 256;

impl From<Rule> for RequestError {
    fn from(rule: Rule) -> Self {
        Self {
            rule,
            field: String::new(),
            method: Vec::new(),
            target: Vec::new(),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => self.rule.fmt(f),
            field => write!(f, "{}: {field}", self.rule),
        }
    }
}

impl std::error::Error for RequestError {}
