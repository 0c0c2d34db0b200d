//! `path` of a route.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::{Text, pattern};
use crate::frontend::config::Path;

/// What nginx writes behind `location`, and a suffix besides.
pub(super) const PATH: Text<Path> = Text {
    words: "path",
    read,
    show: Path::to_text,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<Path> {
    if let Some(pattern) = pattern(typed, complaints) {
        return pattern.map(Path::Pattern);
    }
    if let Some(name) = typed.strip_prefix('@') {
        return named(name, typed, complaints);
    }
    if let Some(suffix) = typed.strip_prefix('*') {
        return self::suffix(suffix, typed, complaints);
    }
    let (modifier, path) = split(typed);
    if let Some((message, help)) = mistake(path) {
        complaints.error(typed.span(), message).help(help);
    }
    Some(match modifier {
        "=" => Path::Exact(path.to_owned()),
        "^~" => Path::FirmPrefix(without_slash(path)),
        _ => Path::Prefix(without_slash(path)),
    })
}

/// The modifier in front of a path, and the path.
fn split(typed: &str) -> (&str, &str) {
    for modifier in ["=", "^~"] {
        if let Some(path) = typed.strip_prefix(modifier) {
            return (modifier, path.trim_start());
        }
    }
    ("", typed)
}

/// The slash at the end of a prefix would not make a difference.
fn without_slash(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

fn named(name: &str, typed: &At<String>, complaints: &mut Complaints) -> Option<Path> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || !name.bytes().all(plain) {
        complaints
            .error(typed.span(), "not the name of a route")
            .help("write it with letters, digits, `-` and `_`: \"@app\"");
    }
    Some(Path::Named(name.to_owned()))
}

fn suffix(suffix: &str, typed: &At<String>, complaints: &mut Complaints) -> Option<Path> {
    if suffix.is_empty() || suffix.contains(['*', '/', '?', '#', '%', '$', '|', '(']) {
        complaints
            .error(typed.span(), "not a suffix of paths")
            .help("write \"*.php\", or a pattern behind a tilde: \"~ \\\\.(jpg|png)$\"");
    }
    Some(Path::Suffix(suffix.to_owned()))
}

fn mistake(path: &str) -> Option<(&'static str, String)> {
    if path.contains(['*', '^', '|', '\\']) || path.ends_with('$') {
        return Some((
            "a pattern without its tilde",
            format!("write \"~ {}\" if it is meant as one", path.escape_default()),
        ));
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
            "leave out what begins with `?` or `#`; arguments are conditions: when = { query = { … } }"
                .to_owned(),
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
