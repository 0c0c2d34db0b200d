//! The application that is built into Bridgehead passes every case that it has pages for.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::num::NonZeroUsize;
use std::time::Duration;

use bridgehead::demo::{Pool, Protocol as Speech};
use bridgehead_conform::known::Known;
use bridgehead_conform::net::Address;
use bridgehead_conform::notation::{File, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::run::{Plan, Verdict, run};
use bridgehead_conform::side::Server;

/// Plays everything, intrusive cases as well, and wants no failure at all.
fn conforms(speech: Speech, protocol: Protocol, least: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let workers = NonZeroUsize::new(9).unwrap();
    let _pool = runtime
        .block_on(async { Pool::start(speech, &path, workers) })
        .unwrap();
    let files = embedded();
    let profile = files
        .iter()
        .find(|file: &&File| file.path == "profiles/demo.toml")
        .unwrap();
    let profile = Profile::read(profile).unwrap();
    let plan = Plan {
        only: Vec::new(),
        level: Level::RealWorld,
        intrusive: true,
        jobs: NonZeroUsize::new(3).unwrap(),
        limit: Duration::from_secs(5),
        provides: profile.provides.clone(),
        known: Known::default(),
    };
    let suite = Suite::read(&files, protocol, SideName::Server).unwrap();
    let scope = profile.scope(protocol, &[]);
    let outcomes = run(
        &suite.cases,
        &Server::new(Address::Unix(path), protocol),
        &scope,
        &plan,
        |_| {},
    );
    let bad = outcomes.iter().filter(|outcome| outcome.verdict.is_bad());
    let bad: Vec<_> = bad
        .map(|outcome| (&outcome.id, outcome.verdict.detail(), &outcome.observed))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let played = outcomes
        .iter()
        .filter(|outcome| !matches!(outcome.verdict, Verdict::Skip(_)));
    assert!(played.count() >= least);
}

#[test]
fn the_demo_application_conforms_to_fastcgi() {
    conforms(Speech::FastCgi, Protocol::FastCgi, 105);
}

#[test]
fn the_demo_application_conforms_to_uwsgi() {
    conforms(Speech::Uwsgi, Protocol::Uwsgi, 42);
}

#[test]
fn the_demo_application_conforms_to_scgi() {
    conforms(Speech::Scgi, Protocol::Scgi, 13);
}
