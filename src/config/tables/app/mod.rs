//! `[app.NAME]`.

mod environment;
mod limits;
mod nice;
mod program;
mod timeouts;
mod umask;
mod url;

use std::collections::BTreeMap;
use std::path::PathBuf;

use environment::Environment;
use limits::AppLimits;
use nice::Nice;
use program::PROGRAM;
use timeouts::AppTimeouts;
use umask::UMASK;
use url::URL;

use super::account::{GROUP, USER};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Section, Table, required, table};
use crate::config::units::{Absolute, List, Name, Named, Number, OneOrMore, Plain};
use crate::process::{AppConfig, Kind, StopSignal, speaks};
use crate::transport::Secret;
use crate::upstream::UpstreamConfig;
use crate::upstream::model::config::EndpointSource;

table! {
    /// An application that the gateway starts, holds and renews. An upstream has it with `endpoints = ["app:NAME"]`; `NAME`
    /// consists of letters, digits, `_` and `-`. See [operating.md](operating.md#applications-of-the-gateway).
    pub(in crate::config) struct App for AppConfig {
        /// The server program. Required.
        kind: Kind as Name => _,
        /// Where it runs, and where a virtual environment is looked for (`.venv`, `venv`, `env`). Required.
        directory: PathBuf as Absolute("the application's directory") => _,
        /// The program, by its path or its name. Default: the one of the virtual environment, else the one on the search
        /// path; of PHP-FPM the newest version.
        program: PathBuf as PROGRAM,
        /// What the server loads, `"module:callable"`. Default: none, which only PHP-FPM can do with.
        application: String as Plain; only PYTHON,
        /// The words of the command line; `{fd}` is the number of the listening socket, and `{socket}` a path to listen at
        /// instead. Default: none.
        command: Vec<String> as List(Plain); only &["command"],
        /// More words of the command line, in front of the application; of uWSGI the first ones. Default: none.
        args: Vec<String> as OneOrMore(Plain) => _,
        /// Worker processes. Default: for PHP-FPM two per processor and four at least, for Gunicorn and uWSGI two per
        /// processor and one more, else one per processor.
        workers: usize as Number(1, 10_000) => _; only NUMBERED,
        /// Threads of each worker.
        threads: usize as Number(1, 1_000); only &["gunicorn", "uwsgi"],
        /// User to run as, by name or number; another one than the gateway's needs a gateway that runs as root. Default:
        /// the gateway's.
        user: String as USER,
        /// Group to run as, by name or number. Default: the user's.
        group: String as GROUP,
        /// Variables of its environment, which are not shown. Default: none but `PATH`, `LANG`, `LC_ALL`, `LC_CTYPE`,
        /// `TZ` and `TMPDIR` of the gateway's.
        env: BTreeMap<String, Secret> as Environment,
        /// Names of variables of the gateway's environment that it gets, too. Default: none.
        pass_env: Vec<String> as OneOrMore(Plain) => _,
        /// Bits that the modes of its files have not: `"027"`. Default: as the gateway's.
        umask: u32 as UMASK,
        /// Its niceness, from -20 to 19. Default: as the gateway's.
        nice: i32 as Nice,
        limits: AppLimits as Section,
        /// URLs or paths that a generation is asked for before it takes over. While another one serves, each has to be
        /// answered with a status below 500. Default: none; of servers that do not tell when they are ready, `"/"`, where
        /// any answer will do.
        warm: Vec<String> as OneOrMore(URL) => _,
        /// The signal that asks it to finish and to end. Default: `"QUIT"` for PHP-FPM, else `"TERM"`.
        stop_signal: StopSignal as Name,
        timeouts: AppTimeouts as Section,
    }
    usual = usual;
    shown = App::shown;
    example = r#"[app.shop]
kind = "php-fpm"
directory = "/srv/shop"
workers = 8
warm = ["/", "/login"]

[upstream.shop]
profile = "php-fpm"
endpoints = ["app:shop"]

[[route]]
host = "new.shop.example"
php = { upstream = "shop", root = "/srv/shop/public", front_controller = "/index.php" }
"#;
}

fn usual() -> AppConfig {
    AppConfig::new("", Kind::PhpFpm, PathBuf::new())
}

impl App {
    /// The application as it would be typed.
    pub(in crate::config) fn shown(config: &AppConfig) -> Self {
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| At::nowhere(list.clone()));
        let is_named = !config.name.is_empty();
        let mut shown = Self {
            kind: is_named.then(|| At::nowhere(config.kind)),
            directory: is_named.then(|| At::nowhere(config.directory.clone())),
            workers: is_named.then(|| At::nowhere(config.workers)),
            args: some(&config.args),
            pass_env: some(&config.pass_env),
            warm: some(&config.warm),
            command: some(&config.command),
            env: (!config.env.is_empty()).then(|| At::nowhere(config.env.clone())),
            ..Self::plain(config)
        };
        if is_named {
            shown.leave_out(config.kind.as_str());
        }
        shown
    }
}

