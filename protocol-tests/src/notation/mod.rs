//! Cases as they stand in files: TOML in, steps out, complaints with line and column.

mod case;
mod complaint;
mod node;
mod quote;
mod step;
mod suite;

pub use case::{Case, Level, SideName, Variant};
pub use complaint::Complaint;
pub use node::parse_duration;
pub use step::{Action, Limit, Operation, Split, Step};
pub use suite::{File, Suite, embedded, files_in};

pub(crate) use node::{Node, Source, Table};
pub(crate) use quote::quoted;
