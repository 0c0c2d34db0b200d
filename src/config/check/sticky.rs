//! `sticky`: the cookie of sessions.

use std::time::Duration;

use crate::config::complaints::Complaints;
use crate::config::file::{At, Section, Sticky as Typed};
use crate::config::units::Period;
use crate::upstream::model::config::{SameSite, Secret, Sticky};

/// How sessions are kept on their endpoints.
pub(super) fn check(typed: &Section<Typed>, complaints: &mut Complaints) -> Sticky {
    let same_site = typed.same_site.as_ref();
    if let Some(place) = same_site.filter(|name| name.0 == SameSite::None && typed.secure == Some(false)) {
        complaints
            .error(place.span(), "browsers take `none` from secure cookies only")
            .help("leave `secure` out, or make it true");
    }
    Sticky {
        cookie: cookie(typed.cookie.as_ref(), complaints),
        secret: secret(typed, complaints),
        path: path(typed.path.as_ref(), complaints),
        max_age: typed.max_age.as_ref().map(|age| max_age(age, complaints)),
        secure: typed.secure,
        http_only: typed.http_only.unwrap_or(true),
        same_site: same_site.map_or(SameSite::Lax, |name| name.0),
        wait: typed.wait.unwrap_or(false),
    }
}

/// RFC 6265, section 4.1.1: a token.
fn cookie(typed: Option<&At<String>>, complaints: &mut Complaints) -> String {
    let Some(typed) = typed else {
        return Sticky::COOKIE.to_owned();
    };
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if typed.is_empty() || !typed.bytes().all(token) {
        complaints
            .error(typed.span(), "not the name of a cookie")
            .help("names consist of letters, digits, `-`, `_` and `.`");
    }
    typed.to_string()
}

fn secret(typed: &Section<Typed>, complaints: &mut Complaints) -> Option<Secret> {
    match &typed.secret {
        None => {
            if complaints.is_whole(typed.span()) {
                complaints
                    .warning(
                        typed.span(),
                        "without a `secret` all sessions move with every start",
                    )
                    .help("add secret = \"${ROUTE_SECRET}\", the same in every gateway of the site");
            }
            None
        }
        Some(secret) => {
            if secret.len() < SHORTEST_SECRET {
                complaints
                    .error(
                        secret.span(),
                        format!("a secret needs at least {SHORTEST_SECRET} characters"),
                    )
                    .help("make one with `openssl rand -hex 32`");
            }
            Some(Secret::new(secret.as_bytes()))
        }
    }
}

fn max_age(typed: &At<Period>, complaints: &mut Complaints) -> Duration {
    if typed.0.is_zero() {
        complaints
            .error(typed.span(), "a cookie that ends at once keeps no session")
            .help("leave `max_age` out for a cookie that lasts until the browser is closed");
    }
    typed.0
}

/// RFC 6265, section 4.1.1: anything but control characters and semicolons.
fn path(typed: Option<&At<String>>, complaints: &mut Complaints) -> String {
    let Some(typed) = typed else {
        return "/".to_owned();
    };
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b';';
    if !typed.starts_with('/') || !typed.bytes().all(plain) {
        complaints
            .error(typed.span(), "not the path of a cookie")
            .help("write a path such as \"/\" or \"/shop\"");
    }
    typed.to_string()
}

/// What cannot be found out by trying: 64 bits, if every character is a hexadecimal digit.
const SHORTEST_SECRET: usize = 16;
