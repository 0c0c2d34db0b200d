//! `[server]` and `[log]`.

use std::num::NonZero;
use std::thread;

use super::{account, deadline, network, path, resolver, size};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Log, Server as Typed};
use crate::config::units::Size;
use crate::config::{Server, suggest};
use crate::frontend::config::{Listener, Route, Timeouts};
use crate::telemetry::config::Target;
use crate::{frontend, spool, telemetry};

/// What concerns the process.
pub(super) fn process(typed: &Typed, complaints: &mut Complaints) -> Server {
    Server {
        workers: typed.workers.map_or_else(cores, |workers| workers.count()),
        spool: spool(typed, complaints),
        pid_file: typed
            .pid_file
            .as_ref()
            .map(|file| path::absolute(file, "the pid file", complaints)),
        user: account::check(typed.user.as_ref(), "user", complaints),
        group: account::check(typed.group.as_ref(), "group", complaints),
        resolver: resolver::check(&typed.resolver, complaints),
    }
}

fn spool(typed: &Typed, complaints: &mut Complaints) -> spool::Config {
    let size = |typed: &Option<At<Size>>, default| typed.as_ref().map_or(default, |size| size.0);
    spool::Config {
        temp_dir: match &typed.temp_dir {
            Some(dir) => path::absolute(dir, "the temporary directory", complaints),
            None => Server::TEMP_DIR.into(),
        },
        disk_total: size(&typed.spool.disk, spool::Config::DISK_TOTAL),
        memory_total: size(&typed.spool.memory, spool::Config::MEMORY_TOTAL),
    }
}

/// What concerns clients.
pub(super) fn frontend(
    typed: &Typed,
    listeners: Vec<Listener>,
    routes: Vec<Route>,
    complaints: &mut Complaints,
) -> frontend::Config {
    let trusted = typed
        .trusted_proxies
        .iter()
        .filter_map(|typed| network::check(typed, complaints));
    frontend::Config {
        listeners,
        routes,
        trusted_proxies: trusted.collect(),
        timeouts: timeouts(typed, complaints),
        head_size: size::within(
            typed.head_size.as_ref(),
            frontend::Config::HEAD_SIZE,
            size::HEAD,
            complaints,
        ),
        head_fields: typed
            .head_fields
            .map_or(frontend::Config::HEAD_FIELDS, |fields| fields.count()),
        discard: typed
            .discard
            .as_ref()
            .map_or(frontend::Config::DISCARD, |size| size.0),
        max_connections: typed
            .max_connections
            .map_or(frontend::Config::MAX_CONNECTIONS, |most| most.count()),
    }
}

/// Where logs go to.
pub(super) fn log(typed: &Log, complaints: &mut Complaints) -> telemetry::Config {
    let default = telemetry::Config::default();
    telemetry::Config {
        access: target(typed.access.as_ref(), default.access, complaints),
        access_format: typed
            .access_format
            .map_or(default.access_format, |format| format.0),
        error: target(typed.error.as_ref(), default.error, complaints),
        level: typed.level.map_or(default.level, |level| level.0),
    }
}

/// As many as the process may use.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

fn timeouts(typed: &Typed, complaints: &mut Complaints) -> Timeouts {
    let (typed, default) = (&typed.timeouts, Timeouts::default());
    Timeouts {
        idle: deadline::positive(typed.idle.as_ref(), default.idle, complaints),
        head: deadline::positive(typed.head.as_ref(), default.head, complaints),
        body: deadline::positive(typed.body.as_ref(), default.body, complaints),
        send: deadline::positive(typed.send.as_ref(), default.send, complaints),
        linger: deadline::any(typed.linger.as_ref(), default.linger),
        h2_ping: deadline::positive(typed.h2_ping.as_ref(), default.h2_ping, complaints),
        tunnel: deadline::positive(typed.tunnel.as_ref(), default.tunnel, complaints),
        drain: deadline::any(typed.drain.as_ref(), default.drain),
        grace: deadline::any(typed.grace.as_ref(), default.grace),
        generation: deadline::any(typed.generation.as_ref(), default.generation),
        replace: deadline::positive(typed.replace.as_ref(), default.replace, complaints),
        open: deadline::positive(typed.open.as_ref(), default.open, complaints),
    }
}

fn target(typed: Option<&At<String>>, default: Target, complaints: &mut Complaints) -> Target {
    let Some(typed) = typed else { return default };
    match typed.as_str() {
        "stdout" => Target::Stdout,
        "stderr" => Target::Stderr,
        "off" => Target::Off,
        name if !name.contains('/') => {
            let complaint = complaints.error(typed.span(), format!("`{name}` is no place for a log"));
            let near = suggest::nearest(name, ["stdout", "stderr", "off"]);
            complaint.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write \"stdout\", \"stderr\", \"off\" or an absolute path".to_owned(),
            });
            default
        }
        _ => Target::File(path::absolute(typed, "the log", complaints)),
    }
}
