//! The budgets of the design, and whether they are kept.

use super::measure::{Figures, Row};

/// Lines of a Markdown table: every budget with what was measured.
pub(crate) fn verdicts(rows: &[Row]) -> String {
    let mut table = "| scenario | figure | measured | budget | |\n|---|---|---:|---:|---|\n".to_owned();
    for budget in &ALL {
        let Some(row) = rows.iter().find(|row| row.name == budget.scenario) else {
            continue;
        };
        let measured = (budget.figure)(row);
        let verdict = if measured <= budget.most {
            "kept"
        } else {
            "**missed**"
        };
        let decimals = if budget.most < 100.0 { 2 } else { 0 };
        table.push_str(&format!(
            "| {} | {} | {measured:.decimals$} | {:.decimals$} | {verdict} |\n",
            budget.scenario, budget.name, budget.most
        ));
    }
    table
}

struct Budget {
    scenario: &'static str,
    name: &'static str,
    figure: fn(&Row) -> f64,
    most: f64,
}

const ALL: [Budget; 8] = [
    Budget {
        scenario: "fastcgi-keep",
        name: CALLS,
        figure: |row| row.bridgehead.calls.io(),
        most: 4.1,
    },
    instructions("fastcgi-keep", 16_000.0),
    instructions("uwsgi-close", 17_000.0),
    instructions("http-keep", 14_000.0),
    instructions("fixed", 5_500.0),
    ratio("fastcgi-keep"),
    ratio("fixed"),
    Budget {
        scenario: "fixed",
        name: "bytes per idle connection",
        figure: |row| row.bridgehead.idle,
        most: 2048.0,
    },
];

const CALLS: &str = "I/O system calls per request";

const fn instructions(scenario: &'static str, most: f64) -> Budget {
    Budget {
        scenario,
        name: "instructions per request",
        figure: |row| row.bridgehead.instructions,
        most,
    }
}

const fn ratio(scenario: &'static str) -> Budget {
    Budget {
        scenario,
        name: "CPU time, ratio to nginx",
        figure: cpu_ratio,
        most: 0.7,
    }
}

/// Bridgehead's CPU time as a part of nginx's.
pub(crate) fn cpu_ratio(row: &Row) -> f64 {
    let Figures { cpu, .. } = row.bridgehead;
    cpu / row.nginx.cpu
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_budget_is_said_to_be_missed() {
        let slow = Figures {
            instructions: 5_501.0,
            cpu: 1.0,
            ..Figures::default()
        };
        let row = Row {
            name: "fixed",
            bridgehead: slow.clone(),
            nginx: slow,
        };
        let table = verdicts(&[row]);
        assert!(table.contains("| fixed | instructions per request | 5501 | 5500 | **missed** |"));
        assert!(table.contains("| fixed | bytes per idle connection | 0 | 2048 | kept |"));
        assert!(!table.contains("uwsgi"));
    }
}
