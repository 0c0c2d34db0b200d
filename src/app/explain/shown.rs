//! What comes from the network, as text.

use crate::protocol::fields::{Field, Fields};

/// Fields in the order of sending.
pub(super) fn pairs(fields: &Fields) -> Vec<(String, String)> {
    let pair = |field: Field<'_>| (text(field.spelling), text(field.value));
    fields.iter().map(pair).collect()
}

/// Bytes as text; what is no UTF-8 is escaped, so that nothing is hidden.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}
