//! Cases out of recorded exchanges, played against the same servers.

use std::time::Duration;

use bridgehead_conform::capture;
use bridgehead_conform::content::Scope;
use bridgehead_conform::draft::{Bodies, Collector, Draft, Recorded, Wish};
use bridgehead_conform::known::Known;
use bridgehead_conform::notation::{Case, File, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::run::{Outcome, Plan, run};
use bridgehead_conform::side::{Server, Side};
use testbed::{Backend, Kind, Options};

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

/// A server with what the kit knows about it.
struct Target {
    protocol: Protocol,
    profile: Profile,
    scope: Scope,
    backend: Backend,
}

impl Target {
    fn start(kind: Kind, protocol: Protocol, profile: &str) -> Self {
        let options = Options {
            workers: 9,
            ..Options::default()
        };
        let profile = Profile::read(&kit_file(&format!("profiles/{profile}.toml"))).unwrap();
        let script = testbed::script(kind).display().to_string();
        Self {
            protocol,
            scope: profile.scope(protocol, &[("script".to_owned(), script)]),
            profile,
            backend: kind.start(&options).unwrap(),
        }
    }

    /// Plays cases of the kit through a relay, which must change nothing; gives the trace.
    fn play_through(&self, wanted: impl Fn(&Case) -> bool) -> String {
        let suite = Suite::read(&embedded(), self.protocol, SideName::Server).unwrap();
        let cases: Vec<_> = suite.cases.into_iter().filter(wanted).collect();
        let relay = Running::unix(&self.backend.address(), self.protocol);
        let side = Server::new(relay.address.clone(), self.protocol);
        let known = &self.profile.expectations[0];
        let plan = Plan {
            provides: self.profile.provides.clone(),
            known: Known::read(&kit_file(&format!("expectations/{known}.toml"))).unwrap(),
            ..plan()
        };
        let outcomes = run(&cases, &side, &self.scope, &plan, |_| {});
        assert_passed(&outcomes, "");
        let fixed = outcomes.iter().find(|outcome| outcome.is_fixed());
        assert!(fixed.is_none(), "{fixed:?}");
        relay.text()
    }

    /// Makes cases out of what was recorded of some, and plays them directly.
    fn round_trip(&self, wanted: &[&str]) {
        let trace = self.play_through(|case| wanted.contains(&case.id.as_str()));
        let draft = Draft::new(&recorded(&trace), wish(SideName::Server)).unwrap();
        assert!(draft.count >= wanted.len(), "{}", draft.text);
        let drafted = cases(&draft, self.protocol, SideName::Server);
        let direct = Server::new(self.backend.address().parse().unwrap(), self.protocol);
        assert_passed(&play(&drafted, &direct, &Scope::new(self.protocol)), &draft.text);
    }
}

#[test]
fn php_fpm_behind_the_relay_is_as_it_is_known_without() {
    let target = Target::start(Kind::PhpFpm, Protocol::FastCgi, "php-fpm");
    // A connection for every offset of a request takes its time.
    target.play_through(|case| case.id != "FS-04");
}

#[test]
fn recorded_php_fpm_exchanges_pass_again() {
    let wanted = [
        "FS-01", "FS-02", "FS-03", "FS-28", "FS-53", "FS-54", "FS-72", "FS-90",
    ];
    Target::start(Kind::PhpFpm, Protocol::FastCgi, "php-fpm").round_trip(&wanted);
}

#[test]
fn recorded_uwsgi_exchanges_pass_again() {
    let wanted = ["US-01", "US-02", "US-03", "US-04", "US-05", "US-06", "US-07"];
    Target::start(Kind::UwsgiUwsgi, Protocol::Uwsgi, "uwsgi").round_trip(&wanted);
}

#[test]
fn recorded_scgi_exchanges_pass_again() {
    // Not SS-12, byte by byte: what uWSGI answers when a read ends right before the comma is chance.
    let wanted = ["SS-01", "SS-02", "SS-10", "SS-13"];
    Target::start(Kind::UwsgiScgi, Protocol::Scgi, "uwsgi").round_trip(&wanted);
}
