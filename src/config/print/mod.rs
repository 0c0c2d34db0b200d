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
use crate::transport::{Access, resolve};
use crate::upstream::Config as Upstream;
use crate::upstream::model::config::{Balance, EndpointConfig, Hash, Queue, Quirks, Retry, Sticky, Timeouts};
use crate::{frontend, spool, telemetry};

mod health;
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
    for listener in &frontend.listeners {
        print_listener(listener, &mut out);
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
        spool:
            spool::Config {
                temp_dir,
                disk_total,
                memory_total,
            },
        pid_file,
        user,
        group,
        resolver,
    } = server;
    let frontend::Config {
        listeners: _,
        routes: _,
        trusted_proxies,
        timeouts,
        head_size,
        head_fields,
        discard,
        max_connections,
    } = frontend;
    let frontend::config::Timeouts {
        idle,
        head,
        body,
        send,
        linger,
        h2_ping,
        tunnel,
        drain,
        grace,
        generation,
        replace,
    } = *timeouts;
    out.head("[server]");
    out.plain("workers", workers);
    out.text("temp_dir", &path(temp_dir));
    let total = |bytes: u64| quote(&Size(bytes).to_string());
    out.table(
        "spool",
        &[("memory", total(*memory_total)), ("disk", total(*disk_total))],
    );
    if let Some(file) = pid_file {
        out.text("pid_file", &path(file));
    }
    for (key, account) in [("user", user), ("group", group)] {
        if let Some(account) = account {
            out.text(key, account);
        }
    }
    out.plain("max_connections", max_connections);
    let networks = trusted_proxies.iter().map(|network| quote(&network.to_string()));
    out.plain("trusted_proxies", array(networks));
    print_resolver(resolver, out);
    out.table(
        "timeouts",
        &[
            ("idle", period(idle)),
            ("head", period(head)),
            ("body", period(body)),
            ("send", period(send)),
            ("linger", period(linger)),
            ("h2_ping", period(h2_ping)),
            ("tunnel", period(tunnel)),
            ("drain", period(drain)),
            ("grace", period(grace)),
            ("generation", period(generation)),
            ("replace", period(replace)),
        ],
    );
    out.plain("head_size", size(*head_size));
    out.plain("head_fields", head_fields);
    out.plain("discard", quote(&Size(*discard).to_string()));
}

fn print_listener(listener: &frontend::config::Listener, out: &mut Out) {
    let frontend::config::Listener {
        address,
        backlog,
        access,
    } = listener;
    let Access { owner, group, mode } = access;
    out.head("[[listen]]");
    out.text("address", &address.to_string());
    out.plain("backlog", backlog);
    for (key, account) in [("owner", owner), ("group", group)] {
        if let Some(account) = account {
            out.text(key, account);
        }
    }
    if let Some(mode) = mode {
        out.text("mode", &format!("{mode:04o}"));
    }
}

