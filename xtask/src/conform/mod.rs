//! `cargo xtask conform`: the conformance kit against real servers and front ends, each started for it.

mod column;
mod frontend;
mod instance;
mod kit;
mod lane;
mod packages;
mod report;
mod server;
mod setting;
mod store;
mod version;

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use bridgehead_conform::report::{Results, Subject};
use bridgehead_conform::run::Outcome;

use crate::debian::{self, Consent};
use column::Column;
use kit::Kit;

/// Plays the kit against the columns whose names contain one of the names; against all when there are none.
///
/// # Errors
///
/// When something cannot be started, and when a result is neither a pass nor known.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    let order = Order::parse(arguments)?;
    let columns: Vec<_> = column::ALL.iter().filter(|column| order.wants(column)).collect();
    ensure!(
        !columns.is_empty(),
        "nothing has such a name; there are: {}",
        column::names()
    );
    debian::ensure(&packages::all(), consent)?;
    frontend::bridgehead::build()?;
    testbed::allow_descriptors(DESCRIPTORS)?;
    let kit = Kit::read()?;
    let mut surprises = 0;
    for column in columns {
        surprises += play(&kit, column, false)?;
        if order.intrusive && column.has_intrusive_cases() {
            surprises += play(&kit, column, true)?;
        }
    }
    if order.write {
        report::write()?;
    }
    ensure!(surprises == 0, "{surprises} results are neither passes nor known");
    Ok(())
}

/// Plays one column, stores it, and says what it found; gives the number of surprises.
fn play(kit: &Kit, column: &Column, intrusive: bool) -> Result<usize> {
    let round = if intrusive { ", intrusive cases" } else { "" };
    eprintln!("== {}{round}", column.name);
    let start = Instant::now();
    let results = Results {
        subject: Subject {
            protocol: column.protocol.to_string(),
            side: column.side().name().to_owned(),
            target: column.name.to_owned(),
            name: column.title()?,
        },
        outcomes: lane::play(kit, column, intrusive)?,
        took: start.elapsed(),
    };
    for outcome in &results.outcomes {
        show(outcome);
    }
    let words = ["pass", "known", "fixed", "fail", "hang", "crash", "error", "skip"];
    let counts = words.map(|word| (word, results.count(word)));
    let counts: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).collect();
    let counts: Vec<_> = counts
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let seconds = results.took.as_secs_f64();
    eprintln!(
        "== {}{round}: {} in {seconds:.1} s",
        column.name,
        counts.join(", ")
    );
    store::save(column, intrusive, &results)?;
    Ok(results
        .outcomes
        .iter()
        .filter(|outcome| outcome.is_failure())
        .count())
}

/// What nobody expected.
fn show(outcome: &Outcome) {
    if outcome.is_failure() || outcome.is_fixed() {
        let Outcome {
            id,
            verdict,
            observed,
            ..
        } = outcome;
        eprintln!("{:5} {id}: {} ({observed})", outcome.word(), verdict.detail());
    }
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Order {
    names: Vec<String>,
    intrusive: bool,
    write: bool,
}

impl Order {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut order = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--intrusive" => order.intrusive = true,
                "--write" => order.write = true,
                option if option.starts_with('-') => {
                    bail!("usage: cargo xtask conform [NAME...] [--intrusive] [--write]")
                }
                name => order.names.push(name.to_owned()),
            }
        }
        Ok(order)
    }

    fn wants(&self, column: &Column) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| column.name.contains(name.as_str()))
    }
}

const DESCRIPTORS: u64 = 8192; // a dozen servers, and cases that open many connections

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_options_may_come_in_any_order() {
        let words = ["nginx", "--write", "caddy"].map(str::to_owned);
        let order = Order::parse(&words).unwrap();
        assert_eq!(
            (order.names.len(), order.write, order.intrusive),
            (2, true, false)
        );
        assert!(Order::parse(&["--quick".to_owned()]).is_err());
    }
}
