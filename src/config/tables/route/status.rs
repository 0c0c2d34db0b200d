//! `status` of a route.

use ipnet::IpNet;

use super::handler::HandlerTable;
use crate::config::table::table;
use crate::config::tables::network::NETWORK;
use crate::config::units::{List, Name, Named};
use crate::frontend::config::{Status as Settings, StatusFormat};

table! {
    /// What the gateway has counted: busy slots, queues and waits, for this machine alone unless `allow` says more.
    pub(in crate::config) struct Status for Settings {
        /// How it is written.
        format: StatusFormat as Name,
        /// Networks of clients that may see it, besides those on unix sockets.
        allow: Vec<IpNet> as List(NETWORK),
    }
}

impl HandlerTable for Status {
    type Settings = Settings;
}

impl Named for StatusFormat {
    const KIND: &'static str = "format of the status";
    const NAMES: &'static [(&'static str, Self)] = &[("prometheus", Self::Prometheus), ("json", Self::Json)];
}
