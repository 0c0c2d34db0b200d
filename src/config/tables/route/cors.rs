//! `cors` of a route.

use std::time::Duration;

use http::Method;

use super::when::METHOD;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{required, table};
use crate::config::units::{Flag, OneOrMore, Text, Time};
use crate::frontend::config::CorsRules as Settings;
use crate::protocol::fields::is_token;

table! {
    /// What scripts of pages from other origins may do. Browsers that ask before (OPTIONS) are answered for the application;
    /// what that says about origins itself does not count. Errors of the gateway say it, too.
    pub(in crate::config) struct Cors for Settings {
        /// Origins: `"https://app.example"`, `"https://*.example"` for hosts, or `"*"` for all. Required.
        origins: Vec<String> as OneOrMore(ORIGIN),
        /// Methods of requests.
        methods: Vec<Method> as OneOrMore(METHOD),
        /// Fields of requests. Default: those that are asked for.
        headers: Vec<String> as OneOrMore(FIELD),
        /// Fields of answers that scripts may read. Default: those that the Fetch standard allows.
        expose: Vec<String> as OneOrMore(FIELD),
        /// Whether cookies may come along.
        credentials: bool as Flag,
        /// How long a browser need not ask again.
        max_age: Duration as Time,
    }
    shown = shown;
    example = r#"[[route]]
path = "/open"
cors = { origins = ["https://app.example"], credentials = true }
respond = { body = "ok\n" }
"#;
}

/// Which origins may do what.
pub(super) fn check(typed: &At<Cors>, complaints: &mut Complaints) -> Settings {
    let example = "origins = [\"https://app.example\"]";
    required(typed, "origins", typed.origins.as_ref(), example, complaints);
    let mut settings = Settings::default();
    typed.apply_to(&mut settings);
    if let Some(origins) = &typed.origins
        && settings.credentials
        && origins.iter().any(|origin| is_for_anyone(origin))
    {
        complaints
            .error(
                origins.span(),
                "every page of the web could act with the cookies of its visitors",
            )
            .help("name the origins, or leave `credentials` out");
    }
    settings
}

/// Whether a host with such an origin can be had by registering a name: `*`, `https://*`, `https://app.*`,
/// `https://*example.com`. Behind the star of the others there is a dot and a domain.
fn is_for_anyone(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    host.split_once('*')
        .is_some_and(|(_, domain)| !domain.trim_end_matches('.').starts_with('.'))
}

fn shown(settings: &Settings) -> Cors {
    let plain = Cors::plain(settings);
    let some = |names: &Option<At<Vec<String>>>| names.clone().filter(|names| !names.is_empty());
    Cors {
        headers: some(&plain.headers),
        expose: some(&plain.expose),
        ..plain
    }
}

const ORIGIN: Text<String> = Text {
    words: "origin",
    read: origin,
    show: String::clone,
};

fn origin(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let host = typed.split_once("://").map(|(_, host)| host);
    let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']));
    if typed.as_str() != "*" && (!is_origin || typed.matches('*').count() > 1) {
        complaints
            .error(typed.span(), "not an origin")
            .help("write \"https://app.example\", without a path; \"https://*.example\" stands for several");
    }
    let origin = typed.to_ascii_lowercase();
    if let Some(short) = without_default_port(&origin) {
        complaints
            .error(typed.span(), "browsers never send the usual port of a scheme")
            .help(format!("write \"{short}\""));
    }
    Some(origin)
}

/// An origin as browsers send it, when it has the port that its scheme implies.
fn without_default_port(origin: &str) -> Option<&str> {
    match origin.split_once("://")?.0 {
        "https" => origin.strip_suffix(":443"),
        "http" => origin.strip_suffix(":80"),
        _ => None,
    }
}

const FIELD: Text<String> = Text {
    words: "name of a field",
    read: field,
    show: String::clone,
};

fn field(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    if !is_token(typed.as_bytes()) {
        complaints
            .error(typed.span(), "not a field name")
            .help("names consist of letters, digits and `-`");
    }
    Some(typed.to_string())
}

#[cfg(test)]
mod tests {
    use super::is_for_anyone;

    #[test]
    fn a_star_without_a_dot_and_a_domain_behind_it_is_for_anyone() {
        for origin in [
            "*",
            "https://*",
            "https://app.*",
            "https://*.",
            "https://*example.com",
            "https://*:8443",
        ] {
            assert!(is_for_anyone(origin), "{origin}");
        }
        for origin in [
            "https://app.example",
            "https://*.example.com",
            "https://app-*.example.com:8443",
        ] {
            assert!(!is_for_anyone(origin), "{origin}");
        }
    }
}
