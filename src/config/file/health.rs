//! `[upstream.NAME] health` and `auto`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::{At, Name, Number};
use crate::config::units::Period;
use crate::upstream::model::config::health::{Silence, Statuses};

/// Active checks. An empty table will do.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// get_values, ping, request or connect. Default: by protocol and profile.
    pub kind: Option<At<Name<Kind>>>,
    /// Between two checks of an endpoint. Default: "5s".
    pub interval: Option<At<Period>>,
    /// Until the answer is complete. Default: "2s".
    pub timeout: Option<At<Period>>,
    /// Good answers until an endpoint that is down is used again. Default: 2.
    pub rise: Option<Number<1, 1_000>>,
    /// Bad answers until an endpoint is used no more. Default: 3.
    pub fall: Option<Number<1, 1_000>>,
    /// Path of PHP-FPM's ping.path, or of the request. Default: "/".
    pub path: Option<At<String>>,
    /// "GET" or "HEAD". Default: "GET".
    pub method: Option<At<Name<Method>>>,
    /// Host of the request. Default: "localhost".
    pub host: Option<At<String>>,
    /// SCRIPT_FILENAME of the request, for applications that are files, such as PHP's.
    pub script: Option<At<String>>,
    /// Statuses that mean "alive". Default: "200-399".
    pub status: Option<At<StatusList>>,
    /// Statuses that mean "full, but alive", such as 503. Default: none.
    pub busy_status: Option<At<StatusList>>,
    /// Text that the answer has to hold within its first 64 KiB.
    pub body: Option<At<String>>,
    /// What a taken connection without an answer means while none of our requests tells more: "dead", or "busy"
    /// when others use the same pool. Default: "dead".
    pub silence: Option<Name<Silence>>,
}

/// How max_connections = "auto" finds the number of workers out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auto {
    /// Who knows: "status" (PHP-FPM's status page), "get_values" or "nobody". Default: by profile.
    pub ask: Option<At<Name<Asked>>>,
    /// PHP-FPM's pm.status_path.
    pub status_path: Option<At<String>>,
    /// Between two questions. Default: "1m".
    pub interval: Option<At<Period>>,
    /// Never fewer slots. Default: 1.
    pub min: Option<At<Number<1, 65_535>>>,
    /// Never more slots. Default: 1024.
    pub max: Option<At<Number<1, 65_535>>>,
}

/// Kinds of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A connection.
    Connect,
    /// FastCGI GET_VALUES.
    GetValues,
    /// PHP-FPM's `ping.path`, uWSGI's modifier 100.
    Ping,
    /// A request.
    Request,
}

/// Methods of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
}

/// Who can be asked for the number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nobody.
    Nobody,
    /// FastCGI GET_VALUES.
    GetValues,
    /// PHP-FPM's status page.
    Status,
}

/// Response statuses: 200, "200-299", "200-299,304".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList(pub Statuses);

impl<'de> Deserialize<'de> for StatusList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusVisitor)
    }
}

impl JsonSchema for StatusList {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StatusList".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 100,
            "maximum": 599,
            "pattern": r"^[0-9 ,-]+$|\$\{",
        })
    }
}

struct StatusVisitor;

impl Visitor<'_> for StatusVisitor {
    type Value = StatusList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("response statuses such as 200 or \"200-399\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<StatusList, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusList, E> {
        text.parse().map(StatusList).map_err(|wrong| {
            E::custom(format_args!(
                "{wrong}\nwrite numbers from 100 to 599 and ranges of them: 200, \"200-299,304\""
            ))
        })
    }
}
