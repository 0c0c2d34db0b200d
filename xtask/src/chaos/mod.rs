//! `cargo xtask chaos`: real servers, a constant load, and faults while it runs; see `benches/CHAOS.md`.

mod answer;
mod case;
mod client;
mod comparison;
mod configuration;
mod content;
mod damage;
mod fault;
mod flooding;
mod goaway;
mod http2;
mod identity;
mod layout;
mod ledger;
mod link;
mod load;
mod order;
mod pace;
mod relay;
mod report;
mod request;
mod sample;
mod scripted;
mod site;
mod slow;
mod stalled;
mod tally;
mod trial;
mod verdict;

use std::fs;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use testbed::Kind;

use crate::debian::{self, Consent};
use case::Case;
use order::Order;
use trial::{Extent, Row};

/// Runs the cases that are asked for and prints a line for each.
///
/// # Errors
///
/// When something cannot be started, or when a demand is not met.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    let order = Order::parse(arguments)?;
    debian::ensure(&testbed::PACKAGES, consent)?;
    conclude(carry_out(&order)?, &order)
}

/// Every case for ten seconds, on the debug build that the tests use anyway; gives how many have met their demands, and
/// the names of the others.
///
/// # Errors
///
/// When nothing can be run.
pub(crate) fn short() -> Result<(usize, Vec<String>)> {
    let trials = carry_out(&Order::short())?;
    let count = trials.len();
    let failed = trials.into_iter().filter(|trial| !trial.is_met());
    let failed: Vec<_> = failed.map(|trial| trial.name).collect();
    Ok((count - failed.len(), failed))
}

/// The command that plays a case of [`short`] alone.
pub(crate) fn again(name: &str) -> String {
    let Extent { seconds, rate } = Order::short().extent;
    format!("cargo xtask chaos {name} --seconds {seconds} --rate {rate} --debug")
}

/// A case that was played, or could not be.
struct Trial {
    name: String,
    row: Result<Row>,
}

impl Trial {
    fn is_met(&self) -> bool {
        self.row.as_ref().is_ok_and(|row| row.violations.is_empty())
    }
}

fn carry_out(order: &Order) -> Result<Vec<Trial>> {
    let runs: Vec<(Kind, Vec<Case>)> = KINDS.iter().map(|kind| (*kind, order.cases(*kind))).collect();
    ensure!(
        runs.iter().any(|(_, cases)| !cases.is_empty()),
        "no case has such a name: {}",
        case::ALL.map(|case| case.name).join(", ")
    );
    testbed::allow_descriptors(DESCRIPTORS)?;
    testbed::ensure_venv()?;
    let program = site::build(order.is_release)?;
    let machine = RwLock::new(());
    print!("{}", report::HEAD);
    if order.together {
        return together(&runs, &program, order, &machine);
    }
    let trials = runs
        .iter()
        .map(|(kind, cases)| lane(*kind, cases, &program, order, &machine));
    Ok(trials.flatten().collect())
}

/// One lane for each server.
fn together(
    runs: &[(Kind, Vec<Case>)],
    program: &Path,
    order: &Order,
    machine: &RwLock<()>,
) -> Result<Vec<Trial>> {
    thread::scope(|scope| {
        let lanes: Vec<_> = runs
            .iter()
            .map(|(kind, cases)| scope.spawn(|| lane(*kind, cases, program, order, machine)))
            .collect();
        let lanes = lanes
            .into_iter()
            .map(|lane| lane.join().map_err(|_| anyhow!("a lane panicked")));
        Ok(lanes.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    })
}

/// One case after the other. What cannot be run fails the task, but only in the end.
fn lane(kind: Kind, cases: &[Case], program: &Path, order: &Order, machine: &RwLock<()>) -> Vec<Trial> {
    let run = |case: &Case| {
        let _alone = case
            .alone
            .then(|| machine.write().unwrap_or_else(PoisonError::into_inner));
        let _shared = (!case.alone).then(|| machine.read().unwrap_or_else(PoisonError::into_inner));
        let name = format!("{kind}/{}", case.name);
        let row = trial::run(case, kind, program, order.extent);
        match &row {
            Ok(row) => {
                print!("{}", report::line(row));
                eprint!("{}", report::notes(row));
            }
            Err(error) => eprintln!("{name}: {error:#}"),
        }
        Trial { name, row }
    };
    cases.iter().map(run).collect()
}

fn conclude(trials: Vec<Trial>, order: &Order) -> Result<()> {
    let count = trials.len();
    let rows: Vec<Row> = trials.into_iter().filter_map(|trial| trial.row.ok()).collect();
    let failed = count - rows.len();
    if order.write {
        ensure!(failed == 0, "{failed} cases could not be run, see above");
        let file = testbed::workspace().join("benches/CHAOS.md");
        fs::write(&file, report::page(order.extent, &rows))
            .with_context(|| format!("cannot write {}", file.display()))?;
        eprintln!("written: {}", file.display());
    }
    let broken = rows.iter().filter(|row| !row.violations.is_empty()).count();
    ensure!(
        failed + broken == 0,
        "{broken} of {count} cases do not meet their demands, {failed} could not be run; see above"
    );
    eprintln!("every demand is met in {count} cases");
    Ok(())
}

const KINDS: [Kind; 3] = [Kind::PhpFpm, Kind::UwsgiUwsgi, Kind::GunicornHttp];
const DESCRIPTORS: u64 = 16_384; // a flood in each of three lanes, both ends of it, and room
