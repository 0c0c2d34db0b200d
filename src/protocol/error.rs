//! What can be wrong with a request to encode or with bytes to decode.

use super::head::HeadError;
use super::http1::ChunkError;

/// Why a request cannot be put into a protocol's variable block. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The variable block exceeds what the backend takes (uWSGI `buffer-size`, the 16-bit uwsgi length, …).
    #[error("variable block of more than {limit} bytes, the limit of the upstream ({setting})")]
    BlockTooLarge {
        /// Bytes that the backend accepts.
        limit: usize,
        /// Our setting that holds the limit, and that of the backend which it follows.
        setting: &'static str,
    },
    /// More variables than the backend takes.
    #[error("more than {limit} variables, the limit of the upstream ({setting})")]
    TooManyParams {
        /// Variables that the backend accepts.
        limit: usize,
        /// Our setting that holds the limit, and that of the backend which it follows.
        setting: &'static str,
    },
    /// A single variable that fits no record (FastCGI: a pair may not cross a PARAMS record).
    #[error("one variable of more than {limit} bytes")]
    ParamTooLarge {
        /// Bytes that name, value and their lengths may take together.
        limit: usize,
    },
    /// A NUL byte in a name or value: PHP would cut the value there, SCGI cannot carry it.
    #[error("NUL byte in a variable")]
    Nul,
    /// A variable without a name: uWSGI would drop the whole request, SCGI cannot carry it.
    #[error("variable without a name")]
    EmptyName,
    /// The protocol needs the length of the body before the request starts.
    #[error("length of the request body unknown")]
    LengthRequired,
}

/// Why bytes from a backend are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The response head is malformed or too large.
    #[error("malformed response head: {0}")]
    Head(#[from] HeadError),
    /// The connection ended before the response head was complete, after at least one byte.
    #[error("connection closed inside the response head")]
    EofInHead,
    /// The connection ended before any byte of a response.
    #[error("connection closed without an answer")]
    Empty,
    /// The response ended before its announced length, or without its end mark.
    #[error("response truncated")]
    Truncated,
    /// The application ended the exchange without a response head (FastCGI END_REQUEST only).
    #[error("application ended the request without a response")]
    NoResponse,
    /// FastCGI END_REQUEST with protocolStatus OVERLOADED: not processed, may be sent elsewhere.
    #[error("application is overloaded (FCGI_OVERLOADED)")]
    Overloaded,
    /// FastCGI END_REQUEST with protocolStatus CANT_MPX_CONN: not processed, may be sent elsewhere.
    #[error("application cannot multiplex (FCGI_CANT_MPX_CONN)")]
    CantMultiplex,
    /// FastCGI END_REQUEST with protocolStatus UNKNOWN_ROLE: the application is not a responder.
    #[error("application does not know the role (FCGI_UNKNOWN_ROLE)")]
    UnknownRole,
    /// FastCGI END_REQUEST with a protocolStatus outside the specification.
    #[error("unknown protocol status {0}")]
    UnknownStatus(u8),
    /// A FastCGI record with a version other than 1: the peer speaks something else.
    #[error("record version {0} instead of 1: the peer does not speak FastCGI")]
    Version(u8),
    /// A record whose content has the wrong size for its type.
    #[error("record of type {kind} with {length} bytes of content")]
    RecordLength {
        /// Record type.
        kind: u8,
        /// Content length as announced.
        length: u16,
    },
    /// A FastCGI record for request id 0 that belongs to a request.
    #[error("record of type {0} for request id 0")]
    ManagementId(u8),
    /// A record that only the other side may send.
    #[error("record of type {0} in the wrong direction")]
    Direction(u8),
    /// STDOUT content after the empty STDOUT record that ended the stream.
    #[error("output after the end of the output stream")]
    AfterEnd,
    /// A name-value pair that runs past its stream or packet.
    #[error("name-value pair runs past its block")]
    PairOverrun,
    /// A uwsgi variable with an empty name.
    #[error("variable with an empty name")]
    EmptyName,
    /// A variable block over the decoder's limit.
    #[error("variable block over {0} bytes")]
    BlockTooLarge(usize),
    /// More variables than the decoder's limit.
    #[error("more than {0} variables")]
    TooManyParams(usize),
    /// A FastCGI record before the one that has to come first, or after the end of its stream.
    #[error("record of type {0} out of order")]
    Order(u8),
    /// A malformed SCGI netstring or header list.
    #[error("malformed netstring")]
    Netstring,
    /// An SCGI request whose CONTENT_LENGTH is missing, not first or not a number.
    #[error("missing or malformed CONTENT_LENGTH")]
    ContentLength,
    /// An SCGI request without the variable `SCGI` of value 1, or with a variable twice.
    #[error("variable SCGI missing or a variable repeated")]
    Scgi,
    /// A uwsgi packet with a modifier that the application does not serve.
    #[error("uwsgi modifier1 {0} is not served")]
    Modifier(u8),
    /// The answer is 101, and the request asked for no other protocol.
    #[error("status 101, but the request asked for no other protocol")]
    Upgrade,
    /// The answer is 101, and its `Upgrade` names none of the protocols that the request offered.
    #[error("status 101, but Upgrade names no protocol that the request offered")]
    OtherProtocol,
    /// The answer is 101 before all of the request was sent: what followed would be taken for the other protocol.
    #[error("status 101 before the request was complete")]
    EarlySwitch,
    /// An HTTP answer in chunks that are none.
    #[error("malformed chunked body: {0}")]
    Chunk(#[from] ChunkError),
}
