//! The file exactly as it is typed: every key optional, nothing checked but its type.
//!
//! No `flatten`, no `untagged`: both lose the places that complaints point at. The documentation comments
//! here are what an editor shows with the JSON Schema.

mod at;
mod health;
mod name;
mod number;
mod route;
mod section;
mod server;
mod upstream;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use at::At;
pub use health::{Asked, Auto, Health, Kind, Method, StatusList};
pub use name::{Name, Named};
pub use number::{Number, Slots};
pub use route::{Buffering, Files, Limits, Php, Proxy, Redirect, Respond, Route, Status};
pub use section::Section;
pub use server::{Listen, Log, Resolver, Server, ServerTimeouts};
pub use upstream::{Queue, Retry, Sticky, Upstream, UpstreamTimeouts};

/// A Bridgehead configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Bridgehead configuration")]
pub struct File {
    /// The process and its clients.
    pub server: Section<Server>,
    /// Logs.
    pub log: Section<Log>,
    /// Addresses to accept connections on.
    pub listen: Vec<Section<Listen>>,
    /// Pools of application workers, by name.
    pub upstream: BTreeMap<At<String>, Section<Upstream>>,
    /// What answers which requests.
    pub route: Vec<Section<Route>>,
}
