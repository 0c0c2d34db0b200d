//! `headers` and `params`: names and values that go out as they are.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use crate::config::complaints::Complaints;
use crate::config::file::At;

/// Response fields, in the order of their names.
pub(super) fn headers(
    typed: &BTreeMap<At<String>, At<String>>,
    complaints: &mut Complaints,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut fields: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in typed {
        let field = (field_name(name, complaints), field_value(value, complaints));
        let (Some(name_checked), Some(value)) = field else {
            continue;
        };
        if fields.iter().any(|(other, _)| *other == name_checked) {
            complaints
                .error(name.span(), format!("the field `{name_checked}` is set twice"))
                .help("upper and lower case do not matter in field names");
        }
        fields.push((name_checked, value));
    }
    fields.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    fields
}

/// Extra variables, in the order of their names. They are the operator's own: any name of the usual form
/// is allowed, `PHP_VALUE` included, which clients can never set.
pub(super) fn params(
    typed: &BTreeMap<At<String>, At<String>>,
    complaints: &mut Complaints,
) -> Vec<(String, Bytes)> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    for (name, value) in typed {
        if name.is_empty() || !name.bytes().all(plain) {
            let complaint = complaints.error(name.span(), "not a name for a variable");
            complaint.help("names consist of A-Z, 0-9 and `_`");
        }
        if value.contains('\0') {
            complaints
                .error(value.span(), "a NUL in a variable")
                .help("SCGI ends values with it and C programs stop reading at it");
        }
    }
    typed
        .iter()
        .map(|(name, value)| (name.to_string(), Bytes::from(value.to_string())))
        .collect()
}

/// Complains about `$name`, which is going to mean something.
pub(super) fn refuse_variables(typed: &At<String>, complaints: &mut Complaints) {
    let variable = |(at, _): &(usize, &str)| {
        typed[at + 1..].starts_with(|next: char| next.is_ascii_lowercase() || next == '{')
    };
    if typed.match_indices('$').any(|found| variable(&found)) {
        complaints
            .error(typed.span(), "variables are not available here yet")
            .help("for a variable of the environment write \"${NAME}\"");
    }
}

fn field_name(typed: &At<String>, complaints: &mut Complaints) -> Option<HeaderName> {
    let Ok(name) = HeaderName::from_bytes(typed.as_bytes()) else {
        complaints
            .error(typed.span(), "not a field name")
            .help("names consist of letters, digits and `-`");
        return None;
    };
    if FRAMING.contains(&name.as_str()) {
        complaints
            .error(typed.span(), format!("`{name}` is set by Bridgehead itself"))
            .help("it describes the connection or the length of the body");
    }
    Some(name)
}

fn field_value(typed: &At<String>, complaints: &mut Complaints) -> Option<HeaderValue> {
    refuse_variables(typed, complaints);
    let value = HeaderValue::from_bytes(typed.as_bytes()).ok();
    if value.is_none() {
        complaints
            .error(typed.span(), "not a field value")
            .help("line ends and other control characters cannot be sent");
    }
    value
}

/// What says where a message ends and what becomes of the connection.
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
