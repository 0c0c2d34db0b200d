//! `[upstream.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Auto, Health, Name, Number, Section, Slots};
use crate::config::units::{Period, Size};
use crate::protocol::params::PathInfo;
use crate::upstream::model::config::{ProtocolName, SameSite};
use crate::upstream::model::profile::Profile;

/// A pool of application workers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// What the workers speak. May be left out when the profile allows only one.
    pub protocol: Option<At<Name<ProtocolName>>>,
    /// The server program: sets the defaults of the quirks below. Default: "generic".
    pub profile: Option<At<Name<Profile>>>,
    /// Addresses with their options: "unix:/run/php/php-fpm.sock", "10.0.0.5:9000 weight=2 backup". The options are
    /// weight=N, backup, drain, max_fails=N, fail_timeout=TIME and slow_start=TIME.
    pub endpoints: Option<At<Vec<At<String>>>>,
    /// round_robin, least_conn, random_two, ip_hash, ewma, or "hash KEY" with a key such as uri, $host$uri or
    /// $cookie_NAME, and bounded=1.25 behind it if one key may be too much for one endpoint. Default: "round_robin".
    pub balance: Option<At<String>>,
    /// Keeps each session on one endpoint, by a cookie. Default: no sessions.
    pub sticky: Option<Section<Sticky>>,
    /// Slots per endpoint: pm.max_children, uWSGI processes x threads, Gunicorn workers; or "auto". Default: no limit.
    pub max_connections: Option<At<Slots>>,
    /// How max_connections = "auto" finds the number out.
    pub auto: Option<Section<Auto>>,
    /// Active checks of the endpoints. Default: none.
    pub health: Option<Section<Health>>,
    /// Idle connections kept per endpoint. Default: 0.
    pub keep_alive: Option<At<Number<0, 65_535>>>,
    /// Where requests wait for a slot.
    pub queue: Section<Queue>,
    /// How long requests wait for endpoints that are all down, since one was last seen alive. Default: "10s".
    pub hold: Option<At<Period>>,
    /// Warn at the start and at a reload of unix sockets that cannot be reached; false where applications are meant to
    /// start later. Default: true.
    pub warn_unreachable: Option<bool>,
    /// When a request may be sent again.
    pub retry: Section<Retry>,
    /// Deadlines of one exchange.
    pub timeouts: Section<UpstreamTimeouts>,
    /// Largest response head. Default: "64KiB".
    pub head_size: Option<At<Size>>,
    /// Most fields in a response head. Default: 200.
    pub head_fields: Option<Number<1, 10_000>>,
    /// Form of the path in PATH_INFO: "decoded" or "encoded". Default: by profile.
    pub path_info: Option<At<Name<PathInfo>>>,
    /// Send PATH_INFO even when it is empty. Default: by profile.
    pub empty_path_info: Option<At<bool>>,
    /// Largest variable block (uWSGI buffer-size). Default: by profile.
    pub max_block: Option<At<Size>>,
    /// Most variables (uWSGI max-vars). Default: by profile.
    pub max_params: Option<At<Number<16, 65_535>>>,
    /// HTTP: the server takes bodies of unknown length, in chunks. Default: by profile.
    pub chunked_body: Option<At<bool>>,
    /// uwsgi modifier1: the kind of application. Default: 0.
    pub modifier1: Option<At<Number<0, 255>>>,
    /// uwsgi modifier2. Default: 0.
    pub modifier2: Option<At<Number<0, 255>>>,
}

/// Where requests wait for a slot.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Requests that may wait at once. Default: 1024.
    pub size: Option<Number<0, 10_000_000>>,
    /// Longest wait of one request. Default: "30s".
    pub timeout: Option<At<Period>>,
}

/// When a request may be sent again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often one request is sent at most. Attempts that sent nothing do not count. Default: 3.
    pub tries: Option<Number<1, 100>>,
    /// Also repeat requests whose method is not idempotent, such as POST. Default: false.
    pub non_idempotent: Option<bool>,
}

/// Keeps each session on one endpoint.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sticky {
    /// Name of the cookie. Default: "bh_route".
    pub cookie: Option<At<String>>,
    /// What the cookie is signed with: at least 16 characters that nobody else knows. Without it a new one is made at
    /// every start.
    pub secret: Option<At<String>>,
    /// Path of the cookie. Default: "/".
    pub path: Option<At<String>>,
    /// How long the client keeps the cookie. Default: until it is closed.
    pub max_age: Option<At<Period>>,
    /// Send the cookie over TLS only. Default: if the request came over TLS.
    pub secure: Option<bool>,
    /// Hide the cookie from scripts. Default: true.
    pub http_only: Option<bool>,
    /// strict, lax or none. Default: "lax".
    pub same_site: Option<At<Name<SameSite>>>,
    /// Wait for the session's endpoint while it is full, instead of moving the session. Default: false.
    pub wait: Option<bool>,
}

/// Deadlines of one exchange.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTimeouts {
    /// Until the connection stands. Default: "3s".
    pub connect: Option<At<Period>>,
    /// Between two successful writes. Default: "1m".
    pub send: Option<At<Period>>,
    /// From the end of the request to the complete response head. Default: "1m".
    pub head: Option<At<Period>>,
    /// Between two reads of the response body. Default: "1m".
    pub read: Option<At<Period>>,
    /// An unused kept connection is closed after this time. Default: "10s", for Gunicorn "1s": it closes after 2 s.
    pub idle: Option<At<Period>>,
}
