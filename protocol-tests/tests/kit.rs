//! The kit's own files: every case, profile and expectation can be read, and fits the others.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::LazyLock;

use bridgehead_conform::capability::ALL;
use bridgehead_conform::content::Scope;
use bridgehead_conform::known::Known;
use bridgehead_conform::notation::{Action, Case, File, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;

/// The cases that there are. They are read once: it takes a while without optimization.
static SUITES: LazyLock<Vec<(Protocol, SideName, Vec<Case>)>> = LazyLock::new(|| {
    let files = embedded();
    let all = Protocol::ALL
        .into_iter()
        .flat_map(|protocol| [(protocol, SideName::Server), (protocol, SideName::Frontend)]);
    all.map(|(protocol, side)| {
        let suite = Suite::read(&files, protocol, side);
        let suite = suite.unwrap_or_else(|complaints| panic!("{}", complaints[0]));
        (protocol, side, suite.cases)
    })
    .collect()
});

fn in_directory(name: &str) -> Vec<File> {
    embedded()
        .into_iter()
        .filter(|file| file.path.starts_with(name))
        .collect()
}

fn cases(protocol: Protocol, side: SideName) -> &'static [Case] {
    let mut suites = SUITES.iter();
    &suites.find(|(p, s, _)| (*p, *s) == (protocol, side)).unwrap().2
}

#[test]
fn every_case_file_lies_where_its_protocol_and_side_are_named() {
    let files = in_directory("cases/");
    let known = |file: &File| {
        Protocol::ALL.iter().any(|protocol| {
            let sides = [SideName::Server, SideName::Frontend];
            sides.iter().any(|side| {
                file.path
                    .starts_with(&format!("cases/{protocol}/{}/", side.name()))
            })
        })
    };
    assert!(!files.is_empty());
    assert!(files.iter().all(known));
}

