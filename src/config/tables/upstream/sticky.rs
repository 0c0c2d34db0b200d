//! `[upstream.NAME] sticky`: the cookie of sessions.

use std::time::Duration;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Checked, Flag, Name, Named, SecretText, Text, Time};
use crate::transport::Secret;
use crate::upstream::model::config::{SameSite, Sticky as Settings};

table! {
    /// Keeps each session on one endpoint, by a signed cookie.
    pub(in crate::config) struct Sticky for Settings {
        /// Name of the cookie.
        cookie: String as COOKIE,
        /// What the cookie is signed with: at least 16 characters that are known to no other, the same in every gateway
        /// of the site. Default: a new one at every start.
        secret: Secret as SECRET,
        /// Path of the cookie.
        path: String as PATH,
        /// How long the client keeps the cookie. Default: until the browser is closed.
        max_age: Duration as MAX_AGE,
        /// Send the cookie over TLS only. Default: if the request came over TLS.
        secure: bool as Flag,
        /// Hide the cookie from scripts.
        http_only: bool as Flag,
        /// From which sites the cookie is sent along.
        same_site: SameSite as Name,
        /// Wait for the session's endpoint while it is full, instead of moving the session.
        wait: bool as Flag,
    }
}

/// How sessions are kept on their endpoints.
pub(super) fn check(typed: &At<Sticky>, complaints: &mut Complaints) -> Settings {
    let secure = typed.secure.as_deref();
    let none = typed.same_site.as_ref().filter(|name| ***name == SameSite::None);
    if let (Some(place), Some(false)) = (none, secure) {
        complaints
            .error(place.span(), "browsers take `none` from secure cookies only")
            .help("leave `secure` out, or make it true");
    }
    if typed.secret.is_none() && complaints.is_whole(typed.span()) {
        complaints
            .warning(
                typed.span(),
                "without a `secret` all sessions move with every start",
            )
            .help("add secret = \"${ROUTE_SECRET}\", the same in every gateway of the site");
    }
    let mut sticky = Settings::default();
    typed.apply_to(&mut sticky);
    sticky
}

/// RFC 6265, section 4.1.1: a token.
const COOKIE: Text<String> = Text {
    words: "name of a cookie",
    read: cookie,
    show: String::clone,
};

fn cookie(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if typed.is_empty() || !typed.bytes().all(token) {
        complaints
            .error(typed.span(), "not the name of a cookie")
            .help("names consist of letters, digits, `-`, `_` and `.`");
    }
    Some(typed.to_string())
}

/// RFC 6265, section 4.1.1: anything but control characters and semicolons.
const PATH: Text<String> = Text {
    words: "path of a URL",
    read: path,
    show: String::clone,
};

fn path(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b';';
    if !typed.starts_with('/') || !typed.bytes().all(plain) {
        complaints
            .error(typed.span(), "not the path of a cookie")
            .help("write a path such as \"/\" or \"/shop\"");
    }
    Some(typed.to_string())
}

/// How long a cookie lives.
const MAX_AGE: Checked<Time, Duration> = Checked {
    unit: Time,
    words: Some("duration above zero"),
    check: max_age,
};

fn max_age(age: &At<Duration>, complaints: &mut Complaints) {
    if age.is_zero() {
        complaints
            .error(age.span(), "a cookie that ends at once keeps no session")
            .help("leave `max_age` out for a cookie that lasts until the browser is closed");
    }
}

impl Named for SameSite {
    const KIND: &'static str = "same_site";
    const NAMES: &'static [(&'static str, Self)] =
        &[("strict", Self::Strict), ("lax", Self::Lax), ("none", Self::None)];
}

/// What cannot be found out by trying: 64 bits, if every character is a hexadecimal digit.
const SECRET: SecretText = SecretText { least: 16 };
