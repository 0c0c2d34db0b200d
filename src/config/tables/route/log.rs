//! `log` of a route.

use super::path::PATH;
use crate::config::at::At;
use crate::config::table::table;
use crate::config::tables::log::{FORMAT, STATUSES, TARGET};
use crate::config::units::{Name, Number, OneOrMore};
use crate::frontend::config::{Path, RouteLog as Settings};
use crate::telemetry::config::{Escape, Format, Statuses, Target};

table! {
    /// The access log of requests on this route; each key that is not here holds as `[log]` says.
    pub(in crate::config) struct RouteLog for Settings {
        /// Where it goes, as in `[log]`: a file of its own, or `"off"`. Default: as in `[log]`.
        access: Target as TARGET => access.access,
        /// Form of its lines, as in `[log]`. Default: as in `[log]`.
        access_format: Format as FORMAT => access.access_format,
        /// How the values in a format of your own are escaped. Default: as in `[log]`.
        escape: Escape as Name => access.escape,
        /// Statuses whose requests have a line: `["5xx", 404]`. Default: as in `[log]`.
        status: Vec<Statuses> as OneOrMore(STATUSES) => access.status,
        /// One of so many requests has a line, by chance; 1: each. Default: as in `[log]`.
        sample: u32 as Number(1, 1_000_000) => access.sample,
        /// Paths whose requests have no line, written as the `path` of a route is: `["/healthz", "*.css"]`. Default: none.
        except: Vec<Path> as OneOrMore(PATH),
    }
    example = r#"[[route]]
host = "docs.example"
files = { root = "/srv/shop" }
log = { access = "/var/log/bridgehead/shop.log", except = ["/healthz", "*.css"] }
"#;
}

/// What a route says of its log, as it would be typed.
pub(super) fn shown(log: Option<&Settings>) -> Option<At<RouteLog>> {
    let log = log?;
    let mut shown = RouteLog::plain(log);
    shown.except = shown.except.filter(|paths| !paths.is_empty());
    Some(At::nowhere(shown))
}
