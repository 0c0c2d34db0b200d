//! What went over connections, when, and in what pieces: the kit's own text format. `TRACE.md` describes it.
//!
//! Everything that can be decoded or made into a case becomes entries first: traces, captures and raw bytes.

mod entry;
mod read;
mod redact;
mod write;

pub use entry::{Entry, Event, Header, Origin};
pub use read::{BadTrace, Reader};
pub use redact::Redactor;
pub use write::Writer;

/// The first word of a trace.
pub const MAGIC: &str = "bridgehead-trace";
/// The only version that there is.
const VERSION: &str = "1";
/// Bytes of one entry; larger than every read of the relay.
const MAX_BYTES: usize = 1 << 20;
