//! `path` of a route.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;

/// A path prefix without the slash at its end, which would not make a difference.
pub(super) const PREFIX: Text<String> = Text {
    words: "path prefix",
    read,
    show: String::clone,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    if let Some((message, help)) = mistake(typed) {
        complaints.error(typed.span(), message).help(help);
    }
    Some(match typed.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    })
}

fn mistake(path: &str) -> Option<(&'static str, String)> {
    if let Some(mistake) = modifier(path) {
        return Some(mistake);
    }
    if path.contains(['*', '^', '|', '\\']) || path.ends_with('$') {
        return Some((PATTERN, instead_of(path)));
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Some((
            "the path of a route begins with a slash",
            format!("write \"/{path}\""),
        ));
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['?', '#']) {
        return Some((
            "only the path decides about the route",
            "leave out what begins with `?` or `#`".to_owned(),
        ));
    }
    if rest.contains('%') {
        let help = "write the characters themselves instead of their %-escapes".to_owned();
        return Some(("paths are compared after decoding", help));
    }
    if rest.contains(|c: char| c.is_control()) {
        return Some((
            "a control character in the path of a route",
            "no request has it".to_owned(),
        ));
    }
    let odd = |segment: &str| matches!(segment, "" | "." | "..");
    (!rest.is_empty() && rest.split('/').any(odd)).then(|| {
        (
            "no request has such a path: `//`, `.` and `..` are resolved first",
            "write where it leads to".to_owned(),
        )
    })
}

/// What stands in front of the paths of nginx's `location`: `=`, `^~`, `~`, `~*`.
fn modifier(path: &str) -> Option<(&'static str, String)> {
    let rest = path.trim_start_matches(['=', '^', '~', '*', '!']);
    let modifier = &path[..path.len() - rest.len()];
    let rest = rest.trim_start();
    match modifier {
        "=" | "^~" if rest.starts_with('/') => Some((
            "the path of a route is a prefix, with nothing in front of it",
            format!("write \"{rest}\": the longest path that a request begins with has it"),
        )),
        "~" | "~*" => Some((PATTERN, instead_of(rest))),
        _ => None,
    }
}

/// What to write instead of a pattern.
fn instead_of(pattern: &str) -> String {
    match pattern.contains("php") {
        true => "a route with `php` finds the scripts below its path by itself: write where the paths begin, \"/\" for all",
        false => "write where the paths begin; patterns are not needed",
    }
    .to_owned()
}

const PATTERN: &str = "the path of a route is a prefix, not a pattern";
