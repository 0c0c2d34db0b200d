//! The figures as Markdown.

use super::Outcome;
use super::identity::AGREED;
use super::measure::{Figures, Row};
use super::{memory, transfer};

/// Tables of what was measured.
pub(crate) fn tables(outcome: &Outcome) -> String {
    let mut text = String::new();
    if !outcome.rows.is_empty() {
        text.push_str(&requests(&outcome.rows));
        if outcome.rows.iter().any(|row| row.secure) {
            text.push_str(&format!("\n{AGREED}\n"));
        }
        text.push_str(&calls(&outcome.rows));
    }
    if !outcome.memory.is_empty() {
        text.push_str(&resting(&outcome.memory));
    }
    if !outcome.transfers.is_empty() {
        text.push_str(&large(&outcome.transfers));
    }
    text
}

/// The whole of `benches/RESULTS.md`.
pub(crate) fn page(machine: &str, tables: &str, verdicts: &str) -> String {
    format!(
        "# Results\n\nMade by `cargo xtask bench`; [README.md](README.md) says what the figures mean.\n\n{machine}\n\
         ## Budgets\n\n{verdicts}\n## Figures\n{tables}"
    )
}

fn requests(rows: &[Row]) -> String {
    let mut text = REQUESTS.to_owned();
    for row in rows {
        let Row {
            name,
            bridgehead,
            nginx,
            cpu,
            ..
        } = row;
        let ratio = format!("{:.2}", cpu.ratio);
        text.push_str(&line(name, "Bridgehead", bridgehead, cpu.bridgehead, &ratio));
        text.push_str(&line("", "nginx", nginx, cpu.nginx, "1"));
    }
    text
}

fn line(scenario: &str, server: &str, figures: &Figures, cpu: f64, ratio: &str) -> String {
    format!(
        "| {scenario} | {server} | {:.2} | {:.2} | {:.0} | {:.1} | {ratio} | {:.1} | {:.1} | {:.1} |\n",
        figures.calls.io(),
        figures.calls.io_without_waits(),
        figures.instructions,
        cpu * 1e6,
        figures.resident_before as f64 / MIB,
        figures.resident_after as f64 / MIB,
        figures.idle / 1024.0,
    )
}

fn calls(rows: &[Row]) -> String {
    let mut text = CALLS.to_owned();
    for row in rows {
        let (ours, theirs) = (row.bridgehead.calls.list(), row.nginx.calls.list());
        text.push_str(&format!("| {} | Bridgehead | {ours} |\n", row.name));
        text.push_str(&format!("| | nginx | {theirs} |\n"));
    }
    text
}

fn resting(rows: &[memory::Row]) -> String {
    let mut text = MEMORY.to_owned();
    for row in rows {
        text.push_str(&format!(
            "| {} | {} | {} | {:.1} | {:.1} |\n",
            row.name, row.clients, row.unit, row.bridgehead, row.nginx
        ));
    }
    text
}

fn large(rows: &[transfer::Row]) -> String {
    let mut text = TRANSFERS.to_owned();
    for transfer::Row { name, cpu } in rows {
        text.push_str(&format!(
            "| {name} | {:.1} | {:.1} | {:.2} |\n",
            cpu.bridgehead * 1e3,
            cpu.nginx * 1e3,
            cpu.ratio
        ));
    }
    text
}

const MIB: f64 = 1024.0 * 1024.0;

const REQUESTS: &str = "
Requests:

| scenario | server | I/O calls | without epoll_wait | instructions | CPU µs | ratio | RSS before MiB | RSS after MiB | KiB per idle connection |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
";

const CALLS: &str = "
System calls per request:

| scenario | server | calls |
|---|---|---|
";

const MEMORY: &str = "
Resident memory:

| scenario | clients | unit | Bridgehead | nginx |
|---|---:|---|---:|---:|
";

const TRANSFERS: &str = "
CPU time of large bodies:

| scenario | Bridgehead ms | nginx ms | ratio |
|---|---:|---:|---:|
";
