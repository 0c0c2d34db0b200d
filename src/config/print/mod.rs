//! [`Config`] back to file text: every key with the value in effect.
//!
//! What is printed, read again, gives the same `Config`. Values of environment variables are written out.
//! Structures are taken apart completely, so that a new setting cannot be forgotten here.

use std::fmt::{Display, Write};
use std::path::Path;
use std::time::Duration;

use toml::Value;

use super::file::{Name, Named};
use super::units::{Period, Size};
use super::{Config, Server, env};
use crate::upstream::Config as Upstream;
use crate::upstream::config::{Balance, EndpointConfig, Queue, Quirks, Timeouts};
use crate::{frontend, telemetry};

mod route;

/// The effective configuration as TOML.
pub fn print(config: &Config) -> String {
    let Config {
        server,
        log,
        frontend,
        upstreams,
    } = config;
    let mut out = Out::default();
    print_server(server, frontend, &mut out);
    print_log(log, &mut out);
    for frontend::config::Listener { address, backlog } in &frontend.listeners {
        out.head("[[listen]]");
        out.text("address", &address.to_string());
        out.plain("backlog", backlog);
    }
    for upstream in upstreams {
        print_upstream(upstream, &mut out);
    }
    for route in &frontend.routes {
        route::print(route, upstreams, &mut out);
    }
    out.0
}

fn print_server(server: &Server, frontend: &frontend::Config, out: &mut Out) {
    let Server {
        workers,
        temp_dir,
        pid_file,
    } = server;
    let frontend::Config {
        listeners: _,
        routes: _,
        trusted_proxies,
        timeouts,
        head_size,
        head_fields,
    } = frontend;
    let frontend::config::Timeouts {
        head,
        body,
        send,
        half_close,
        drain,
    } = *timeouts;
    out.head("[server]");
    out.plain("workers", workers);
    out.text("temp_dir", &path(temp_dir));
    if let Some(file) = pid_file {
        out.text("pid_file", &path(file));
    }
    let networks: Vec<String> = trusted_proxies
        .iter()
        .map(|network| quote(&network.to_string()))
        .collect();
    out.plain("trusted_proxies", format_args!("[{}]", networks.join(", ")));
    out.table(
        "timeouts",
        &[
            ("head", period(head)),
            ("body", period(body)),
            ("send", period(send)),
            ("half_close", period(half_close)),
            ("drain", period(drain)),
        ],
    );
    out.plain("head_size", size(*head_size));
    out.plain("head_fields", head_fields);
}

fn print_log(log: &telemetry::Config, out: &mut Out) {
    let telemetry::Config {
        access,
        access_format,
        error,
        level,
    } = log;
    out.head("[log]");
    out.text("access", &target(access));
    out.plain("access_format", name(*access_format));
    out.text("error", &target(error));
    out.plain("level", name(*level));
}

fn print_upstream(upstream: &Upstream, out: &mut Out) {
    let Upstream {
        name: key,
        protocol,
        quirks,
        endpoints,
        balance,
        max_connections,
        keep_alive,
        queue,
        hold: _,
        retry: _,
        timeouts,
        head_size,
        head_fields,
    } = upstream;
    let Queue {
        size: waiting,
        timeout,
    } = *queue;
    out.head(&format!("[upstream.{}]", quote_key(key)));
    out.plain("protocol", name(*protocol));
    let endpoints: Vec<String> = endpoints
        .iter()
        .map(|endpoint| quote(&self::endpoint(endpoint)))
        .collect();
    out.plain("endpoints", format_args!("[{}]", endpoints.join(", ")));
    match balance {
        Balance::RoundRobin => out.text("balance", "round_robin"),
    }
    if let Some(slots) = max_connections {
        out.plain("max_connections", slots);
    }
    out.plain("keep_alive", keep_alive);
    out.table(
        "queue",
        &[("size", waiting.to_string()), ("timeout", period(timeout))],
    );
    print_timeouts(timeouts, out);
    out.plain("head_size", size(*head_size));
    out.plain("head_fields", head_fields);
    print_quirks(quirks, *protocol, out);
}

fn print_timeouts(timeouts: &Timeouts, out: &mut Out) {
    let Timeouts {
        connect,
        send,
        head,
        read,
        idle,
    } = *timeouts;
    out.table(
        "timeouts",
        &[
            ("connect", period(connect)),
            ("send", period(send)),
            ("head", period(head)),
            ("read", period(read)),
            ("idle", period(idle)),
        ],
    );
}

fn print_quirks(quirks: &Quirks, protocol: crate::upstream::config::ProtocolName, out: &mut Out) {
    let Quirks {
        path_info,
        empty_path_info,
        max_block,
        max_params,
        chunked_body,
        modifier1,
        modifier2,
    } = *quirks;
    if protocol == crate::upstream::config::ProtocolName::Http {
        return out.plain("chunked_body", chunked_body);
    }
    out.plain("path_info", name(path_info));
    out.plain("empty_path_info", empty_path_info);
    out.plain("max_block", size(max_block));
    out.plain("max_params", max_params);
    if protocol == crate::upstream::config::ProtocolName::Uwsgi {
        out.plain("modifier1", modifier1);
        out.plain("modifier2", modifier2);
    }
}

fn endpoint(endpoint: &EndpointConfig) -> String {
    let EndpointConfig {
        address,
        weight,
        backup,
        drain: _,
        max_fails: _,
        fail_timeout: _,
        slow_start: _,
    } = endpoint;
    let weight = if *weight == 1 {
        String::new()
    } else {
        format!(" weight={weight}")
    };
    format!("{address}{weight}{}", if *backup { " backup" } else { "" })
}

/// The text so far.
#[derive(Default)]
struct Out(String);

impl Out {
    /// Begins a table.
    fn head(&mut self, head: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.line(format_args!("{head}"));
    }

    /// A key with a string.
    fn text(&mut self, key: &str, value: &str) {
        self.plain(key, quote(value));
    }

    /// A key with a value that is TOML already.
    fn plain(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {value}"));
    }

    /// A key with an inline table of values that are TOML already.
    fn table(&mut self, key: &str, entries: &[(&str, String)]) {
        if !entries.is_empty() {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            self.plain(key, format_args!("{{ {} }}", entries.join(", ")));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a String cannot fail");
    }
}

/// A string as TOML, safe from the expansion of environment references.
fn quote(text: &str) -> String {
    Value::String(env::escape(text)).to_string()
}

/// A key as TOML.
fn quote_key(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if key.bytes().all(bare) {
        key.to_owned()
    } else {
        Value::String(key.to_owned()).to_string()
    }
}

fn name<T: Named>(value: T) -> String {
    quote(&Name(value).to_string())
}

fn period(duration: Duration) -> String {
    quote(&Period(duration).to_string())
}

fn size(bytes: usize) -> String {
    quote(&Size(bytes as u64).to_string())
}

/// Paths come from TOML, which is UTF-8.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn target(target: &telemetry::config::Target) -> String {
    use telemetry::config::Target;
    match target {
        Target::Stdout => "stdout".to_owned(),
        Target::Stderr => "stderr".to_owned(),
        Target::Off => "off".to_owned(),
        Target::File(file) => path(file),
    }
}