fn print_resolver(resolver: &resolve::Config, out: &mut Out) {
    let resolve::Config {
        nameservers,
        timeout,
        family,
        min_ttl,
        max_ttl,
        keep,
    } = resolver;
    let servers = nameservers.iter().map(|server| quote(&server.to_string()));
    let servers = (!nameservers.is_empty()).then(|| ("nameservers", array(servers)));
    let others = [
        ("timeout", period(*timeout)),
        ("family", name(*family)),
        ("min_ttl", period(*min_ttl)),
        ("max_ttl", period(*max_ttl)),
        ("keep", period(*keep)),
    ];
    out.table("resolver", &servers.into_iter().chain(others).collect::<Vec<_>>());
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
        sources,
        balance,
        sticky,
        max_connections,
        health,
        keep_alive,
        queue,
        hold,
        warn_unreachable,
        retry,
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
    let fixed = endpoints.iter().map(endpoint);
    let named = sources.iter().map(endpoint);
    out.plain("endpoints", array(fixed.chain(named).map(|text| quote(&text))));
    out.text("balance", &self::balance(balance));
    if let Some(sticky) = sticky {
        print_sticky(sticky, out);
    }
    health::slots(max_connections, out);
    out.plain("keep_alive", keep_alive);
    out.table(
        "queue",
        &[("size", waiting.to_string()), ("timeout", period(timeout))],
    );
    out.plain("hold", period(*hold));
    out.plain("warn_unreachable", warn_unreachable);
    let Retry {
        tries,
        non_idempotent,
    } = *retry;
    out.table(
        "retry",
        &[
            ("tries", tries.to_string()),
            ("non_idempotent", non_idempotent.to_string()),
        ],
    );
    print_timeouts(timeouts, out);
    if let Some(health) = health {
        self::health::print(health, out);
    }
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

fn print_quirks(quirks: &Quirks, protocol: crate::upstream::model::config::ProtocolName, out: &mut Out) {
    let Quirks {
        path_info,
        empty_path_info,
        max_block,
        max_params,
        chunked_body,
        modifier1,
        modifier2,
    } = *quirks;
    if protocol == crate::upstream::model::config::ProtocolName::Http {
        return out.plain("chunked_body", chunked_body);
    }
    out.plain("path_info", name(path_info));
    out.plain("empty_path_info", empty_path_info);
    out.plain("max_block", size(max_block));
    out.plain("max_params", max_params);
    if protocol == crate::upstream::model::config::ProtocolName::Uwsgi {
        out.plain("modifier1", modifier1);
        out.plain("modifier2", modifier2);
    }
}

fn balance(balance: &Balance) -> String {
    let name = balance.as_str();
    match balance {
        Balance::Hash(Hash { key, bound: None }) => format!("{name} {key}"),
        Balance::Hash(Hash {
            key,
            bound: Some(bound),
        }) => format!("{name} {key} bounded={bound}"),
        _ => name.to_owned(),
    }
}

fn print_sticky(sticky: &Sticky, out: &mut Out) {
    let Sticky {
        cookie,
        secret,
        path,
        max_age,
        secure,
        http_only,
        same_site,
        wait,
    } = sticky;
    let mut entries = vec![("cookie", quote(cookie))];
    // It was text in the file.
    let secret = secret
        .as_ref()
        .map(|secret| String::from_utf8_lossy(secret.as_bytes()));
    entries.extend(secret.map(|secret| ("secret", quote(&secret))));
    entries.push(("path", quote(path)));
    entries.extend(max_age.map(|age| ("max_age", period(age))));
    entries.extend(secure.map(|secure| ("secure", secure.to_string())));
    entries.push(("http_only", http_only.to_string()));
    entries.push(("same_site", name(*same_site)));
    entries.push(("wait", wait.to_string()));
    out.table("sticky", &entries);
}

/// An endpoint with those of its options that are not as usual.
fn endpoint<A: Display>(endpoint: &EndpointConfig<A>) -> String {
    let EndpointConfig {
        address,
        weight,
        backup,
        drain,
        max_fails,
        fail_timeout,
        slow_start,
    } = endpoint;
    let usual = EndpointConfig::new(address);
    let time = |time: Duration| Period(time).to_string();
    let options = [
        (*weight != usual.weight).then(|| format!("weight={weight}")),
        backup.then(|| "backup".to_owned()),
        drain.then(|| "drain".to_owned()),
        (*max_fails != usual.max_fails).then(|| format!("max_fails={max_fails}")),
        (*fail_timeout != usual.fail_timeout).then(|| format!("fail_timeout={}", time(*fail_timeout))),
        (*slow_start != usual.slow_start).then(|| format!("slow_start={}", time(*slow_start))),
    ];
    let words = [address.to_string()]
        .into_iter()
        .chain(options.into_iter().flatten());
    words.collect::<Vec<_>>().join(" ")
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

/// Values that are TOML already, as an array.
fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
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
