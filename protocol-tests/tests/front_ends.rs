//! The front-end cases against Bridgehead, built and started as an operator would: what is found must be what is
//! known. The cases of a protocol are played, and those that concern HTTP alone with every protocol.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::num::NonZeroUsize;
use std::time::Duration;

use bridgehead_conform::known::Known;
use bridgehead_conform::net::Address;
use bridgehead_conform::notation::{Case, File, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::run::{Outcome, Plan, run};
use bridgehead_conform::side::Frontend;
use testbed::Gateway;

/// Whether the gateway takes the kit for a proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Stranger,
    Proxy,
}

/// Plays every case that the profile permits; wants no failure that is not known, and no known one that is gone.
fn conforms(protocol: Protocol, trust: Trust) {
    let dir = tempfile::TempDir::with_prefix("kit-").unwrap();
    let socket = format!("unix:{}", dir.path().join("kit.sock").display());
    let config = config(protocol, &socket, trust);
    let gateway = Gateway::start(&testbed::bridgehead().unwrap(), &config).unwrap();
    let files = embedded();
    let profile = Profile::read(&file(&files, "profiles/bridgehead.toml")).unwrap();
    let url = format!("http://{}/", gateway.addr());
    let side = Frontend::new(&socket.parse::<Address>().unwrap(), protocol, &url).unwrap();
    let cases = cases(&files, protocol);
    let scope = profile.scope(protocol, &[]);
    let outcomes = run(&cases, &side, &scope, &plan(&files, &profile, trust), |_| {});
    let played = outcomes.iter().filter(|outcome| outcome.word() != "skip").count();
    assert!(played >= 5, "{played} cases were played");
    let surprises: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.is_failure() || outcome.is_fixed())
        .map(words)
        .collect();
    assert!(
        surprises.is_empty(),
        "{}\n{}",
        surprises.join("\n"),
        gateway.errors()
    );
}

/// The cases of the protocol, those of HTTP included.
fn cases(files: &[File], protocol: Protocol) -> Vec<Case> {
    let suite = Suite::read(files, protocol, SideName::Frontend);
    suite
        .unwrap_or_else(|complaints| panic!("{}", complaints[0]))
        .cases
}

/// A proxy is asked for nothing but what its fields are worth: all other cases are played as a stranger.
fn plan(files: &[File], profile: &Profile, trust: Trust) -> Plan {
    let known = &profile.expectations[0];
    let mut provides = profile.provides.clone();
    let mut only = Vec::new();
    if trust == Trust::Proxy {
        provides.retain(|capability| capability != "untrusted");
        provides.push("trusted".to_owned());
        only.push("EV-4".to_owned());
    }
    Plan {
        only,
        level: Level::RealWorld,
        intrusive: true,
        jobs: NonZeroUsize::new(8).unwrap(),
        limit: Duration::from_secs(10),
        provides,
        known: Known::read(&file(files, &format!("expectations/{known}.toml"))).unwrap(),
    }
}

fn file(files: &[File], path: &str) -> File {
    files.iter().find(|file| file.path == path).unwrap().clone()
}

/// The paths that the profile names: one as it is by default, one that soon gives up, one with kept connections, two
/// with limits, one of one host alone, and one with scripts.
fn config(protocol: Protocol, socket: &str, trust: Trust) -> String {
    let upstream = |name: &str, path: &str, settings: &str| {
        format!(
            "[upstream.{name}]\nprotocol = \"{protocol}\"\nendpoints = [\"{socket}\"]\n{settings}\
             [[route]]\npath = \"{path}\"\nproxy = {{ upstream = \"{name}\" }}\n"
        )
    };
    // Heads above the usual limit reach the encoders, which have limits of their own.
    let server = "[server]\ntemp_dir = \"{dir}\"\nhead_size = \"256KiB\"\n\
                  timeouts = { head = \"2s\", body = \"2s\" }\n";
    let proxies = match trust {
        Trust::Stranger => "",
        Trust::Proxy => "trusted_proxies = [\"127.0.0.1\"]\n",
    };
    let large = match protocol {
        Protocol::FastCgi => "max_block = \"256KiB\"\n",
        _ => "",
    };
    server.to_owned()
        + proxies
        + &upstream("plain", "/", large)
        + &upstream("hasty", "/hasty", "timeouts = { head = \"2s\", read = \"2s\" }\n")
        + &upstream("kept", "/kept", "max_connections = 1\nkeep_alive = 1\n")
        + &match protocol {
            Protocol::Http => String::new(), // a request has no block of variables there
            _ => upstream("small", "/small", "max_block = \"4KiB\"\n"),
        }
        + &upstream("limited", "/limited", "")
        + "limits = { body = \"64KiB\" }\n"
        + NAMED
        + &scripts(protocol)
}

/// A path that one host has for itself.
const NAMED: &str = "[[route]]\nhost = \"named.example\"\npath = \"/named\"\nproxy = { upstream = \"plain\" }\n\
                     [[route]]\npath = \"/named\"\nrespond = { status = 404 }\n";

/// The site with scripts, where the protocol is PHP's.
fn scripts(protocol: Protocol) -> String {
    let root = testbed::workspace().join("protocol-tests/frontends/site");
    match protocol {
        Protocol::FastCgi => format!(
            "[[route]]\npath = \"/php\"\nphp = {{ upstream = \"plain\", root = \"{}\" }}\n",
            root.display()
        ),
        _ => String::new(),
    }
}

fn words(outcome: &Outcome) -> String {
    let Outcome { id, observed, .. } = outcome;
    format!(
        "{} {id}: {} ({observed})",
        outcome.word(),
        outcome.verdict.detail()
    )
}

#[test]
fn real_bridgehead_passes_the_cases_of_fastcgi() {
    conforms(Protocol::FastCgi, Trust::Stranger);
}

#[test]
fn real_bridgehead_passes_the_cases_of_uwsgi() {
    conforms(Protocol::Uwsgi, Trust::Stranger);
}

#[test]
fn real_bridgehead_passes_the_cases_of_scgi() {
    conforms(Protocol::Scgi, Trust::Stranger);
}

#[test]
fn real_bridgehead_passes_the_cases_of_http() {
    conforms(Protocol::Http, Trust::Stranger);
}

#[test]
fn real_bridgehead_believes_a_proxy() {
    conforms(Protocol::FastCgi, Trust::Proxy);
    conforms(Protocol::Uwsgi, Trust::Proxy);
    conforms(Protocol::Scgi, Trust::Proxy);
}
