//! The figures as Markdown.

use super::budget::cpu_ratio;
use super::measure::{Figures, Row};

/// One table of figures, one of system calls.
pub(crate) fn tables(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    for row in rows {
        text.push_str(&line(
            row.name,
            "Bridgehead",
            &row.bridgehead,
            &format!("{:.2}", cpu_ratio(row)),
        ));
        text.push_str(&line("", "nginx", &row.nginx, "1"));
    }
    text.push_str("\nSystem calls per request:\n\n| scenario | server | calls |\n|---|---|---|\n");
    for row in rows {
        text.push_str(&format!(
            "| {} | Bridgehead | {} |\n",
            row.name,
            row.bridgehead.calls.list()
        ));
        text.push_str(&format!("| | nginx | {} |\n", row.nginx.calls.list()));
    }
    text
}

/// The whole of `benches/RESULTS.md`.
pub(crate) fn page(machine: &str, tables: &str, verdicts: &str) -> String {
    format!(
        "# Results\n\nMade by `cargo xtask bench`; [README.md](README.md) says what the figures mean.\n\n{machine}\n\
         ## Budgets\n\n{verdicts}\n## Figures\n\n{tables}"
    )
}

fn line(scenario: &str, server: &str, figures: &Figures, ratio: &str) -> String {
    format!(
        "| {scenario} | {server} | {:.2} | {:.2} | {:.0} | {:.1} | {ratio} | {:.1} | {:.1} | {:.1} |\n",
        figures.calls.io(),
        figures.calls.io_without_waits(),
        figures.instructions,
        figures.cpu * 1e6,
        figures.resident_before as f64 / MIB,
        figures.resident_after as f64 / MIB,
        figures.idle / 1024.0,
    )
}

const MIB: f64 = 1024.0 * 1024.0;

const HEAD: &str = "\
| scenario | server | I/O calls | without epoll_wait | instructions | CPU µs | ratio | RSS before MiB | RSS after MiB | KiB per idle connection |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
";
