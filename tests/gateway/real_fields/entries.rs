//! The differences that are meant, each with its reason.

use super::application::Protocol;
use super::difference::{Difference, Way};
use super::front::Front;

/// A kind of difference.
pub(super) struct Entry {
    front: Front,
    way: Way,
    is_like: fn(&Difference) -> bool,
    pub(super) reason: &'static str,
}

impl Entry {
    pub(super) fn explains(&self, difference: &Difference) -> bool {
        (self.front, self.way) == (difference.front, difference.way) && (self.is_like)(difference)
    }
}

/// The first that is like a difference counts; none is here in vain.
pub(super) const ENTRIES: [Entry; 15] = [
    Entry {
        front: Front::Bridgehead,
        way: Way::Request,
        is_like: |difference| is(difference, "proxy") && difference.found.is_empty(),
        reason: "Proxy becomes HTTP_PROXY, by which libraries send their own requests (CVE-2016-5385)",
    },
    Entry {
        front: Front::Bridgehead,
        way: Way::Request,
        is_like: is_forwarding,
        reason: "A client that is no proxy is not believed, and applications are told of it",
    },
    Entry {
        front: Front::Bridgehead,
        way: Way::Request,
        is_like: has_odd_name,
        reason: "Applications behind HTTP make variables of names as well: X_Real-IP would be X-Real-IP for them",
    },
    Entry {
        front: Front::Bridgehead,
        way: Way::Request,
        is_like: |difference| {
            let joined = difference.wanted.join(&b"; "[..]);
            is(difference, "cookie") && difference.found == [joined]
        },
        reason: "A client must send one Cookie (RFC 6265, section 5.4): of two, applications read the first or the last",
    },
    Entry {
        front: Front::Bridgehead,
        way: Way::Request,
        is_like: |difference| {
            let asks = difference.wanted.is_empty() && difference.found == [b"trailers"];
            is(difference, "te") && asks && difference.protocol == Protocol::Http
        },
        reason: "Trailers that the client takes are passed on: the gateway asks for them on its own connection",
    },
    Entry {
        front: Front::Bridgehead,
        way: Way::Answer,
        is_like: |difference| {
            let known = !difference.name.to_ascii_lowercase().starts_with(b"x-");
            known && difference.wanted == [b""] && difference.found.is_empty()
        },
        reason: "Of a field that may be there once an empty value is none: an empty Location leads nowhere",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Request,
        is_like: |difference| difference.protocol != Protocol::Http && difference.found.len() > 1,
        reason: "nginx 1.22 makes one variable of each field",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Request,
        is_like: has_odd_name,
        reason: "nginx ignores names with other signs than letters, digits and hyphens (ignore_invalid_headers)",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Request,
        is_like: |difference| difference.wanted.is_empty() && is_of_connection(difference),
        reason: "nginx passes on what concerns the client's connection",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Request,
        is_like: |difference| is(difference, "content-type") && difference.wanted.is_empty(),
        reason: "nginx makes a variable with HTTP_ of Content-Type, too",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Request,
        is_like: is_trimmed_by_half,
        reason: "nginx removes blanks around values, but no tabs",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Request,
        is_like: |difference| {
            let last = difference.found.last();
            difference.name.is_empty() && last.is_some_and(|last| last == b"cookie")
        },
        reason: "nginx writes the cookies of HTTP/2 behind all others",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Answer,
        is_like: is_trimmed_by_half,
        reason: "As of requests; a client of HTTP/1 does not see it",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Answer,
        is_like: |difference| {
            let first = difference.found.first();
            difference.name.is_empty() && first.is_some_and(|first| first == b"Content-Type")
        },
        reason: "nginx writes Content-Type before all others",
    },
    Entry {
        front: Front::Nginx,
        way: Way::Answer,
        is_like: |difference| {
            is(difference, "content-type") && difference.wanted == [b""] && difference.found.is_empty()
        },
        reason: "nginx drops an empty Content-Type",
    },
];

/// Whether it is about a field, or about the variable that is made of it.
fn is(difference: &Difference, field: &str) -> bool {
    let variable = format!("HTTP_{}", field.to_ascii_uppercase().replace('-', "_"));
    difference.name == variable.as_bytes() || difference.name.eq_ignore_ascii_case(field.as_bytes())
}

fn is_forwarding(difference: &Difference) -> bool {
    let names = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    names.into_iter().any(|name| is(difference, name))
}

fn is_of_connection(difference: &Difference) -> bool {
    let names = ["keep-alive", "proxy-connection", "te"];
    names.into_iter().any(|name| is(difference, name))
}

fn is_trimmed_by_half(difference: &Difference) -> bool {
    let trimmed = |value: &Vec<u8>| value.trim_ascii().to_vec();
    let found: Vec<_> = difference.found.iter().map(trimmed).collect();
    // Of white space alone nothing is left.
    let wanted = match difference.wanted.is_empty() {
        true => vec![Vec::new()],
        false => difference.wanted.clone(),
    };
    !found.is_empty() && found == wanted
}

/// With HTTP behind: a name with other signs than variables have, which does not arrive.
fn has_odd_name(difference: &Difference) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let odd = !difference.name.iter().all(plain);
    odd && difference.protocol == Protocol::Http && difference.found.is_empty()
}
