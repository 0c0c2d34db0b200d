//! The budgets of the design, and whether they are kept.

use super::Outcome;
use super::measure::{Figures, Row};

/// Lines of a Markdown table: every budget with what was measured. Those of scenarios that were left out are left out.
pub(crate) fn verdicts(outcome: &Outcome) -> String {
    let mut table = "| scenario | figure | measured | budget | |\n|---|---|---:|---:|---|\n".to_owned();
    for Budget {
        scenario,
        figure,
        most,
    } in &ALL
    {
        let Some(measured) = figure.measured(scenario, outcome) else {
            continue;
        };
        let verdict = match measured <= *most {
            true => "kept",
            false => "**missed**",
        };
        let decimals = if *most < 100.0 { 2 } else { 0 };
        table.push_str(&format!(
            "| {scenario} | {} | {measured:.decimals$} | {most:.decimals$} | {verdict} |\n",
            figure.title()
        ));
    }
    table
}

struct Budget {
    scenario: &'static str,
    figure: Figure,
    most: f64,
}

/// A figure of Bridgehead in a scenario.
#[derive(Clone, Copy)]
enum Figure {
    Calls,
    Instructions,
    /// Instructions above those of another scenario.
    More(&'static str),
    /// CPU time of small requests.
    Ratio,
    /// Of each client.
    Memory,
    /// Of the server, after its clients.
    Left,
    /// CPU time of large bodies.
    Transfer,
}

impl Figure {
    fn title(self) -> String {
        match self {
            Self::Calls => "I/O system calls per request".to_owned(),
            Self::Instructions => "instructions per request".to_owned(),
            Self::More(other) => format!("instructions per request more than {other}"),
            Self::Ratio | Self::Transfer => "CPU time, ratio to nginx".to_owned(),
            Self::Memory => "KiB per client".to_owned(),
            Self::Left => "MiB after the clients".to_owned(),
        }
    }

