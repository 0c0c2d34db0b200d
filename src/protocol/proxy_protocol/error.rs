//! Headers that are none.

use super::MAX_HEADER;

/// Why bytes are no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// They begin like none.
    #[error("no header of the PROXY protocol")]
    Missing,
    /// A line without an end where it has to have one.
    #[error("the line of the PROXY protocol has no end within 107 bytes")]
    LineTooLong,
    /// A line that ends in something else than CR and LF, or has control characters.
    #[error("the line of the PROXY protocol does not end in CR LF")]
    LineEnd,
    /// A word that is none of `TCP4`, `TCP6` and `UNKNOWN`.
    #[error("a family other than TCP4, TCP6 and UNKNOWN in the line of the PROXY protocol")]
    Word,
    /// Not an address of the family; or more or fewer words than a line has.
    #[error("malformed address in the line of the PROXY protocol")]
    Address,
    /// Not a port in decimal digits.
    #[error("malformed port in the line of the PROXY protocol")]
    Port,
    /// Neither version 1 nor 2.
    #[error("version {0} of the PROXY protocol")]
    Version(u8),
    /// Neither LOCAL nor PROXY.
    #[error("command {0} of the PROXY protocol")]
    Command(u8),
    /// A family or a transport that the specification does not know.
    #[error("family {0:#04x} of the PROXY protocol")]
    Family(u8),
    /// More than is taken.
    #[error("the header of the PROXY protocol has {0} bytes, more than {MAX_HEADER}")]
    TooLarge(usize),
    /// Fewer bytes than the addresses of the family have.
    #[error("the header of the PROXY protocol is shorter than its addresses")]
    TooShort,
    /// A TLV that does not fit where it stands.
    #[error("malformed TLV {0:#04x} in the header of the PROXY protocol")]
    Tlv(u8),
    /// The header is not what was sent.
    #[error("wrong CRC32C in the header of the PROXY protocol")]
    Checksum,
}
