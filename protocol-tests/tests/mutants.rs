//! The kit can fail: the reference implementations pass, and with one fault in them a case catches it.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use bridgehead_conform::content::Scope;
use bridgehead_conform::expect::Connection;
use bridgehead_conform::known::Known;
use bridgehead_conform::net::Address;
use bridgehead_conform::notation::{Case, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::reference::{Entry, Fault, Listener, Running, Seeded, frontend, server};
use bridgehead_conform::run::{Outcome, Plan, Verdict, run};
use bridgehead_conform::side::{Frontend, Server, Side};

/// The environment variable with which surveys are played.
const SURVEYS: &str = "BRIDGEHEAD_SURVEYS";

/// How many mutants are played at once: most of the time they wait.
const AT_ONCE: usize = 12;

#[test]
fn mutants_without_a_fault_pass_as_applications() {
    let columns = [
        (Protocol::FastCgi, 100),
        (Protocol::Uwsgi, 46),
        (Protocol::Scgi, 13),
    ];
    pass_everything(&columns, |protocol| play_server(protocol, Seeded::NONE, &[]));
}

#[test]
fn mutants_without_a_fault_pass_as_front_ends() {
    let columns = [
        (Protocol::FastCgi, 190),
        (Protocol::Uwsgi, 120),
        (Protocol::Scgi, 100),
        (Protocol::Http, 105),
    ];
    pass_everything(&columns, |protocol| play_frontend(protocol, Seeded::NONE, &[]));
}

/// Wants so many passes at least, and nothing else but what is skipped.
fn pass_everything(columns: &[(Protocol, usize)], play: impl Fn(Protocol) -> Vec<Outcome> + Sync) {
    let complaints = at_once(columns, |(protocol, least)| {
        let outcomes = play(*protocol);
        let bad: Vec<_> = bad(&outcomes).map(words).collect();
        let passed = |outcome: &&Outcome| matches!(outcome.verdict, Verdict::Pass(_));
        let passed = outcomes.iter().filter(passed).count();
        let enough = bad.is_empty() && passed >= *least;
        (!enough).then(|| format!("{protocol}: {passed} have passed\n{}", bad.join("\n")))
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn mutants_of_the_application_are_caught_by_their_cases() {
    assert!(server::Fault::TABLE.len() >= 40);
    are_caught(|entry: &Entry<server::Fault>| play_server(entry.protocol, entry.fault.into(), &[entry.case]));
}

#[test]
fn mutants_of_the_front_end_are_caught_by_their_cases() {
    assert!(frontend::Fault::TABLE.len() >= 30);
    are_caught(|entry: &Entry<frontend::Fault>| {
        play_frontend(entry.protocol, entry.fault.into(), &[entry.case])
    });
}

fn are_caught<F: Fault + Sync>(play: impl Fn(&Entry<F>) -> Vec<Outcome> + Sync) {
    let escaped = at_once(F::TABLE, |entry| {
        let outcomes = play(entry);
        let caught = outcomes
            .iter()
            .any(|outcome| outcome.id == entry.case && is_proof(outcome));
        let (name, case) = (entry.name(), entry.case);
        (!caught).then(|| format!("{name} is not caught by {case}: {}", seen(&outcomes)))
    });
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
}

/// That the kit could not play a case proves nothing.
fn is_proof(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Verdict::Fail(_) | Verdict::Hang(_))
}

/// The other way round: there is no case that nothing can fail. A survey: it plays every case with every mutant, which
/// takes a quarter of an hour and all of the machine.
#[test]
#[ignore = "a survey of a quarter of an hour: BRIDGEHEAD_SURVEYS=1 plays it"]
fn mutants_make_every_case_fail() {
    if env::var_os(SURVEYS).is_none() {
        eprintln!("not played without {SURVEYS}=1");
        return; // `--include-ignored` is for the tests that need root
    }
    let failed: Mutex<BTreeMap<String, bool>> = Mutex::default();
    let note = |outcomes: Vec<Outcome>| {
        let mut failed = failed.lock().unwrap();
        let played = |outcome: &Outcome| !matches!(outcome.verdict, Verdict::Skip(_));
        for outcome in outcomes.into_iter().filter(played) {
            let proof = is_proof(&outcome);
            *failed.entry(outcome.id).or_default() |= proof;
        }
        None
    };
    for protocol in [Protocol::FastCgi, Protocol::Uwsgi, Protocol::Scgi] {
        at_once(server::Fault::TABLE, |entry| {
            note(play_server(protocol, entry.fault.into(), &[]))
        });
    }
    // Every protocol has the cases of HTTP: only those of its own need more than one column.
    for protocol in Protocol::ALL {
        at_once(frontend::Fault::TABLE, |entry| {
            let only: &[&str] = if entry.protocol == protocol {
                &[]
            } else {
                &["GC", "GU", "GS", "GX", "GB"]
            };
            note(play_frontend(protocol, entry.fault.into(), only))
        });
    }
    let failed = failed.into_inner().unwrap();
    let never: Vec<_> = failed.iter().filter(|(_, failed)| !**failed).collect();
    assert!(never.is_empty(), "of {} cases: {never:?}", failed.len());
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
    let side = Watched {
        target: &running,
        side: Server::new(running.address().clone(), protocol),
    };
    let cases = cases(protocol, SideName::Server);
    run(cases, &side, &scope, &plan(profile.provides, only), |_| {})
}

/// An application that is seen from inside, too: pieces of a request reach it in different reads however busy the
/// machine is.
struct Watched<'a> {
    target: &'a Running,
    side: Server,
}

impl Side for Watched<'_> {
    fn default_connection(&self) -> &'static str {
        self.side.default_connection()
    }

    fn scope(&self, scope: &Scope) -> Scope {
        self.side.scope(scope)
    }

    fn settle(&self, until: Instant) {
        self.target.settle(until);
    }

    fn open(
        &self,
        name: &str,
        scope: &Scope,
        limit: Duration,
        pump: &mut dyn FnMut(Instant) -> io::Result<()>,
    ) -> Result<Connection, Verdict> {
        self.side.open(name, scope, limit, pump)
    }
}

/// Plays cases against the front end with its fault.
fn play_frontend(protocol: Protocol, fault: Seeded<frontend::Fault>, only: &[&str]) -> Vec<Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Address::Unix(directory.path().join("s"));
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".to_owned())).unwrap();
    let running = frontend::Frontend::new(protocol, upstream.clone(), fault).serve(listener);
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