    fn measured(self, scenario: &str, outcome: &Outcome) -> Option<f64> {
        let row = |name: &str| outcome.rows.iter().find(|row| row.name == name);
        let ours = |name: &str| row(name).map(|Row { bridgehead, .. }| bridgehead);
        let instructions = |name: &str| ours(name).map(|Figures { instructions, .. }| *instructions);
        match self {
            Self::Calls => ours(scenario).map(|figures| figures.calls.io()),
            Self::Instructions => instructions(scenario),
            Self::More(other) => Some(instructions(scenario)? - instructions(other)?),
            Self::Ratio => row(scenario).map(|row| row.cpu.ratio),
            Self::Memory | Self::Left => {
                let mut memory = outcome.memory.iter();
                memory.find(|row| row.name == scenario).map(|row| row.bridgehead)
            }
            Self::Transfer => {
                let mut transfers = outcome.transfers.iter();
                transfers
                    .find(|row| row.name == scenario)
                    .map(|row| row.cpu.ratio)
            }
        }
    }
}

const ALL: [Budget; 42] = [
    budget("fixed", Figure::Instructions, 5_500.0),
    budget("fastcgi-keep", Figure::Instructions, 14_500.0),
    budget("fastcgi-close", Figure::Instructions, 18_000.0),
    budget("uwsgi-close", Figure::Instructions, 18_000.0),
    budget("http-keep", Figure::Instructions, 15_000.0),
    budget("fixed-combined", Figure::More("fixed-fields"), 2_500.0),
    budget("fixed-json", Figure::More("fixed-fields"), 3_500.0),
    budget("fixed-template", Figure::More("fixed-fields"), 2_500.0),
    budget("fastcgi-combined", Figure::More("fastcgi-fields"), 2_500.0),
    budget("fastcgi-json", Figure::More("fastcgi-fields"), 3_500.0),
    budget("fixed", Figure::Ratio, 1.0),
    budget("fastcgi-keep", Figure::Ratio, 0.80),
    budget("fastcgi-close", Figure::Ratio, 0.85),
    budget("uwsgi-close", Figure::Ratio, 0.85),
    budget("http-keep", Figure::Ratio, 0.95),
    budget("file-hot", Figure::Ratio, 0.9),
    budget("file-100k", Figure::Ratio, 1.0),
    budget("file-rate", Figure::Ratio, 1.0),
    budget("file-auth", Figure::Ratio, 0.2),
    budget("http-gzip", Figure::Ratio, 1.0),
    budget("tls-keep", Figure::Ratio, 1.0),
    budget("tls-full", Figure::Ratio, 1.0),
    budget("tls-resumed", Figure::Ratio, 1.0),
    budget("tls-large", Figure::Ratio, 1.0),
    budget("h2-streams", Figure::Ratio, 1.0),
    budget("h2-tls", Figure::Ratio, 1.0),
    budget("fixed", Figure::Calls, 2.1),
    budget("fastcgi-keep", Figure::Calls, 4.1),
    budget("http-keep", Figure::Calls, 4.1),
    budget("memory-silent", Figure::Memory, 1.5),
    budget("memory-asked", Figure::Memory, 1.5),
    budget("memory-upload", Figure::Memory, 1.5),
    budget("memory-h2", Figure::Memory, 12.0),
    budget("memory-tls", Figure::Memory, 12.0),
    budget("memory-gzip", Figure::Memory, 64.0),
    budget("memory-slow", Figure::Memory, 64.0),
    budget("memory-left", Figure::Left, 40.0),
    budget("large-file", Figure::Transfer, 1.0),
    budget("large-fastcgi", Figure::Transfer, 1.0),
    budget("large-http", Figure::Transfer, 1.0),
    budget("upload-fastcgi", Figure::Transfer, 1.0),
    budget("upload-http", Figure::Transfer, 1.0),
];

const fn budget(scenario: &'static str, figure: Figure, most: f64) -> Budget {
    Budget {
        scenario,
        figure,
        most,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{memory, scenario, transfer};
    use super::*;

    fn row(name: &'static str, instructions: f64) -> Row {
        let bridgehead = Figures {
            instructions,
            ..Figures::default()
        };
        Row {
            name,
            bridgehead,
            ..Row::default()
        }
    }

    #[test]
    fn a_missed_budget_is_said_to_be_missed() {
        let outcome = Outcome {
            rows: vec![row("fixed", 5_501.0)],
            ..Outcome::default()
        };
        let table = verdicts(&outcome);
        assert!(table.contains("| fixed | instructions per request | 5501 | 5500 | **missed** |"));
        assert!(table.contains("| fixed | CPU time, ratio to nginx | 0.00 | 1.00 | kept |"));
        assert!(!table.contains("uwsgi"));
    }

    #[test]
    fn the_log_is_judged_by_the_difference_that_it_makes() {
        let outcome = Outcome {
            rows: vec![row("fixed-fields", 9_000.0), row("fixed-json", 12_500.0)],
            ..Outcome::default()
        };
        let table = verdicts(&outcome);
        assert!(table.contains(
            "| fixed-json | instructions per request more than fixed-fields | 3500 | 3500 | kept |"
        ));
        assert!(!table.contains("fixed-combined"));
    }

    #[test]
    fn memory_and_transfers_have_verdicts() {
        let outcome = Outcome {
            rows: Vec::new(),
            memory: vec![memory::Row {
                name: "memory-h2",
                bridgehead: 12.5,
                ..memory::Row::default()
            }],
            transfers: vec![transfer::Row {
                name: "large-file",
                ..transfer::Row::default()
            }],
        };
        let table = verdicts(&outcome);
        assert!(table.contains("| memory-h2 | KiB per client | 12.50 | 12.00 | **missed** |"));
        assert!(table.contains("| large-file | CPU time, ratio to nginx | 0.00 | 1.00 | kept |"));
    }

    #[test]
    fn every_budget_is_that_of_a_scenario() {
        let rows = scenario::ALL.iter().map(|scenario| scenario.name);
        let memory = memory::ALL.iter().map(|memory| memory.name);
        let transfers = transfer::ALL.iter().map(|transfer| transfer.name);
        let outcome = Outcome {
            rows: rows.map(|name| row(name, 0.0)).collect(),
            memory: memory
                .map(|name| memory::Row {
                    name,
                    ..memory::Row::default()
                })
                .collect(),
            transfers: transfers
                .map(|name| transfer::Row {
                    name,
                    ..transfer::Row::default()
                })
                .collect(),
        };
        assert_eq!(verdicts(&outcome).lines().count(), 2 + ALL.len());
    }
}
