//! Header fields that an application never sees.

use serde::Serialize;

use super::shown::text;
use crate::protocol::fields::{FieldName, Fields};

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
    pub(super) fn by_check(name: &[u8]) -> Self {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let why = match FieldName::of(name) {
            FieldName::Proxy => "would become HTTP_PROXY, which programs take for a setting (httpoxy)",
            FieldName::Other if !name.iter().all(plain) => {
                "only letters, digits and hyphens can become the name of a variable"
            }
            FieldName::Expect => "answered by the gateway",
            _ => "concerns the client's connection only",
        };
        Self::new(name, why)
    }

    /// Left out when the client was found out.
    pub(super) fn by_client(name: &[u8]) -> Self {
        Self::new(name, "replaced by what the gateway itself knows about the client")
    }

    fn new(name: &[u8], why: &'static str) -> Self {
        Self {
            name: text(name),
            why,
        }
    }
}

/// The fields that are in `before` and not in `after`.
pub(super) fn left_out(before: &Fields, after: &Fields, why: impl Fn(&[u8]) -> LeftOut) -> Vec<LeftOut> {
    before
        .iter()
        .filter(|field| !field.again && !after.contains_named(field.spelling))
        .map(|field| why(field.spelling))
        .collect()
}
