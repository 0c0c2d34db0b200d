//! `request` of a route: what its application gets.

use super::field::RequestHeaders;
use crate::config::table::table;
use crate::frontend::config::{FieldRules, Onward};

table! {
    /// What is changed of requests on their way to the application.
    pub(in crate::config) struct Request for Onward {
        /// Fields: `{ X-Site = "shop" }` sets them, and so does `set`; `add`, `default` and `remove` are those of `headers`.
        /// For FastCGI, uwsgi and SCGI they become variables, `HTTP_X_SITE`. Default: none.
        headers: FieldRules as RequestHeaders => fields,
    }
}
