//! Files below a root: URL paths to safe relative paths, lookups that cannot leave the root, plain answers.
//!
//! Knows neither routes nor applications. What is a script is decided by the front end; this module only never
//! serves one as plain text.

mod answer;
pub mod body;
mod cache;
mod coding;
mod conditional;
mod contents;
mod delivery;
mod directory;
mod expiry;
mod file;
mod hashed;
mod kept;
mod links;
mod listing;
mod mime;
mod multipart;
pub mod path;
mod program;
mod ranges;
pub mod root;
pub mod serve;
mod spelling;
mod told;
mod version;

pub use answer::{FileAnswer, Request};
pub use body::Body;
pub use cache::Cache;
pub use coding::Coding;
pub use delivery::Delivery;
pub use directory::{Kind, LookupError};
pub use expiry::{Expiry, Since};
pub use file::File;
pub use links::Symlinks;
pub use listing::{Listing, Order, Sort};
pub use path::{DecodedPath, PathError, RelPath};
pub use root::{Entry, Root};
pub use serve::{Indexes, METHODS, file, redirect, respond};
