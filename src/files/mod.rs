//!
//! Knows neither routes nor applications. What is a script is decided by the front end; this module only never
//! serves one as plain text.

pub mod path;

pub use path::{DecodedPath, PathError, RelPath};
