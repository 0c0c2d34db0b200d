//! A listing for programs, in the form of nginx's `autoindex_format json`.

use super::Item;
use crate::telemetry::escape;

/// The items as an array of objects.
pub(super) fn write(items: &[Item]) -> Vec<u8> {
    let mut written = b"[".to_vec();
    for item in items {
        if written.len() > 1 {
            written.push(b',');
        }
        object(item, &mut written);
    }
    written.push(b']');
    written
}

/// Bytes of a name that are no UTF-8 are replaced: JSON has no other text.
fn object(item: &Item, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\n{\"name\":\"");
    escape::json(String::from_utf8_lossy(&item.name).as_bytes(), out);
    let kind = if item.is_directory { "directory" } else { "file" };
    let mtime = httpdate::fmt_http_date(item.modified);
    out.extend_from_slice(format!("\",\"type\":\"{kind}\",\"mtime\":\"{mtime}\"").as_bytes());
    if !item.is_directory {
        out.extend_from_slice(format!(",\"size\":{}", item.size).as_bytes());
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn files_have_a_size_and_directories_have_none() {
        let item = |name: &[u8], is_directory| Item {
            name: name.to_vec(),
            is_directory,
            size: 3,
            modified: SystemTime::UNIX_EPOCH,
        };
        let written = write(&[item(b"a \"b\"", false), item(b"d\xff", true)]);
        let read: Value = serde_json::from_slice(&written).unwrap();
        let mtime = "Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(
            read,
            json!([
                { "name": "a \"b\"", "type": "file", "mtime": mtime, "size": 3 },
                { "name": "d\u{fffd}", "type": "directory", "mtime": mtime },
            ])
        );
    }
}
