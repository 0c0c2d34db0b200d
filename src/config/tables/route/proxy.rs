//! `proxy` of a route.

use super::handler::{HandlerTable, Place};
use super::target;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Table, table};
use crate::config::tables::WITH_VARIABLES;
use crate::config::tables::sent_host::SENT_HOST;
use crate::config::units::{Absolute, Plain, Text};
use crate::frontend::config::Proxy as Settings;
use crate::upstream::UpstreamConfig;
use crate::variables::Template;

table! {
    /// An application mounted at a path.
    pub(in crate::config) struct Proxy for Settings {
        /// Name of the upstream. Required.
        upstream: String as Plain => _,
        /// `SCRIPT_NAME`: the part of the path that belongs to the mount.
        mount: String as MOUNT; only WITH_VARIABLES,
        /// `SCRIPT_FILENAME` for backends that run a program, such as fcgiwrap. Default: none.
        script_filename: String as Absolute("the script"); only WITH_VARIABLES,
        /// `DOCUMENT_ROOT`, when the application wants one. Default: none.
        document_root: String as Absolute("the document root"); only WITH_VARIABLES,
        /// What is taken off the path before it is sent: with `"/api"`, `/api/users` becomes `/users`, as with nginx's
        /// `proxy_pass http://app/;`. For the others `mount` says it. Default: nothing.
        strip: String as MOUNT; only &["http"],
        /// `Host` towards the application, in place of the client's: `"localhost"`, `"$host:8384"`. Default: `host` of the
        /// upstream, else the client's.
        host: Template as SENT_HOST; only &["http"],
    }
}

impl HandlerTable for Proxy {
    type Settings = Settings;

    fn check(typed: &At<Self>, place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let Place { prefix, upstreams } = place;
        let upstream = target::find(typed, typed.upstream.as_ref(), upstreams, complaints);
        if let Some(mount) = &typed.mount {
            check_mount(mount, prefix, complaints);
        }
        if let Some(strip) = &typed.strip {
            check_mount(strip, prefix, complaints);
        }
        let upstream = upstream?;
        let mut proxy = Settings {
            upstream,
            ..Settings::default()
        };
        let protocol = upstreams.get(upstream)?.protocol.as_str();
        let mut typed = Self::clone(typed);
        for (key, span) in typed.leave_out(protocol) {
            complaints.warning(
                span,
                format!("`{key}` has no effect on an upstream that speaks {protocol}"),
            );
        }
        typed.apply_to(&mut proxy);
        Some(proxy)
    }

    fn shown(proxy: &Settings, upstreams: &[UpstreamConfig]) -> At<Self> {
        let mut shown = Self {
            upstream: target::shown(upstreams, proxy.upstream),
            ..Self::plain(proxy)
        };
        if let Some(upstream) = upstreams.get(proxy.upstream) {
            shown.leave_out(upstream.protocol.as_str());
        }
        At::nowhere(shown)
    }
}

/// A mount without the slash at its end; empty at the root.
const MOUNT: Text<String> = Text {
    words: "path of a URL",
    read: |typed, _| Some(typed.trim_end_matches('/').to_owned()),
    show: String::clone,
};

fn check_mount(mount: &At<String>, prefix: &str, complaints: &mut Complaints) {
    let below = |path: &str| match path.strip_prefix(mount.as_str()) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    };
    if !(mount.is_empty() || below(prefix)) {
        complaints
            .error(
                mount.span(),
                format!("the path of the route, `{prefix}`, does not begin with it"),
            )
            .help("the mount is the part of the path that the application does not see as its own");
    }
}
