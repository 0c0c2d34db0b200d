//! The CGI variables of a request: one [`walk()`] for all protocols, straight into each protocol's block.
//!
//! [`screen`] is the firewall in front of it: which of a client's header fields may become variables.

pub mod firewall;
pub mod list;
mod room;
pub mod sink;
mod style;
pub mod walk;
mod window;

pub use firewall::{Conflict, Underscores, conflict, screen};
pub use list::List;
pub(super) use room::{Full, Room};
pub use sink::{Name, Sink, Value};
pub use style::{PathInfo, Style, StyleKind};
pub use walk::{SOFTWARE, walk};
pub(super) use window::Window;
