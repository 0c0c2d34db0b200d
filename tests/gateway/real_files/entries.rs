//! The differences that are meant, each with its reason.

use super::Difference;
use super::outcome::{Content, Outcome};

/// A kind of difference.
pub(super) struct Entry {
    pub(super) is_like: fn(&Difference) -> bool,
    pub(super) reason: &'static str,
}

/// The first that is like a difference counts; none is here in vain.
pub(super) const ENTRIES: [Entry; 24] = [
    Entry {
        is_like: |difference| statuses(difference) == (308, 301) && places(difference),
        reason: "308 keeps the method, and says that it does (RFC 9110, section 15.4.9)",
    },
    Entry {
        is_like: |difference| difference.ours.status == 404 && is_hidden(difference.asked.path),
        reason: "Hidden files are not found, but for /.well-known: .git and .env hold secrets",
    },
    Entry {
        is_like: |difference| difference.ours.status == 404 && difference.asked.path == "/script.php",
        reason: "Programs are never sent as text: they hold passwords",
    },
    Entry {
        is_like: |difference| {
            let target = &difference.asked.target;
            difference.ours.status == 404 && (target.contains("%2F") || target.contains("%5C"))
        },
        reason: "An encoded slash or a backslash in the path to a file is refused: others read it as another path",
    },
    Entry {
        is_like: |difference| matches!(statuses(difference), (405, 301 | 403 | 404)),
        reason: "A method that no file takes is refused before anything is looked up",
    },
    Entry {
        is_like: |difference| {
            let asked = &difference.asked;
            asked.method == "HEAD" && asked.has("Range") && matches!(difference.theirs.status, 206 | 416)
        },
        reason: "Range is for GET alone (RFC 9110, section 14.2)",
    },
    Entry {
        is_like: |difference| {
            let range = difference.asked.field("Range").unwrap_or_default();
            matches!(statuses(difference), (200 | 206, 416)) && is_malformed(range)
        },
        reason: "What is no range is ignored (RFC 9110, section 14.2), and 416 is for ranges",
    },
    Entry {
        is_like: |difference| joins(&difference.ours, &difference.theirs),
        reason: "Parts that touch or overlap come as one (RFC 9110, section 15.3.7.2): no byte is sent twice",
    },
    Entry {
        is_like: |difference| {
            let sends = matches!(statuses(difference), (206 | 416, 200));
            sends && difference.theirs.field("content-encoding").is_some() && difference.asked.has("Range")
        },
        reason: "nginx sends no parts of a file that is coded already; it is a file as any other",
    },
    Entry {
        is_like: |difference| {
            let whole = difference.ours.status == 206 && difference.theirs.status == 200;
            whole
                && difference
                    .asked
                    .field("Range")
                    .is_some_and(|range| range.contains(','))
        },
        reason: "nginx sends all of a file when the ranges are longer together; joined, they are not",
    },
    Entry {
        is_like: |difference| {
            let asked = &difference.asked;
            let sends = matches!(statuses(difference), (304, 200 | 206 | 416));
            sends && asked.has("If-None-Match") && asked.has("If-Modified-Since")
        },
        reason: "If-Modified-Since is ignored beside If-None-Match (RFC 9110, section 13.1.3)",
    },
    Entry {
        is_like: |difference| {
            let since = difference.asked.field("If-Modified-Since").unwrap_or_default();
            difference.ours.status == 304 && since.contains(":38 ")
        },
        reason: "A file that is not newer than the date is known; nginx wants the very date (if_modified_since exact)",
    },
    Entry {
        is_like: |difference| {
            let asked = &difference.asked;
            difference.theirs.status == 412 && asked.has("If-Match") && asked.has("If-Unmodified-Since")
        },
        reason: "If-Unmodified-Since is ignored beside If-Match (RFC 9110, section 13.1.4)",
    },
    Entry {
        is_like: |difference| {
            let since = difference.asked.field("If-Unmodified-Since");
            difference.theirs.status == 412 && since == Some("yesterday")
        },
        reason: "What is no date is ignored (RFC 9110, section 13.1.4)",
    },
    Entry {
        is_like: |difference| {
            let codings = difference.asked.field("Accept-Encoding");
            codings == Some("gzip;q=0.5, identity") && difference.theirs.field("content-encoding").is_some()
        },
        reason: "A client that likes the plain form better gets it (RFC 9110, section 12.5.3)",
    },
    Entry {
        is_like: |difference| differ_in_ranges_offered_only(difference),
        reason: "Accept-Ranges is said of parts and of coded files as well: they have ranges, too",
    },
    Entry {
        is_like: |difference| statuses(difference) == (200, 416) && difference.asked.path == "/empty.txt",
        reason: "An empty file has no ranges to choose from: a client that goes on with it has all of it",
    },
    Entry {
        is_like: |difference| matches!(statuses(difference), (200, 206 | 416)) && ranges(difference) > 20,
        reason: "With more ranges than may be, none is looked at; nginx does not count those that are beyond the end",
    },
    Entry {
        is_like: |difference| statuses(difference) == (404, 403) && difference.asked.path == "/loop.txt",
        reason: "A link that leads in a circle leads nowhere",
    },
    Entry {
        is_like: |difference| {
            statuses(difference) == (404, 403) && matches!(difference.asked.path, "/" | "/dir/sub")
        },
        reason: "A directory that has no index and is not listed is not found: 403 tells that it is there",
    },
    Entry {
        is_like: |difference| {
            statuses(difference) == (404, 400) && difference.asked.target.starts_with("/../")
        },
        reason: "A path that climbs above the root is none that is found; it is no malformed request",
    },
    Entry {
        is_like: |difference| {
            let range = difference.asked.field("Range").unwrap_or_default();
            statuses(difference) == (206, 416) && range.ends_with("99999999999999999999")
        },
        reason: "A last byte of more than 64 bits is beyond the end, as any other there",
    },
    Entry {
        is_like: |difference| {
            difference.asked.field("Accept-Encoding") == Some("*") && difference.asked.path == "/app.js"
        },
        reason: "* stands for every coding that is not named (RFC 9110, section 12.5.3)",
    },
    Entry {
        is_like: |difference| statuses(difference) == (200, 412) && difference.asked.path == "/list/",
        reason: "A list has no tag and no date that a condition could be about",
    },
];

