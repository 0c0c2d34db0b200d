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
    /// `Content-Length` is not a plain decimal number of 64 bits.
    #[error("malformed Content-Length")]
    Length,
    /// Two `Content-Length` fields that differ.
    #[error("conflicting Content-Length fields")]
    ConflictingLength,
    /// A field that may be there once is there with different values.
    #[error("conflicting {0} fields")]
    Conflicting(&'static str),
    /// An HTTP head that announces a transfer coding, which no uwsgi application needs.
    #[error("transfer coding on a connection that has none")]
    TransferEncoding,
    /// A transfer coding that leaves the end of the body open to reading: not one `chunked` alone, beside a length, or
    /// in HTTP/1.0 (RFC 9112, section 6.3).
    #[error("transfer coding other than one chunked, beside Content-Length, or in HTTP/1.0")]
    Coding,
}