#[test]
fn the_catalogue_of_fastcgi_servers_is_complete() {
    let ids: BTreeSet<String> = cases(Protocol::FastCgi, SideName::Server)
        .iter()
        .map(|case| case.id.clone())
        .collect();
    let numbers = (1..=97).map(|number| format!("FS-{number:02}"));
    let php = (1..=9).map(|number| format!("FS-P{number}"));
    let missing: Vec<_> = numbers.chain(php).filter(|id| !ids.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_catalogues_of_uwsgi_and_scgi_servers_are_complete() {
    let ids = |protocol| -> BTreeSet<String> {
        cases(protocol, SideName::Server)
            .iter()
            .map(|case| case.id.clone())
            .collect()
    };
    let uwsgi: BTreeSet<_> = (1..=52).map(|number| format!("US-{number:02}")).collect();
    let scgi: BTreeSet<_> = (1..=14).map(|number| format!("SS-{number:02}")).collect();
    assert_eq!((ids(Protocol::Uwsgi), ids(Protocol::Scgi)), (uwsgi, scgi));
}

#[test]
fn the_catalogues_of_front_ends_for_fastcgi_and_uwsgi_are_complete() {
    for (protocol, prefix, count) in [(Protocol::FastCgi, "GC", 86), (Protocol::Uwsgi, "GU", 28)] {
        let cases = cases(protocol, SideName::Frontend);
        let missing: Vec<_> = (1..=count)
            .map(|number| format!("{prefix}-{number:02}"))
            .filter(|id| cases.iter().all(|case| case.id != *id))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn the_catalogues_of_http_and_of_variables_are_complete_with_every_protocol() {
    for protocol in [Protocol::FastCgi, Protocol::Uwsgi, Protocol::Scgi] {
        let cases = cases(protocol, SideName::Frontend);
        let missing: Vec<_> = (1..=30)
            .flat_map(|number| [format!("GH-{number:02}"), format!("EV-{number:02}")])
            .filter(|id| cases.iter().all(|case| case.id != *id))
            .collect();
        assert!(missing.is_empty(), "{protocol}: {missing:?}");
    }
}

#[test]
fn cases_about_applications_that_speak_http_are_played_with_those_alone() {
    let has = |protocol| {
        let cases = cases(protocol, SideName::Frontend);
        cases.iter().filter(|case| case.id.starts_with("GB-")).count()
    };
    let counts = Protocol::ALL.map(|protocol| (protocol, has(protocol)));
    assert!(
        counts
            .iter()
            .all(|(protocol, count)| (*count > 0) == (*protocol == Protocol::Http)),
        "{counts:?}"
    );
    let variables = cases(Protocol::Http, SideName::Frontend);
    assert!(variables.iter().all(|case| !case.id.starts_with("EV-")));
}

#[test]
fn every_server_case_can_be_coded_with_every_profile_that_fits() {
    for profile in in_directory("profiles/")
        .iter()
        .map(|file| Profile::read(file).unwrap())
    {
        for &(protocol, side, ref cases) in SUITES.iter() {
            if side == SideName::Server && profile.protocol.is_none_or(|only| only == protocol) {
                let set = ["script", "other", "program", "token", "case"]
                    .map(|name| (name.to_owned(), "x".to_owned()));
                let scope = profile.scope(protocol, &set);
                cases.iter().for_each(|case| code(case, &scope));
            }
        }
    }
}

#[test]
fn every_front_end_case_can_be_coded() {
    for &(protocol, side, ref cases) in SUITES.iter() {
        let names = [
            "base", "hasty", "kept", "small", "limited", "php", "named", "trusted", "host", "port", "token",
            "case",
        ];
        let scope = names
            .into_iter()
            .fold(Scope::new(protocol), |scope, name| scope.with(name, "x"));
        let ours = cases.iter().filter(|_| side == SideName::Frontend);
        ours.for_each(|case| code(case, &scope));
    }
}

fn code(case: &Case, scope: &Scope) {
    for variant in &case.variants {
        let bound = variant.binding.iter();
        let scope = bound.fold(scope.clone(), |scope, (name, value)| scope.with(name, value));
        for step in &variant.steps {
            if let Action::Send { content, .. } = &step.action {
                let units = content
                    .units(&scope)
                    .unwrap_or_else(|missing| panic!("{}: {missing}", case.id));
                assert_eq!(units.concat(), content.encode(&scope).unwrap(), "{}", case.id);
            }
        }
    }
}

#[test]
fn known_deviations_are_of_cases_that_exist() {
    let all = SUITES.iter().flat_map(|(_, _, cases)| cases);
    let ids: BTreeSet<_> = all.map(|case| case.id.clone()).collect();
    for file in in_directory("expectations/") {
        let known = Known::read(&file).unwrap_or_else(|complaint| panic!("{complaint}"));
        let strangers: Vec<_> = known.cases().filter(|id| !ids.contains(*id)).collect();
        assert!(strangers.is_empty(), "{}: {strangers:?}", file.path);
    }
}

#[test]
fn every_capability_is_declared_and_described() {
    let readme = include_str!("../README.md");
    let undescribed: Vec<_> = ALL
        .iter()
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .collect();
    assert!(undescribed.is_empty(), "{undescribed:?}");
    let needed = SUITES
        .iter()
        .flat_map(|(_, _, cases)| cases)
        .flat_map(|case| &case.needs);
    let profiles = in_directory("profiles/");
    let profiles: Vec<_> = profiles.iter().map(|file| Profile::read(file).unwrap()).collect();
    let provided = profiles.iter().flat_map(|profile| &profile.provides);
    let strangers: BTreeSet<_> = needed
        .chain(provided)
        .filter(|name| !ALL.contains(&name.as_str()))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn dangerous_variables_are_sent_by_name_only() {
    let dangerous = ["PHP_VALUE", "PHP_ADMIN_VALUE", "UWSGI_FILE", "UWSGI_SETENV"];
    for (_, side, cases) in SUITES.iter() {
        for case in cases
            .iter()
            .filter(|case| *side == SideName::Server && !case.by_name)
        {
            let text = format!("{:?}", case.variants);
            assert!(!dangerous.iter().any(|name| text.contains(name)), "{}", case.id);
        }
    }
}

#[test]
fn control_modifiers_are_sent_by_name_only() {
    let files = in_directory("profiles/generic.toml");
    let scope = Profile::read(&files[0]).unwrap().scope(Protocol::Uwsgi, &[]);
    let scope = ["token", "case", "program"]
        .iter()
        .fold(scope, |scope, name| scope.with(name, "x"));
    let usual = cases(Protocol::Uwsgi, SideName::Server)
        .iter()
        .filter(|case| !case.by_name);
    for case in usual {
        for variant in &case.variants {
            let bound = variant.binding.iter();
            let scope = bound.fold(scope.clone(), |scope, (name, value)| scope.with(name, value));
            for step in &variant.steps {
                if let Action::Send { content, .. } = &step.action {
                    let first = content.encode(&scope).unwrap().first().copied();
                    assert!(
                        !first.is_some_and(|first| CONTROL.contains(&first)),
                        "{}",
                        case.id
                    );
                }
            }
        }
    }
}

/// Modifiers of uWSGI that run code, reload, or go around the application.
const CONTROL: [u8; 7] = [17, 18, 22, 97, 98, 110, 173];

/// What other runners compare their coding with: `cases --bytes` for a dozen cases. After a change of one of them,
/// the program prints the file anew; its first line says how.
#[test]
fn vectors_are_what_the_program_prints() {
    for text in [
        include_str!("../vectors/fastcgi.txt"),
        include_str!("../vectors/uwsgi.txt"),
        include_str!("../vectors/scgi.txt"),
    ] {
        let (command, wanted) = text.split_once('\n').unwrap();
        let arguments = command.strip_prefix("# bridgehead-conform ").unwrap().split(' ');
        let output = Command::new(testbed::built("bridgehead-conform"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted, "{command}");
    }
}

#[test]
fn the_kit_knows_nothing_of_the_program_that_it_judges() {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
    assert!(!dependencies.contains("\nbridgehead ") && !dependencies.contains("path ="));
}
