//! `cookies` of a route.

use crate::config::at::At;
use crate::config::table::table;
use crate::config::units::{Flag, Name, OneOrMore, Plain};
use crate::frontend::config::CookieAttributes as Settings;
use crate::upstream::model::config::SameSite;

table! {
    /// Attributes that cookies of the application get which have none of the kind, as with nginx's `proxy_cookie_flags`.
    pub(in crate::config) struct Cookies for Settings {
        /// Names of the cookies. Default: all.
        names: Vec<String> as OneOrMore(Plain),
        /// `Secure`: they are sent over TLS alone.
        secure: bool as Flag,
        /// `HttpOnly`: scripts do not see them.
        http_only: bool as Flag,
        /// `SameSite`: from which pages they are sent. Default: as the application says.
        same_site: SameSite as Name,
    }
}

/// What there is, as it would be typed.
pub(super) fn shown(cookies: &Settings) -> At<Cookies> {
    let plain = Cookies::plain(cookies);
    At::nowhere(Cookies {
        names: plain.names.clone().filter(|names| !names.is_empty()),
        ..plain
    })
}
