//! The rules of a response head, one name each.

/// Why a response head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Larger than the limit.
    #[error("more than {0} bytes")]
    TooLarge(usize),
    /// More fields than the limit.
    #[error("more than {0} fields")]
    TooManyFields(usize),
    /// A blank line and nothing before it.
    #[error("no field before the blank line")]
    Empty,
    /// An HTTP status line that is not `HTTP/x.y NNN reason`.
    #[error("malformed status line")]
    StatusLine,
    /// A status line where CGI fields belong (a script written for nph mode).
    #[error("HTTP status line instead of CGI fields")]
    Nph,
    /// Not exactly three digits from 100 to 999.
    #[error("malformed status")]
    Status,
    /// Two `Status` fields.
    #[error("more than one Status field")]
    RepeatedStatus,
    /// An interim status where only a final one can be.
    #[error("interim status {0} as the answer")]
    Interim(u16),
    /// Neither a status line nor a `Status` field, where one of them is needed.
    #[error("no status")]
    NoStatus,
    /// A line without a colon.
    #[error("field without a colon")]
    NoColon,
    /// Whitespace between name and colon: parsers disagree on what it means.
    #[error("whitespace before the colon")]
    SpaceBeforeColon,
    /// A line that starts with its colon.
    #[error("field without a name")]
    EmptyName,
    /// A field name with a character that no token has.
    #[error("malformed field name")]
    Name,
    /// A line that starts with whitespace: CGI/1.1 knows no continuation lines.
    #[error("folded field")]
    Folded,
    /// A CR that is not part of a line end.
    #[error("CR inside a line")]
    BareCr,
    /// NUL or another control byte.
    #[error("control byte in a field")]
    ControlByte,
    /// `Content-Length` is not a plain decimal number of 64 bits, nor a list of equal ones.
    #[error("Content-Length is no number in digits")]
    Length,
    /// Two values of `Content-Length` that differ.
    #[error("Content-Length has two different values")]
    ConflictingLength,
    /// A field that may be there once is there with different values.
    #[error("{0} has two different values")]
    Conflicting(&'static str),
    /// A transfer coding that cannot be undone: not `chunked` alone, once (RFC 9112, section 6.1).
    #[error("Transfer-Encoding is not `chunked` alone, once")]
    Coding,
    /// Which of the two delimits the body cannot be known (RFC 9112, section 6.3).
    #[error("Content-Length beside Transfer-Encoding")]
    LengthBesideCoding,
    /// HTTP/1.0 has no transfer codings (RFC 9112, section 6.1).
    #[error("Transfer-Encoding in an answer of HTTP/1.0")]
    CodingInHttp10,
}

impl HeadError {
    /// What is to be shown of the line that breaks the rule: all of it where its value is the mistake, or it has no name;
    /// else its name, as the value may be a secret.
    pub(super) fn shown(self, line: &[u8]) -> Option<Box<str>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let shown = match self {
            Self::TooLarge(_) | Self::TooManyFields(_) => return None,
            Self::Coding
            | Self::ConflictingLength
            | Self::Folded
            | Self::Length
            | Self::NoColon
            | Self::Status => line,
            _ => line.split(|byte| *byte == b':').next().unwrap_or(line),
        };
        let shown = &shown[..shown.len().min(SHOWN)];
        Some(shown.escape_ascii().to_string().into())
    }
}

/// Bytes of a line that are shown.
const SHOWN: usize = 64;
