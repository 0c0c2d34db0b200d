//! The cases against servers of the testbed: what is found must be what is known.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use bridgehead_conform::known::Known;
use bridgehead_conform::notation::{File, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::run::{Outcome, Plan, Verdict, run};
use bridgehead_conform::side::Server;
use testbed::{Kind, Options};

/// Plays every case that is safe, and wants no failure that is not known, and no known one that is gone.
fn conforms(kind: Kind, protocol: Protocol, profile: &str, script: &Path) {
    let options = Options {
        workers: 9,
        ..Options::default()
    };
    let backend = kind.start(&options).unwrap();
    let files = embedded();
    let file = |path: String| files.iter().find(|file: &&File| file.path == path).unwrap();
    let profile = Profile::read(file(format!("profiles/{profile}.toml"))).unwrap();
    let known = &profile.expectations[0];
    let plan = Plan {
        only: Vec::new(),
        level: Level::RealWorld,
        intrusive: false,
        jobs: NonZeroUsize::new(3).unwrap(),
        limit: Duration::from_secs(5),
        provides: profile.provides.clone(),
        known: Known::read(file(format!("expectations/{known}.toml"))).unwrap(),
    };
    let suite = Suite::read(&files, protocol, SideName::Server).unwrap();
    let scope = profile.scope(protocol, &[("script".to_owned(), script.display().to_string())]);
    let side = Server::new(backend.address().parse().unwrap(), protocol);
    let outcomes = run(&suite.cases, &side, &scope, &plan, |_| {});
    let surprises: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.is_failure() || outcome.is_fixed())
        .map(words)
        .collect();
    assert!(
        surprises.is_empty(),
        "{}\n{}",
        surprises.join("\n"),
        backend.log()
    );
    let played = outcomes
        .iter()
        .filter(|outcome| !matches!(outcome.verdict, Verdict::Skip(_)))
        .count();
    assert!(played > suite.cases.len() / 2, "{played} cases were played");
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
fn real_php_fpm_does_what_is_known_of_it() {
    conforms(
        Kind::PhpFpm,
        Protocol::FastCgi,
        "php-fpm",
        &testbed::script(Kind::PhpFpm),
    );
}

#[test]
fn real_fcgiwrap_does_what_is_known_of_it() {
    conforms(
        Kind::Fcgiwrap,
        Protocol::FastCgi,
        "fcgiwrap",
        &testbed::script(Kind::Fcgiwrap),
    );
}

#[test]
fn real_uwsgi_scgi_socket_does_what_is_known_of_it() {
    conforms(
        Kind::UwsgiScgi,
        Protocol::Scgi,
        "uwsgi",
        &testbed::script(Kind::UwsgiScgi),
    );
}
