//! A request as far as it concerns files, and its answer.

use http::{Method, StatusCode};

use super::body::Body;
use super::delivery::Delivery;
use super::path::DecodedPath;
use crate::protocol::fields::Fields;

/// A request, as far as it concerns files.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Anything but GET and HEAD is answered with 405.
    pub method: &'a Method,
    /// Conditions and ranges.
    pub fields: &'a Fields,
    /// The URL path, for redirects.
    pub path: &'a DecodedPath,
    /// The query, for redirects; without its question mark.
    pub query: Option<&'a [u8]>,
    /// How files are sent.
    pub delivery: &'a Delivery,
}

/// A plain answer.
#[derive(Debug)]
pub struct FileAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without its length.
    pub fields: Fields,
    /// The length that an answer without its body announces all the same: HEAD.
    pub length: Option<u64>,
    /// Its body.
    pub body: Body,
    /// Which of the names for directories it is, if it is an index.
    pub index: Option<usize>,
}

impl FileAnswer {
    pub(super) fn new(status: StatusCode, fields: Fields) -> Self {
        Self {
            status,
            fields,
            length: None,
            body: Body::empty(),
            index: None,
        }
    }

    /// The same as the index of that number.
    pub(super) fn of_index(self, number: usize) -> Self {
        let index = Some(number);
        Self { index, ..self }
    }
}
