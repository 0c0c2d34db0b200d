//! `when` of a route: conditions besides host and path.

use http::Method;
use ipnet::IpNet;
use serde_json::json;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::table::table;
use crate::config::tables::network::NETWORK;
use crate::config::units::{Flag, Number, OneOrMore, Plain, Text, Unit, pattern};
use crate::frontend::config::{Wanted, When as Settings};
use crate::protocol::fields::is_token;

table! {
    /// What else has to hold for the route, all of it. Of two routes for the same host and path the one with more
    /// conditions is asked first. A value is a text, a pattern (`"~ ^v[0-9]"`), `true` (it is there) or `false` (it is
    /// not).
    pub(in crate::config) struct When for Settings {
        /// Methods; `GET` stands for `HEAD`, too. Default: every one.
        method: Vec<Method> as OneOrMore(METHOD),
        /// Networks of clients, behind trusted proxies. Default: every one.
        from: Vec<IpNet> as OneOrMore(NETWORK),
        /// Header fields: `{ X-Beta = "1" }`. Default: any.
        header: Vec<(String, Wanted)> as Values { name: field },
        /// Arguments of the query, as they are sent: `{ preview = true }`. Default: any.
        query: Vec<(String, Wanted)> as Values { name: any },
        /// Cookies: `{ wordpress_logged_in = false }`. Default: any.
        cookie: Vec<(String, Wanted)> as Values { name: any },
        /// Whether the client speaks TLS, to the gateway or to a trusted proxy. Default: either.
        secure: bool as Flag,
        /// Ports of ours, for an application of its own on each. Default: every one.
        port: Vec<u16> as OneOrMore(Number(1, 65_535)),
        /// Listeners by their `name`: `"admin"`, for routes that are served there alone. Default: every one.
        listen: Vec<String> as OneOrMore(Plain),
    }
    example = r#"[[route]]
path = "/"
when = { header = { X-Beta = "1" }, from = ["10.0.0.0/8"] }
respond = { body = "the beta\n" }
"#;
}

/// The conditions that there are, as they would be typed.
pub(super) fn shown(when: &Settings) -> When {
    let mut shown = When::plain(when);
    shown.method = shown.method.filter(|methods| !methods.is_empty());
    shown.from = shown.from.filter(|networks| !networks.is_empty());
    shown.port = shown.port.filter(|ports| !ports.is_empty());
    shown.listen = shown.listen.filter(|names| !names.is_empty());
    for values in [&mut shown.header, &mut shown.query, &mut shown.cookie] {
        *values = values.take().filter(|values| !values.is_empty());
    }
    shown
}

/// Names with what their values have to be.
struct Values {
    /// Complains about names that are none.
    name: fn(&At<String>, &mut Complaints),
}

impl Unit<Vec<(String, Wanted)>> for Values {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<(String, Wanted)>> {
        let mut values = Vec::new();
        for (name, value) in &node.table(complaints)?.entries {
            (self.name)(name, complaints);
            if let Some(wanted) = wanted(value, complaints) {
                values.push((name.to_ascii_lowercase(), wanted));
            }
        }
        values.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(values)
    }

    fn show(&self, values: &Vec<(String, Wanted)>) -> Shown {
        let shown = values.iter().map(|(name, wanted)| (name.clone(), show(wanted)));
        Shown::Table(shown.collect())
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "table of values".to_owned(),
            schema: json!({ "type": "object", "additionalProperties": { "type": ["string", "boolean"] } }),
        }
    }
}

fn wanted(node: &Node, complaints: &mut Complaints) -> Option<Wanted> {
    match &node.value {
        Value::Flag(true) => Some(Wanted::Present),
        Value::Flag(false) => Some(Wanted::Absent),
        Value::Text(text) => match pattern(&At::new(node.span.clone(), text.clone()), complaints) {
            Some(pattern) => pattern.map(Wanted::Pattern),
            None => Some(Wanted::Text(text.clone())),
        },
        _ => {
            node.refuse("a string, `true` or `false`", complaints);
            None
        }
    }
}

fn show(wanted: &Wanted) -> Shown {
    match wanted {
        Wanted::Present => Shown::plain(true),
        Wanted::Absent => Shown::plain(false),
        Wanted::Text(text) => Shown::text(text),
        Wanted::Pattern(pattern) => Shown::text(pattern.as_str()),
    }
}

fn field(name: &At<String>, complaints: &mut Complaints) {
    if !is_token(name.as_bytes()) {
        complaints
            .error(name.span(), "not a field name")
            .help("names consist of letters, digits and `-`");
    }
}

fn any(_name: &At<String>, _complaints: &mut Complaints) {}

/// A method of HTTP.
pub(super) const METHOD: Text<Method> = Text {
    words: "method",
    read: method,
    show: Method::to_string,
};

fn method(typed: &At<String>, complaints: &mut Complaints) -> Option<Method> {
    let parsed = Method::from_bytes(typed.as_bytes()).ok();
    let upper = typed.to_ascii_uppercase();
    if parsed.is_none() || *typed.as_str() != *upper {
        complaints.error(typed.span(), "not a method").help(format!(
            "methods are in upper case: \"{}\"",
            if upper.is_empty() { "GET" } else { &upper }
        ));
    }
    parsed
}
