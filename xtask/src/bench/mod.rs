//! `cargo xtask bench`: Bridgehead and nginx on the same work. `benches/README.md` says what the figures mean.

mod budget;
mod callgrind;
mod load;
mod machine;
mod measure;
mod nginx;
mod packages;
mod report;
mod responder;
mod scenario;
mod server;
mod strace;
mod usage;
mod work;

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::debian::{self, Consent};
use crate::step;
use measure::Row;
use scenario::Scenario;

/// Measures every scenario, or those whose names contain one of the arguments. A complete run with the usual number
/// of requests is written to `benches/RESULTS.md`.
///
/// # Errors
///
/// When a tool is missing, or a server does not answer as it should.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    let order = Order::parse(arguments)?;
    let scenarios: Vec<&Scenario> = scenario::ALL
        .iter()
        .filter(|scenario| order.wants(scenario))
        .collect();
    ensure!(!scenarios.is_empty(), "no scenario has such a name: {}", names());
    debian::ensure(&packages::all(), consent)?;
    testbed::allow_descriptors(DESCRIPTORS)?;
    step::named("dist build", || {
        let arguments = ["build", "--profile", "dist", "--package", "bridgehead"];
        step::run(
            &mut step::cargo(&arguments),
            "mend what the compiler complains of",
        )
    })?;
    let mut rows = Vec::new();
    for scenario in &scenarios {
        step::named(scenario.name, || {
            rows.push(measure::row(scenario, order.requests)?);
            Ok(())
        })?;
    }
    let tables = report::tables(&rows);
    println!("{tables}");
    if scenarios.len() == scenario::ALL.len() && order.requests >= REQUESTS {
        publish(&rows, &tables)?;
    }
    Ok(())
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Order {
    names: Vec<String>,
    /// Requests of each of the four passes in which CPU time is measured.
    requests: usize,
}

impl Order {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut order = Self {
            names: Vec::new(),
            requests: REQUESTS,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--requests" => {
                    let number = arguments.next().context("--requests needs a number")?;
                    order.requests = number.parse().context("--requests needs a number")?;
                    ensure!(order.requests > 0, "--requests needs a number above 0");
                }
                option if option.starts_with('-') => {
                    bail!("usage: cargo xtask bench [NAME...] [--requests N]")
                }
                name => order.names.push(name.to_owned()),
            }
        }
        Ok(order)
    }

    fn wants(&self, scenario: &Scenario) -> bool {
        self.names.is_empty()
            || self
                .names
                .iter()
                .any(|name| scenario.name.contains(name.as_str()))
    }
}

fn names() -> String {
    scenario::ALL.map(|scenario| scenario.name).join(", ")
}

fn publish(rows: &[Row], tables: &str) -> Result<()> {
    let file = testbed::workspace().join("benches/RESULTS.md");
    let text = report::page(&machine::describe()?, tables, &budget::verdicts(rows));
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

const REQUESTS: usize = 20_000; // the kernel counts CPU time in 10 ms: 1 % of what these cost
const DESCRIPTORS: u64 = 8192; // 2,000 idle connections and room for everything else

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order> {
        Order::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn names_and_requests_come_in_any_order() {
        let order = parse("fixed --requests 500 uwsgi").unwrap();
        assert_eq!((order.names.len(), order.requests), (2, 500));
        assert!(order.wants(&scenario::ALL[0]));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(parse("--requests").is_err());
        assert!(parse("--requests many").is_err());
        assert!(parse("--request 5").is_err());
    }
}