/// One application.
pub(super) fn check(name: &At<String>, typed: &At<App>, complaints: &mut Complaints) -> AppConfig {
    check_name(name, complaints);
    let kind = required(
        typed,
        "kind",
        typed.kind.as_ref(),
        "kind = \"php-fpm\"",
        complaints,
    );
    let kind = kind.map_or(Kind::Command, |kind| **kind);
    let example = "directory = \"/srv/shop\"";
    let directory = required(typed, "directory", typed.directory.as_ref(), example, complaints);
    let directory = directory.map(|directory| PathBuf::clone(directory));
    let mut config = AppConfig::new(name, kind, directory.unwrap_or_default());
    let mut kept = App::clone(typed);
    if typed.kind.is_some() {
        for (key, span) in kept.leave_out(kind.as_str()) {
            let kind = kind.as_str();
            complaints.warning(
                span,
                format!("`{key}` has no effect on an application of the kind {kind}"),
            );
        }
        demand(typed, &kept, kind, complaints);
    }
    kept.apply_to(&mut config);
    config.workers = kept.workers.as_deref().copied().unwrap_or(config.workers);
    config.args = kept.args.as_deref().cloned().unwrap_or_default();
    config.pass_env = kept.pass_env.as_deref().cloned().unwrap_or_default();
    config.warm = kept.warm.as_deref().cloned().unwrap_or_default();
    config
}

/// Complains about what the kind cannot do without.
fn demand(typed: &At<App>, kept: &App, kind: Kind, complaints: &mut Complaints) {
    if kind.is_python() {
        let example = "application = \"app:application\"";
        required(
            typed,
            "application",
            kept.application.as_ref(),
            example,
            complaints,
        );
    }
    if kind == Kind::Command {
        let example = "command = [\"/usr/bin/server\", \"--fd\", \"{fd}\"]";
        let command = required(typed, "command", kept.command.as_ref(), example, complaints);
        if let Some(command) = command.filter(|command| command.is_empty()) {
            complaints
                .error(command.span(), "a command has one word at least")
                .help(format!("write {example}"));
        }
    }
}

/// The name is part of the names of sockets, which are short.
fn check_name(name: &At<String>, complaints: &mut Complaints) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        complaints
            .error(name.span(), "not a name for an application")
            .help(format!(
                "names consist of letters, digits, `_` and `-`, {MAX_NAME} at most"
            ));
    }
}

/// Whether upstreams and applications fit together.
pub(super) fn check_together(
    names: &[&At<String>],
    apps: &[AppConfig],
    upstreams: &[(&At<String>, &UpstreamConfig)],
    complaints: &mut Complaints,
) {
    let mut used = vec![false; apps.len()];
    for (place, upstream) in upstreams {
        for source in &upstream.sources {
            let EndpointSource::App(wanted) = &source.address else {
                continue;
            };
            let Some(at) = apps.iter().position(|app| app.name == *wanted) else {
                let known = apps.iter().map(|app| app.name.as_str());
                let help = match crate::config::suggest::nearest(wanted, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add a table [app.{wanted}]"),
                };
                complaints
                    .error(place.span(), format!("there is no application `{wanted}`"))
                    .help(help);
                continue;
            };
            used[at] = true;
            let (protocol, kind) = (upstream.protocol.as_str(), apps[at].kind);
            if let Some(spoken) = speaks(kind).filter(|spoken| *spoken != protocol) {
                let kind = kind.as_str();
                complaints
                    .error(
                        place.span(),
                        format!("the application `{wanted}` ({kind}) does not speak {protocol}"),
                    )
                    .help(format!("write protocol = \"{spoken}\""));
            }
        }
    }
    let unused = names.iter().zip(used).filter(|(_, used)| !used);
    for (name, _) in unused {
        complaints
            .warning(
                name.span(),
                format!("no upstream uses the application `{}`", name.as_str()),
            )
            .help(format!(
                "write endpoints = [\"app:{}\"] in an upstream",
                name.as_str()
            ));
    }
}

impl Named for Kind {
    const KIND: &'static str = "kind of application";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("php-fpm", Self::PhpFpm),
        ("gunicorn", Self::Gunicorn),
        ("uwsgi", Self::Uwsgi),
        ("uvicorn", Self::Uvicorn),
        ("hypercorn", Self::Hypercorn),
        ("granian", Self::Granian),
        ("command", Self::Command),
    ];
}

impl Named for StopSignal {
    const KIND: &'static str = "signal";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("TERM", Self::Term),
        ("QUIT", Self::Quit),
        ("INT", Self::Int),
        ("HUP", Self::Hup),
    ];
}

const PYTHON: &[&str] = &["gunicorn", "uwsgi", "uvicorn", "hypercorn", "granian"];

/// Kinds that are told how many workers there are to be.
const NUMBERED: &[&str] = &["php-fpm", "gunicorn", "uwsgi", "uvicorn", "hypercorn", "granian"];

/// Bytes of a name.
const MAX_NAME: usize = 32;
