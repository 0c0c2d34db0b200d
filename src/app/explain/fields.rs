//! Header fields that an application never sees.

use http::{HeaderMap, HeaderName};
use serde::Serialize;

use crate::protocol::params;

/// A field, and why it is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    /// Its name.
    pub(super) name: String,
    /// Why.
    pub(super) why: &'static str,
}

impl LeftOut {
    /// Left out by the check of the request.
    pub(super) fn by_check(name: &HeaderName) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let why = match name.as_str() {
            "proxy" => "would become HTTP_PROXY, which programs take for a setting (httpoxy)",
            name if !name.bytes().all(plain) => {
                "only letters, digits and hyphens can become the name of a variable"
            }
            "expect" => "answered by the gateway",
            _ => "concerns the client's connection only",
        };
        Self::new(name, why)
    }

    /// Left out when the client was found out.
    pub(super) fn by_client(name: &HeaderName) -> Self {
        Self::new(name, "replaced by what the gateway itself knows about the client")
    }

    fn new(name: &HeaderName, why: &'static str) -> Self {
        Self {
            name: name.to_string(),
            why,
        }
    }
}

/// The fields that are in `before` and not in `after`.
pub(super) fn left_out(
    before: &HeaderMap,
    after: &HeaderMap,
    why: impl Fn(&HeaderName) -> LeftOut,
) -> Vec<LeftOut> {
    before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .map(why)
        .collect()
}

/// Which two fields are in conflict.
pub(super) fn conflict(headers: &HeaderMap) -> String {
    match params::conflict(headers) {
        Some((one, other)) => format!("`{one}` and `{other}` become the same variable"),
        None => "two header fields become the same variable".to_owned(),
    }
}
