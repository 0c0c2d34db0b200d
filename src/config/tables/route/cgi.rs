//! `cgi` of a route.

use std::path::PathBuf;

use super::document_root;
use super::handler::{HandlerTable, Place};
use super::target;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Absolute, Name, Plain};
use crate::files::Symlinks;
use crate::frontend::config::Cgi as Settings;
use crate::upstream::UpstreamConfig;

table! {
    /// CGI programs below a directory, which is a `root` or an `alias`, run by a server such as fcgiwrap. The first file on
    /// a path is the program, `SCRIPT_FILENAME`; what is behind it is `PATH_INFO`.
    pub(in crate::config) struct Cgi for Settings {
        /// Name of the upstream. Required.
        upstream: String as Plain => _,
        /// Directory below which the whole path is looked up, as with nginx's `root`. Default: `alias`.
        root: PathBuf as Absolute("the directory") => _,
        /// Directory that stands for the path of the route, as with nginx's `alias`: in a route with `path = "/cgi-bin"`,
        /// `/cgi-bin/a.cgi` is `ALIAS/a.cgi`. Default: `root`.
        alias: PathBuf as Absolute("the directory") => _,
        /// Which symbolic links below the root are followed: all (`"follow"`), those that stay in it (`"inside"`), or those
        /// that belong to the owner of what they lead to (`"owner"`), for hosts that are shared.
        symlinks: Symlinks as Name,
    }
}

impl HandlerTable for Cgi {
    type Settings = Settings;

    fn check(typed: &At<Self>, place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let upstreams = place.upstreams;
        let upstream = target::find(typed, typed.upstream.as_ref(), upstreams, complaints);
        let root = document_root::check(typed, typed.root.as_ref(), typed.alias.as_ref(), complaints);
        if let Some(index) = upstream.filter(|index| target::speaks_http(upstreams, *index)) {
            let message = format!(
                "programs do not run behind the upstream `{}`, which speaks http",
                upstreams[index].name
            );
            let place = typed.upstream.as_ref().map_or(typed.span(), At::span);
            complaints
                .error(place, message)
                .help("use proxy = { upstream = … }");
        }
        let mut cgi = Settings {
            upstream: upstream?,
            root: root?,
            ..Settings::default()
        };
        typed.apply_to(&mut cgi);
        Some(cgi)
    }

    fn shown(cgi: &Settings, upstreams: &[UpstreamConfig]) -> At<Self> {
        let (root, alias) = document_root::shown(&cgi.root);
        At::nowhere(Self {
            upstream: target::shown(upstreams, cgi.upstream),
            root,
            alias,
            ..Self::plain(cgi)
        })
    }
}
