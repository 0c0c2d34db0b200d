//! `[[route]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Name, Number, Section};
use crate::config::units::{Period, Size};
use crate::frontend::config::StatusFormat;

/// A match rule and what answers: exactly one of `php`, `proxy`, `files`, `redirect`, `respond` and `status`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// "shop.example" or "*.example". Default: every host.
    pub host: Option<At<String>>,
    /// Path prefix; the longest one wins. Default: "/".
    pub path: Option<At<String>>,
    /// PHP scripts below a document root, other files as they are.
    pub php: Option<Section<Php>>,
    /// An application mounted at a path.
    pub proxy: Option<Section<Proxy>>,
    /// Files below a directory.
    pub files: Option<Section<Files>>,
    /// A redirect.
    pub redirect: Option<Section<Redirect>>,
    /// A fixed answer.
    pub respond: Option<Section<Respond>>,
    /// What the gateway has counted.
    pub status: Option<Section<Status>>,
    /// Limits of requests on this route.
    pub limits: Section<Limits>,
    /// What is held back, and where.
    pub buffering: Option<Section<Buffering>>,
    /// Extra variables for the application.
    pub params: Option<At<BTreeMap<At<String>, At<String>>>>,
    /// Fields set on every response of this route, except on errors of the gateway itself.
    pub headers: BTreeMap<At<String>, At<String>>,
    /// Let the application finish when the client leaves. Default: false.
    pub ignore_client_abort: Option<At<bool>>,
}

/// PHP scripts below a document root, other files as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Php {
    /// Name of the upstream.
    pub upstream: Option<At<String>>,
    /// Absolute document root.
    pub root: Option<At<String>>,
    /// The same directory as PHP-FPM sees it, when it differs.
    pub remote_root: Option<At<String>>,
    /// File tried for a directory. Default: "index.php".
    pub index: Option<At<String>>,
    /// Script for every path that is no file.
    pub front_controller: Option<At<String>>,
    /// Suffix of scripts. Default: ".php".
    pub suffix: Option<At<String>>,
}

/// An application mounted at a path.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// Name of the upstream.
    pub upstream: Option<At<String>>,
    /// SCRIPT_NAME: the part of the path that belongs to the mount. Default: "".
    pub mount: Option<At<String>>,
    /// SCRIPT_FILENAME for backends that run a program, such as fcgiwrap.
    pub script_filename: Option<At<String>>,
    /// DOCUMENT_ROOT, when the application wants one.
    pub document_root: Option<At<String>>,
}

/// Files below a directory.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// Absolute directory.
    pub root: Option<At<String>>,
    /// File tried for a directory. Default: "index.html".
    pub index: Option<At<String>>,
}

/// A redirect.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Redirect {
    /// Target. When it does not end with a slash, the request's path and query are appended.
    pub to: Option<At<String>>,
    /// 301, 302, 303, 307 or 308. Default: 302.
    pub status: Option<At<Number<301, 308>>>,
}

/// A fixed answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Respond {
    /// Status. Default: 200.
    pub status: Option<At<Number<200, 599>>>,
    /// Body. Default: empty.
    pub body: Option<At<String>>,
}

/// What the gateway has counted: busy slots, queues and waits, for this machine alone unless `allow` says more.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Status {
    /// "prometheus" or "json". Default: "prometheus".
    pub format: Option<Name<StatusFormat>>,
    /// Networks of clients that may see it, besides those on unix sockets. Default: ["127.0.0.0/8", "::1/128"].
    pub allow: Option<Vec<At<String>>>,
}

/// Limits of requests on a route.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body. Default: "64MiB".
    pub body: Option<At<Size>>,
    /// Bytes a second that a client has to send of a body; 408 below. 0: any. Default: 500, and 0 where the body is
    /// not buffered.
    pub upload_rate: Option<At<Size>>,
    /// Bytes a second that a client has to take of an answer; its connection is cut below. 0: any. Default: 0.
    pub download_rate: Option<At<Size>>,
    /// How long a client may lag behind these rates. Waiting for the application does not count. Default: "1m".
    pub rate_grace: Option<At<Period>>,
}

/// What is held back, and where.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Buffering {
    /// Take the whole request body before a worker is taken. Default: true.
    pub request: Option<bool>,
    /// Take answers off their workers as fast as those write, and not at the pace of the client. Event streams, and
    /// answers with "X-Accel-Buffering: no", are passed on as they come all the same. Default: true.
    pub response: Option<bool>,
    /// Bytes of a body, of either direction, held in memory; the rest goes to disk. Default: "64KiB".
    pub memory: Option<At<Size>>,
    /// Bytes of a body, of either direction, that may go to disk. A request above is refused, an answer waits for its
    /// client. Default: "4GiB".
    pub disk: Option<At<Size>>,
}
