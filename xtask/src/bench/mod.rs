//! `cargo xtask bench`: Bridgehead and nginx on the same work. `benches/README.md` says what the figures mean.

mod answer;
mod budget;
pub(crate) mod callgrind;
pub(crate) mod channel;
mod http2;
mod identity;
pub(crate) mod load;
mod machine;
mod measure;
mod memory;
mod nginx;
pub(crate) mod packages;
mod pairs;
#[cfg(test)]
mod peer;
mod report;
mod responder;
mod resting;
pub(crate) mod scenario;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod strace;
mod streams;
mod transfer;
mod usage;
mod valgrind;
pub(crate) mod work;

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::debian::{self, Consent};
use crate::step;

/// Measures every scenario, or those that the arguments name. A complete run with the usual number of requests is
/// written to `benches/RESULTS.md`.
///
/// # Errors
///
/// When a tool is missing, or a server does not answer as it should.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    let order = Order::parse(arguments)?;
    let count = names().filter(|name| order.wants(name)).count();
    ensure!(
        count > 0,
        "no scenario has such a name: {}",
        names().collect::<Vec<_>>().join(", ")
    );
    debian::ensure(&packages::all(), consent)?;
    testbed::allow_descriptors(DESCRIPTORS)?;
    step::named("dist build", || build("dist"))?;
    let outcome = Outcome::measure(&order)?;
    let tables = report::tables(&outcome);
    let verdicts = budget::verdicts(&outcome);
    println!("{verdicts}{tables}");
    if count == names().count() && order.requests >= REQUESTS {
        publish(&tables, &verdicts)?;
    }
    Ok(())
}

/// Builds Bridgehead with default features in a profile.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn build(profile: &str) -> Result<()> {
    let arguments = ["build", "--profile", profile, "--package", "bridgehead"];
    step::run(
        &mut step::cargo(&arguments),
        "mend what the compiler complains of",
    )
}

/// Everything that was measured.
#[derive(Debug, Default)]
struct Outcome {
    rows: Vec<measure::Row>,
    memory: Vec<memory::Row>,
    transfers: Vec<transfer::Row>,
}

impl Outcome {
    fn measure(order: &Order) -> Result<Self> {
        let rows = scenario::ALL.iter().filter(|scenario| order.wants(scenario.name));
        let memory = memory::ALL.iter().filter(|memory| order.wants(memory.name));
        let transfers = transfer::ALL.iter().filter(|transfer| order.wants(transfer.name));
        let requests = order.requests;
        Ok(Self {
            rows: rows
                .map(|scenario| step::named(scenario.name, || measure::row(scenario, requests)))
                .collect::<Result<_>>()?,
            memory: memory
                .map(|memory| step::named(memory.name, || memory::row(memory)))
                .collect::<Result<_>>()?,
            transfers: transfers
                .map(|transfer| step::named(transfer.name, || transfer::row(transfer, requests)))
                .collect::<Result<_>>()?,
        })
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Order {
    names: Vec<String>,
    /// Requests of each of the five passes in which CPU time is measured.
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

    /// Whether a scenario is wanted. The whole name of one means that one alone, anything else those that contain it.
    fn wants(&self, scenario: &str) -> bool {
        let is_named = |name: &String| match names().any(|known| known == name) {
            true => scenario == name,
            false => scenario.contains(name.as_str()),
        };
        self.names.is_empty() || self.names.iter().any(is_named)
    }
}

/// Every name that a scenario has.
fn names() -> impl Iterator<Item = &'static str> {
    let rows = scenario::ALL.iter().map(|scenario| scenario.name);
    let memory = memory::ALL.iter().map(|memory| memory.name);
    let transfers = transfer::ALL.iter().map(|transfer| transfer.name);
    rows.chain(memory).chain(transfers)
}

fn publish(tables: &str, verdicts: &str) -> Result<()> {
    let file = testbed::workspace().join("benches/RESULTS.md");
    let text = report::page(&machine::describe()?, tables, verdicts);
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

const REQUESTS: usize = 20_000; // the kernel counts CPU time in 10 ms: 1 % of what these cost
const DESCRIPTORS: u64 = 12_288; // 5,000 idle connections; Bridgehead reckons with two files for each

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
        assert!(order.wants("fixed"));
    }

    #[test]
    fn a_whole_name_means_one_scenario_and_a_part_all_that_contain_it() {
        let wanted = |line| {
            let order = parse(line).unwrap();
            names().filter(|name| order.wants(name)).collect::<Vec<_>>()
        };
        assert_eq!(wanted("fixed"), ["fixed"]);
        assert_eq!(
            wanted("fixed-"),
            ["fixed-fields", "fixed-combined", "fixed-json", "fixed-template"]
        );
        assert_eq!(wanted("memory large-h").len(), 10);
        assert_eq!(wanted("nothing"), Vec::<&str>::new());
        assert_eq!(wanted("").len(), names().count());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(parse("--requests").is_err());
        assert!(parse("--requests many").is_err());
        assert!(parse("--request 5").is_err());
    }
}
