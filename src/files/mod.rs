//! Files below a root: URL paths to safe relative paths, lookups that cannot leave the root, plain answers.
//!
//! Knows neither routes nor applications. What is a script is decided by the front end; this module only never
//! serves one as plain text.

pub mod body;
mod conditional;
mod links;
mod mime;
pub mod path;
pub mod root;
pub mod serve;
mod spelling;

pub use body::Body;
pub use links::Symlinks;
pub use path::{DecodedPath, PathError, RelPath};
pub use root::{Entry, File, Kind, LookupError, Root};
pub use serve::{FileAnswer, METHODS, Request, file, redirect, respond};
