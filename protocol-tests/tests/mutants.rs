//! The kit can fail: the reference implementations pass, and with one fault in them a case catches it.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use bridgehead_conform::known::Known;
use bridgehead_conform::net::Address;
use bridgehead_conform::notation::{Case, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::reference::{Entry, Fault, Listener, Seeded, frontend, server};
use bridgehead_conform::run::{Outcome, Plan, Verdict, run};
use bridgehead_conform::side::{Frontend, Server};

/// How many mutants are played at once: most of the time they wait.
const AT_ONCE: usize = 12;

#[test]
fn the_reference_application_passes_everything() {
    for (protocol, least) in [
        (Protocol::FastCgi, 100),
        (Protocol::Uwsgi, 46),
        (Protocol::Scgi, 13),
    ] {
        passes_everything(protocol, least, play_server(protocol, Seeded::NONE, &[]));
    }
}

#[test]
fn the_reference_front_end_passes_everything() {
    for (protocol, least) in [
        (Protocol::FastCgi, 85),
        (Protocol::Uwsgi, 28),
        (Protocol::Scgi, 0),
    ] {
        passes_everything(protocol, least, play_frontend(protocol, Seeded::NONE, &[]));
    }
}

fn passes_everything(protocol: Protocol, least: usize, outcomes: Vec<Outcome>) {
    let bad: Vec<_> = bad(&outcomes).map(words).collect();
    assert!(bad.is_empty(), "{protocol}:\n{}", bad.join("\n"));
    let skipped = |outcome: &&Outcome| matches!(outcome.verdict, Verdict::Skip(_));
    let played = outcomes.len() - outcomes.iter().filter(skipped).count();
    assert!(played >= least, "{protocol}: only {played} were played");
}

#[test]
fn every_fault_of_the_application_is_caught_by_its_case() {
    assert!(server::Fault::TABLE.len() >= 40);
    are_caught(|entry: &Entry<server::Fault>| play_server(entry.protocol, entry.fault.into(), &[entry.case]));
}

#[test]
fn every_fault_of_the_front_end_is_caught_by_its_case() {
    assert!(frontend::Fault::TABLE.len() >= 30);
    are_caught(|entry: &Entry<frontend::Fault>| {
        play_frontend(entry.protocol, entry.fault.into(), &[entry.case])
    });
}

fn are_caught<F: Fault + Sync>(play: impl Fn(&Entry<F>) -> Vec<Outcome> + Sync) {
    let escaped = at_once(F::TABLE, |entry| {
        let outcomes = play(entry);
        // That the kit could not play it would be no proof.
        let proof = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Fail(_) | Verdict::Hang(_));
        let caught = outcomes
            .iter()
            .any(|outcome| outcome.id == entry.case && proof(outcome));
        (!caught).then(|| {
            format!(
                "{} is not caught by {}: {}",
                entry.name(),
                entry.case,
                seen(&outcomes)
            )
        })
    });
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
}

fn seen(outcomes: &[Outcome]) -> String {
    let words = outcomes
        .iter()
        .map(|outcome| format!("{} {}", outcome.id, outcome.verdict.word()));
    words.collect::<Vec<_>>().join(", ")
}

/// Plays cases against the application with its fault.
fn play_server(protocol: Protocol, fault: Seeded<server::Fault>, only: &[&str]) -> Vec<Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let listener = Listener::bind(&Address::Unix(directory.path().join("s"))).unwrap();
    let running = server::Server::new(protocol, fault).unwrap().serve(listener);
    let profile = profile("reference");
    let scope = profile.scope(protocol, &[]);
    let side = Server::new(running.address().clone(), protocol);
    let cases = cases(protocol, SideName::Server);
    run(cases, &side, &scope, &plan(profile.provides, only), |_| {})
}

/// Plays cases against the front end with its fault.
fn play_frontend(protocol: Protocol, fault: Seeded<frontend::Fault>, only: &[&str]) -> Vec<Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Address::Unix(directory.path().join("s"));
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".to_owned())).unwrap();
    let running = frontend::Frontend::new(protocol, upstream.clone(), fault)
        .unwrap()
        .serve(listener);
    let profile = profile("reference-frontend");
    let scope = profile.scope(protocol, &[]);
    let side = Frontend::new(&upstream, protocol, &format!("http://{}/", running.address())).unwrap();
    let cases = cases(protocol, SideName::Frontend);
    run(cases, &side, &scope, &plan(profile.provides, only), |_| {})
}

fn profile(name: &str) -> Profile {
    let path = format!("profiles/{name}.toml");
    let file = embedded().into_iter().find(|file| file.path == path);
    Profile::read(&file.unwrap()).unwrap()
}

/// The cases of a side; read once, since there are more mutants than a second of reading would allow.
fn cases(protocol: Protocol, side: SideName) -> &'static [Case] {
    static READ: Mutex<Vec<(Protocol, SideName, &[Case])>> = Mutex::new(Vec::new());
    let mut read = READ.lock().unwrap();
    if let Some((_, _, cases)) = read.iter().find(|(p, s, _)| (*p, *s) == (protocol, side)) {
        return cases;
    }
    let cases = Suite::read(&embedded(), protocol, side).unwrap().cases.leak();
    read.push((protocol, side, cases));
    cases
}

fn plan(provides: Vec<String>, only: &[&str]) -> Plan {
    Plan {
        only: only.iter().map(ToString::to_string).collect(),
        level: Level::RealWorld,
        intrusive: true,
        jobs: NonZeroUsize::new(8).unwrap(),
        limit: Duration::from_secs(3),
        provides,
        known: Known::default(),
    }
}

fn bad(outcomes: &[Outcome]) -> impl Iterator<Item = &Outcome> {
    outcomes.iter().filter(|outcome| outcome.verdict.is_bad())
}

fn words(outcome: &Outcome) -> String {
    format!(
        "{}: {} ({})\n{}",
        outcome.id,
        outcome.verdict.detail(),
        outcome.observed,
        outcome.transcript.join("\n")
    )
}

/// Does something with every item, several at once, and collects what there is to say.
fn at_once<T: Sync>(items: &[T], each: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let (queue, said) = (Mutex::new(items.iter()), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                // The lock must not be held while a mutant is played.
                let next = || queue.lock().unwrap().next();
                while let Some(item) = next() {
                    let sentence = each(item);
                    said.lock().unwrap().extend(sentence);
                }
            });
        }
    });
    said.into_inner().unwrap()
}
