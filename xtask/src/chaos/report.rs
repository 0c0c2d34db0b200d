//! The matrix as Markdown.

use super::case;
use super::tally::Words;
use super::trial::{Extent, Row};

/// The heading of the table of figures.
pub(crate) const HEAD: &str = "\
| server | case | sent | 2xx | errors, repeatable | errors, not repeatable | of at most | wrong | cut | lost | duplicates | p50 ms | p99 ms | verdict |
|---|---|---:|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---|
";

/// One line of it.
pub(crate) fn line(row: &Row) -> String {
    let tally = &row.tally;
    let mut beyond_repair = tally.executed.clone();
    beyond_repair.extend(tally.timed_out.clone());
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {:.1} | {} |\n",
        row.kind,
        row.case,
        tally.sent,
        tally.right,
        words(&tally.repeatable),
        words(&beyond_repair),
        row.interrupted + row.unanswered,
        tally.wrong,
        tally.cut,
        tally.lost,
        tally.duplicates,
        tally.p50.as_secs_f64() * 1e3,
        tally.p99.as_secs_f64() * 1e3,
        verdict(row),
    )
}

/// The whole of `benches/CHAOS.md`.
pub(crate) fn page(extent: Extent, rows: &[Row]) -> String {
    let Extent { seconds, rate } = extent;
    let lines: String = rows.iter().map(line).collect();
    let notes: String = rows.iter().map(notes).collect();
    let broken: Vec<String> = rows.iter().flat_map(violations).collect();
    let summary = match broken.as_slice() {
        [] => format!("Every demand is met in all {} runs.\n", rows.len()),
        broken => format!("Not met:\n\n{}", broken.concat()),
    };
    format!(
        "# Faults\n\n{PREFACE}\n## Cases\n\n{}\n## Figures\n\n{seconds} s a case, {rate} requests a second.\n\n\
         {summary}\n{HEAD}{lines}\n{notes}",
        cases()
    )
}

/// What a row has to say besides its figures.
pub(crate) fn notes(row: &Row) -> String {
    let line = |note: &String| format!("- {}/{}: {note}\n", row.kind, row.case);
    row.notes.iter().map(line).collect()
}

fn violations(row: &Row) -> Option<String> {
    let broken = row.violations.join("; ");
    (!broken.is_empty()).then(|| format!("- {}/{}: {broken}\n", row.kind, row.case))
}

fn verdict(row: &Row) -> String {
    match row.violations.as_slice() {
        [] => "met".to_owned(),
        violations => format!("**{}**", violations.join("; ")),
    }
}

fn cases() -> String {
    let mut text = "| case | what happens | what may be seen of it |\n|---|---|---|\n".to_owned();
    for case in case::ALL {
        text.push_str(&format!("| {} | {} | {} |\n", case.name, case.what, case.allowed));
    }
    text
}

fn words(words: &Words) -> String {
    if words.is_empty() {
        return "0".to_owned();
    }
    let words: Vec<String> = words
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    words.join(", ")
}

const PREFACE: &str = "\
Made by `cargo xtask chaos --write`. Real servers behind Bridgehead, a constant load, and a fault while it runs. The \
short form, 10 s a case, is a step of `cargo xtask test`.

The load is open: a request is sent when it is due, whether earlier ones have been answered or not. Half of them
are POSTs, half of them come on kept client connections; bodies have up to 128 KiB, some no announced length. The client repeats
nothing. The application (`examples/apps/ledger`) answers with the hash of the body that it got and with content that
belongs to this request alone, and it notes each POST in a file before it answers.

Demanded in every case: no wrong body, no lost answer (closed, reset or nothing within 90 s), no second execution of a
POST, and no error of the gateway if the request was repeatable: a GET, or a POST that had not been sent. Errors that are
not repeatable are 502 for a POST that a worker may have executed, and 504; there may be no more of these, and of cut
answers, than the fault itself can have caused (\"of at most\"). A cut answer is one that breaks off so that the client
can see it; a shortened one that looks complete would be a wrong body. Latencies are those of right answers from the time
they were due, holding included; they are shown, and nothing is demanded of them unless the case says so.
";

#[cfg(test)]
mod tests {
    use testbed::Kind;

    use super::*;
    use crate::chaos::tally::Tally;

    #[test]
    fn a_line_has_as_many_cells_as_the_heading() {
        let row = Row {
            case: "flood",
            kind: Kind::PhpFpm,
            tally: Tally {
                repeatable: Words::from([("queue_full".to_owned(), 2)]),
                ..Tally::default()
            },
            interrupted: 0,
            unanswered: 0,
            violations: vec!["2 errors".to_owned()],
            notes: vec!["slower".to_owned()],
        };
        let cells = |line: &str| line.matches('|').count();
        assert_eq!(cells(&line(&row)), cells(HEAD.lines().next().unwrap()));
        assert!(line(&row).contains("2 queue_full"));
        let page = page(Extent { seconds: 1, rate: 1 }, &[row]);
        assert!(page.contains("- php-fpm/flood: 2 errors"));
        assert!(page.ends_with("- php-fpm/flood: slower\n"));
    }
}
