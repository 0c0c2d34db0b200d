//! What a record of FastCGI is, in few words (FastCGI 1.0, section 8).

use super::remark::bytes;
use crate::wire::Record;

/// Type, id, length and padding.
pub(super) fn title(record: &Record<'_>) -> String {
    let name = usize::from(record.kind)
        .checked_sub(1)
        .and_then(|at| NAMES.get(at));
    let name = name.map_or_else(
        || format!("a record of type {}", record.kind),
        ToString::to_string,
    );
    let padding = match record.padding {
        0 => String::new(),
        count => format!(", padding {count}"),
    };
    format!(
        "{name} id {}, {}{padding}",
        record.id,
        bytes(record.content.len())
    )
}

const NAMES: [&str; 11] = [
    "BEGIN_REQUEST",
    "ABORT_REQUEST",
    "END_REQUEST",
    "PARAMS",
    "STDIN",
    "STDOUT",
    "STDERR",
    "DATA",
    "GET_VALUES",
    "GET_VALUES_RESULT",
    "UNKNOWN_TYPE",
];
