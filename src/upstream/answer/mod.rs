//! An answer on its way from the worker to the front end. A body owns its lease until the worker has written all.

mod answer;
mod body;
mod buffered;
mod lease;
mod options;
mod relays;
mod running;
mod source;
mod switched;

pub use answer::Answer;
pub use body::Body;
pub use options::{Interim, Options};
pub use relays::Relays;
pub use switched::Switched;

pub(super) use lease::Lease;
pub(super) use running::Rest;
pub(super) use source::Source;
