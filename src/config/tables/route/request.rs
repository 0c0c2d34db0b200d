//! `request` of a route: what its application gets.

use http::Method;

use super::field::RequestHeaders;
use super::when::METHOD;
use crate::config::at::At;
use crate::config::table::table;
use crate::frontend::config::{FieldRules, Onward};

table! {
    /// What is changed of requests on their way to the application.
    pub(in crate::config) struct Request for Onward {
        /// Fields: `{ X-Site = "shop" }` sets them, and so does `set`; `add`, `default` and `remove` are those of `headers`.
        /// For FastCGI, uwsgi and SCGI they become variables, `HTTP_X_SITE`. Default: none.
        headers: FieldRules as RequestHeaders => fields,
        /// Method that the application gets: `"GET"`. Default: the client's.
        method: Method as METHOD,
    }
}

/// What is changed, as it would be typed.
pub(super) fn shown(onward: &Onward) -> Option<At<Request>> {
    let mut shown = Request::plain(onward);
    shown.headers = shown.headers.filter(|_| !onward.fields.is_empty());
    (shown.headers.is_some() || shown.method.is_some()).then(|| At::nowhere(shown))
}
