//! `access` of a route.

use ipnet::IpNet;

use crate::config::table::table;
use crate::config::tables::network::NETWORK;
use crate::config::units::OneOrMore;
use crate::frontend::config::AccessRules as Settings;

table! {
    /// Which clients may ask; the others get 403. The smallest network that a client is in decides, whatever the order, and
    /// of two that are the same `deny`. A client in none may ask, unless `allow` has one. Clients on unix sockets may.
    pub(in crate::config) struct Access for Settings {
        /// Networks that may ask. Default: all.
        allow: Vec<IpNet> as OneOrMore(NETWORK),
        /// Networks that may not. Default: none.
        deny: Vec<IpNet> as OneOrMore(NETWORK),
    }
}

/// What there is, as it would be typed.
pub(super) fn shown(access: &Settings) -> Access {
    let mut shown = Access::plain(access);
    for networks in [&mut shown.allow, &mut shown.deny] {
        *networks = networks.take().filter(|networks| !networks.is_empty());
    }
    shown
}
