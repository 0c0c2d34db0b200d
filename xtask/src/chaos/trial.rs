//! One case on one server, from start to verdict.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use testbed::Kind;

use super::case::Case;
use super::comparison::Comparison;
use super::layout::Layout;
use super::ledger::Ledger;
use super::load::{HALF, Load, Plan};
use super::pace::Pace;
use super::sample::{Outcome, Sample};
use super::site::Site;
use super::tally::Tally;
use super::verdict;

/// How much of a load, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Seconds of each case.
    pub(crate) seconds: u32,
    /// Requests a second.
    pub(crate) rate: u32,
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// The case.
    pub(crate) case: &'static str,
    /// The server.
    pub(crate) kind: Kind,
    /// Its figures.
    pub(crate) tally: Tally,
    /// What the fault may have broken.
    pub(crate) interrupted: usize,
    /// What it may have left without an answer.
    pub(crate) unanswered: usize,
    /// Demands that were not met.
    pub(crate) violations: Vec<String>,
    /// What else is worth a line each.
    pub(crate) notes: Vec<String>,
}

/// Runs one case.
///
/// # Errors
///
/// When servers or gateway do not start, or the fault cannot be made.
pub(crate) fn run(case: &Case, kind: Kind, program: &Path, extent: Extent) -> Result<Row> {
    let extent = extent.times(case.times);
    let mut site = Site::start(kind, case.layout, program)?;
    let load = Load::start(site.target()?, extent.plan(case.layout));
    let pace = Pace::new(Duration::from_secs(extent.seconds.into()), load.progress());
    let damage = (case.fault)(&mut site, &pace);
    let samples = load.finish()?;
    let damage = damage.with_context(|| format!("{kind}/{}\n{}", case.name, site.errors()))?;
    let tally = Tally::of(&samples, &damage.samples, &Ledger::read(&site.ledger())?);
    let violations = verdict::violations(&tally, &damage, &samples);
    if !violations.is_empty() {
        explain(samples.iter().chain(&damage.samples), &pace);
        eprintln!("the gateway's log:\n{}", site.errors());
    }
    Ok(Row {
        case: case.name,
        kind,
        interrupted: damage.interrupted,
        unanswered: damage.unanswered,
        notes: damage
            .phases
            .iter()
            .map(|phases| Comparison::of(phases, &samples).to_string())
            .collect(),
        tally,
        violations,
    })
}

impl Extent {
    /// So many times as long, unless it is a short one.
    fn times(self, times: u32) -> Self {
        match self.seconds < LONG {
            true => self,
            false => Self {
                seconds: self.seconds * times,
                ..self
            },
        }
    }

    fn plan(self, layout: Layout) -> Plan {
        Plan {
            run: "load".to_owned(),
            count: (self.seconds * self.rate) as usize,
            interval: Duration::from_secs(1) / self.rate,
            long: layout.long,
            fresh: if layout.secured { SELDOM } else { HALF },
        }
    }
}

/// The first requests that went wrong, with their times.
fn explain<'a>(samples: impl Iterator<Item = &'a Sample>, pace: &Pace) {
    let start = pace.at(0.0);
    let unwelcome = samples.filter(|sample| sample.outcome != Outcome::Right);
    let mut unwelcome: Vec<&Sample> = unwelcome.collect();
    unwelcome.sort_unstable_by_key(|sample| sample.due);
    for sample in unwelcome.iter().take(EXPLAINED) {
        let method = if sample.posts { "POST" } else { "GET" };
        let due = sample.due.saturating_duration_since(start).as_secs_f64();
        let took = sample.latency.as_secs_f64();
        eprintln!(
            "{method} {} at {due:.2} s took {took:.2} s: {:?}",
            sample.id, sample.outcome
        );
    }
}

const EXPLAINED: usize = 12; // requests
const LONG: u32 = 30; // seconds
const SELDOM: u64 = 16; // with TLS; a handshake of the debug build takes milliseconds on both sides
