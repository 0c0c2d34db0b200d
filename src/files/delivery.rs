//! How the files of a directory are sent.

use std::collections::BTreeMap;

use super::coding::Coding;
use super::expiry::Expiry;

/// How files are sent, and what is told about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What text is said to be encoded in; `None`: nothing is said.
    pub charset: Option<String>,
    /// Media types of names with these endings, which are in lower case and without a dot: before all others.
    pub types: BTreeMap<String, String>,
    /// The media type of names that tell nothing.
    pub default_type: String,
    /// How long clients may keep files: the first rule that is for a file.
    pub expires: Vec<Expiry>,
    /// Codings in which files may lie beside themselves, the best first.
    pub precompressed: Vec<Coding>,
    /// Ranges of one request, at most: with more of them it gets all of the file.
    pub max_ranges: usize,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            charset: None,
            types: BTreeMap::new(),
            // Browsers offer to save it.
            default_type: "application/octet-stream".to_owned(),
            expires: Vec::new(),
            precompressed: Vec::new(),
            max_ranges: 16,
        }
    }
}
