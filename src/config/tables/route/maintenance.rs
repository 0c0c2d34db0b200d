//! `maintenance` of a route.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{required, table};
use crate::config::tables::network::NETWORK;
use crate::config::units::{Absolute, List, Time};
use crate::frontend::config::Maintenance as Settings;

table! {
    /// A switch that closes the site for a while: as long as a file is there, which is looked for once a second, requests
    /// are answered with 503. A snippet gives it to all routes of a site.
    pub(in crate::config) struct Maintenance for Settings {
        /// The file. What is in it is the page, as HTML, of which at most 256 KiB are sent; when it is empty, there is the
        /// usual one. Required.
        file: PathBuf as Absolute("the file") => _,
        /// When clients are told to come back, in `Retry-After`.
        retry_after: Duration as Time,
        /// Networks whose clients see the site all the same.
        allow: Vec<IpNet> as List(NETWORK),
    }
    shown = shown;
}

/// When the site is closed; `None` after a complaint.
pub(super) fn check(typed: &At<Maintenance>, complaints: &mut Complaints) -> Option<Settings> {
    let example = "file = \"/srv/shop/closed.html\"";
    let file = required(typed, "file", typed.file.as_ref(), example, complaints)?;
    let mut settings = Settings::default();
    typed.apply_to(&mut settings);
    settings.file.clone_from(file);
    Some(settings)
}

fn shown(settings: &Settings) -> Maintenance {
    Maintenance {
        file: Some(At::nowhere(settings.file.clone())),
        ..Maintenance::plain(settings)
    }
}