/// Ranges that are asked for.
fn ranges(difference: &Difference) -> usize {
    let range = difference.asked.field("Range").unwrap_or_default();
    range.split(',').count()
}

fn differ_in_ranges_offered_only(difference: &Difference) -> bool {
    let rest = |outcome: &Outcome| {
        let mut rest = outcome.clone();
        rest.fields.retain(|(name, _)| *name != "accept-ranges");
        rest
    };
    rest(&difference.ours) == rest(&difference.theirs)
}

fn statuses(difference: &Difference) -> (u16, u16) {
    (difference.ours.status, difference.theirs.status)
}

fn places(difference: &Difference) -> bool {
    let place = |outcome: &Outcome| {
        outcome
            .field("location")
            .map(|place| place.trim_end_matches('?').to_owned())
    };
    place(&difference.ours) == place(&difference.theirs)
}

fn is_hidden(path: &str) -> bool {
    path.starts_with("/.") && !path.starts_with("/.well-known")
}

fn is_malformed(range: &str) -> bool {
    let Some(list) = range
        .to_ascii_lowercase()
        .strip_prefix("bytes=")
        .map(str::to_owned)
    else {
        return true;
    };
    list.split(',').any(|spec| {
        let Some((first, last)) = spec.trim().split_once('-') else {
            return true;
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_reversed = match (first.parse::<u128>(), last.parse::<u128>()) {
            (Ok(first), Ok(last)) => first > last,
            _ => false,
        };
        !is_number(first) || !is_number(last) || is_reversed || first.is_empty() && last.is_empty()
    })
}

/// Whether both have the same bytes of a file, which are in fewer parts in one.
fn joins(ours: &Outcome, theirs: &Outcome) -> bool {
    let Content::Parts(many) = &theirs.content else {
        return false;
    };
    let few = match &ours.content {
        Content::Parts(parts) => parts.clone(),
        Content::Bytes(bytes) => {
            let range = ours.field("content-range").unwrap_or_default();
            vec![(format!("Content-Range: {range}"), bytes.clone())]
        }
        _ => return false,
    };
    few.len() < many.len() && bytes_of(&few) == bytes_of(many)
}

/// Each byte with its place.
fn bytes_of(parts: &[(String, Vec<u8>)]) -> std::collections::BTreeMap<u64, u8> {
    let placed = parts.iter().flat_map(|(head, bytes)| {
        let range = head.split_once("bytes ").map_or("", |(_, range)| range);
        let start: u64 = range
            .split('-')
            .next()
            .and_then(|start| start.parse().ok())
            .unwrap_or(0);
        (start..).zip(bytes.iter().copied())
    });
    placed.collect()
}
