//! `cargo xtask fresh`: the commands of README.md on a machine that has nothing but git, a C compiler and Rust. The
//! machine is a minimal Debian root with an empty home; the network leads to the registries.

mod machine;
mod root;
mod visit;

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use testbed::{Package, package};

use crate::debian::{self, Consent};
use crate::step;
use machine::Machine;
use root::Root;
use visit::{User, Visit};

/// Runs every visit, or those whose names (`root/demo`, `root/test`, `user/demo`, `user/test`) contain one of the
/// arguments. `--nextest` puts cargo-nextest on the machine. The ordinary user's tests find the packages that those of
/// root have installed.
///
/// # Errors
///
/// When a command of README.md fails, or leaves something behind.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|word| word.starts_with("--"));
    let has_nextest = match options.as_slice() {
        [] => false,
        [option] if *option == "--nextest" => true,
        _ => bail!("usage: cargo xtask fresh [NAME...] [--nextest]"),
    };
    ensure!(
        testbed::is_root(),
        "only root can enter another root; run it as root"
    );
    debian::ensure(&PACKAGES, consent)?;
    let machine = Machine::find(has_nextest)?;
    eprintln!("== Rust: {}", machine.rust);
    let place = testbed::target_dir().join("fresh");
    fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
    let _only = lock(&place)?;
    step::named("minimal root", || root::prepare(&place))?;
    let root = Root::unpack(&place)?;
    machine.furnish(root.path())?;
    let is_wanted = |visit: &str| names.is_empty() || names.iter().any(|name| visit.contains(name.as_str()));
    let mut failures = Vec::new();
    for user in [User::Root, User::Visitor] {
        let wanted: Vec<_> = user.visits().into_iter().filter(|name| is_wanted(name)).collect();
        if wanted.is_empty() {
            continue;
        }
        let visits = Visit::of(user, &machine, &root, &place)?;
        for visit in visits.iter().filter(|visit| wanted.contains(&visit.name())) {
            let start = Instant::now();
            let outcome = visit.make();
            report(visit, start, outcome, &mut failures);
        }
    }
    drop(root);
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

fn report(visit: &Visit<'_>, start: Instant, outcome: Result<String>, failures: &mut Vec<String>) {
    println!("== {}: {}", visit.name(), visit.command());
    println!("{}", visit.last_lines());
    let seconds = start.elapsed().as_secs_f64();
    match outcome {
        Ok(note) => println!("== {}: passed in {seconds:.0} s{note}", visit.name()),
        Err(error) => {
            println!("== {}: failed after {seconds:.0} s: {error:#}", visit.name());
            failures.push(format!("{}: see {}", visit.name(), visit.log().display()));
        }
    }
}

/// Two of these would unpack to the same place.
fn lock(place: &Path) -> Result<File> {
    let file = File::create(place.join("lock")).context("cannot make a lock file")?;
    file.try_lock()
        .context("another `cargo xtask fresh` is under way")?;
    Ok(file)
}

const PACKAGES: [Package; 3] = [
    package("debootstrap", "/usr/sbin/debootstrap", "makes the minimal root"),
    package("git", "/usr/bin/git", "clones the repository"),
    package("curl", "/usr/bin/curl", "fetches the first page"),
];
