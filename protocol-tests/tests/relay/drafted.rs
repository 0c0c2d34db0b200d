//! Cases out of recorded exchanges, played against the same servers.

use std::time::Duration;

use bridgehead_conform::capture;
use bridgehead_conform::content::Scope;
use bridgehead_conform::draft::{Bodies, Collector, Draft, Recorded, Wish};
use bridgehead_conform::known::Known;
use bridgehead_conform::net::Address;
use bridgehead_conform::notation::{Case, File, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::run::{Outcome, Plan, run};
use bridgehead_conform::side::{Server, Side};
use testbed::{Kind, Options};

use super::running::Running;

pub(crate) fn recorded(trace: &str) -> Recorded {
    let mut collector = Collector::new(None, None);
    capture::read(trace.as_bytes(), None, None, &mut |item| collector.hear(item)).unwrap();
    collector.finish().unwrap()
}

pub(crate) fn wish(side: SideName) -> Wish<'static> {
    Wish {
        side,
        prefix: "TR",
        bodies: Bodies::Same,
    }
}

/// The cases of a draft, read as every other file is.
pub(crate) fn cases(draft: &Draft, protocol: Protocol, side: SideName) -> Vec<Case> {
    let file = File {
        path: "drafted.toml".to_owned(),
        text: draft.text.clone(),
    };
    let suite = Suite::read_alone(&file, protocol, side);
    suite
        .unwrap_or_else(|complaints| panic!("{}\n{}", complaints[0], draft.text))
        .cases
}

pub(crate) fn play(cases: &[Case], side: &dyn Side, scope: &Scope) -> Vec<Outcome> {
    run(cases, side, scope, &plan(), |_| {})
}

fn plan() -> Plan {
    Plan {
        only: Vec::new(),
        level: Level::RealWorld,
        intrusive: false,
        jobs: 3.try_into().unwrap(),
        limit: Duration::from_secs(5),
        provides: Vec::new(),
        known: Known::default(),
    }
}

pub(crate) fn assert_passed(outcomes: &[Outcome], text: &str) {
    for outcome in outcomes {
        let detail = outcome.verdict.detail();
        assert!(
            !outcome.is_failure(),
            "{} {}: {detail}\n{text}",
            outcome.word(),
            outcome.id
        );
    }
}

fn kit_file(path: &str) -> File {
    embedded().into_iter().find(|file| file.path == path).unwrap()
}

/// Plays cases of the kit through the relay, which must change nothing, makes cases out of what was recorded, and
/// plays them directly.
fn round_trip(kind: Kind, protocol: Protocol, profile: &str, wanted: &[&str]) {
    let options = Options {
        workers: 9,
        ..Options::default()
    };
    let backend = kind.start(&options).unwrap();
    let profile = Profile::read(&kit_file(&format!("profiles/{profile}.toml"))).unwrap();
    let known = profile.expectations.as_ref().unwrap();
    let known = Known::read(&kit_file(&format!("expectations/{known}.toml"))).unwrap();
    let script = testbed::script(kind).display().to_string();
    let scope = profile.scope(protocol, &[("script".to_owned(), script)]);
    let suite = Suite::read(&embedded(), protocol, SideName::Server).unwrap();
    let chosen = suite
        .cases
        .into_iter()
        .filter(|case| wanted.contains(&case.id.as_str()));
    let chosen: Vec<_> = chosen.collect();
    assert_eq!(chosen.len(), wanted.len());
    let relay = Running::unix(&backend.address(), protocol);
    let side = Server::new(relay.address.clone(), protocol);
    let plan = Plan {
        provides: profile.provides.clone(),
        known,
        ..plan()
    };
    assert_passed(&run(&chosen, &side, &scope, &plan, |_| {}), "");
    let draft = Draft::new(&recorded(&relay.text()), wish(SideName::Server)).unwrap();
    assert!(draft.count >= wanted.len(), "{}", draft.text);
    let drafted = cases(&draft, protocol, SideName::Server);
    let direct: Address = backend.address().parse().unwrap();
    let outcomes = play(&drafted, &Server::new(direct, protocol), &Scope::new(protocol));
    assert_passed(&outcomes, &draft.text);
}

#[test]
fn recorded_php_fpm_exchanges_pass_again() {
    let wanted = [
        "FS-01", "FS-02", "FS-03", "FS-28", "FS-53", "FS-54", "FS-72", "FS-90",
    ];
    round_trip(Kind::PhpFpm, Protocol::FastCgi, "php-fpm", &wanted);
}

#[test]
fn recorded_uwsgi_exchanges_pass_again() {
    let wanted = ["US-01", "US-02", "US-03", "US-04", "US-05", "US-06", "US-07"];
    round_trip(Kind::UwsgiUwsgi, Protocol::Uwsgi, "uwsgi", &wanted);
}

#[test]
fn recorded_scgi_exchanges_pass_again() {
    let wanted = ["SS-01", "SS-02", "SS-10", "SS-12", "SS-13"];
    round_trip(Kind::UwsgiScgi, Protocol::Scgi, "uwsgi", &wanted);
}
