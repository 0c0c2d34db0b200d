//! Several runs side by side, in Markdown: what `bridgehead-conform matrix` makes of JSON results.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use thiserror::Error;

/// Results of one target, from JSON.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    protocol: String,
    side: String,
    seconds: f64,
    cases: BTreeMap<String, Cell>,
}

#[derive(Clone, Debug)]
struct Cell {
    title: String,
    level: String,
    verdict: String,
    detail: String,
    /// Of a known deviation.
    reason: Option<String>,
    varies: bool,
}

/// A document that is none of ours.
#[derive(Debug, Error)]
pub enum BadResults {
    /// It cannot be read at all.
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    /// A key is missing or of another kind.
    #[error("no `{0}` in the results")]
    Missing(&'static str),
}

impl Column {
    /// Reads what `--json` wrote.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, BadResults> {
        let document: Value = serde_json::from_str(text)?;
        let cases = document
            .get("cases")
            .and_then(Value::as_array)
            .ok_or(BadResults::Missing("cases"))?;
        let cell = |case: &Value| {
            let cell = Cell {
                title: string(case, "title")?,
                level: string(case, "level")?,
                verdict: string(case, "verdict")?,
                detail: string(case, "detail")?,
                reason: string(case, "reason").ok(),
                varies: case.get("varies").and_then(Value::as_bool).unwrap_or_default(),
            };
            Ok((string(case, "id")?, cell))
        };
        Ok(Self {
            name: string(&document, "name")?,
            protocol: string(&document, "protocol")?,
            side: string(&document, "side")?,
            seconds: document
                .get("seconds")
                .and_then(Value::as_f64)
                .unwrap_or_default(),
            cases: cases.iter().map(cell).collect::<Result<_, BadResults>>()?,
        })
    }
}

/// One table for each protocol and side, in the order in which they come first.
pub fn markdown(columns: &[Column]) -> String {
    let mut out = String::new();
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for column in columns {
        let group = (column.protocol.as_str(), column.side.as_str());
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    for (protocol, side) in groups {
        let ours: Vec<_> = columns
            .iter()
            .filter(|column| (column.protocol.as_str(), column.side.as_str()) == (protocol, side))
            .collect();
        table(&mut out, protocol, side, &ours);
    }
    out
}

// Writing into a String cannot fail.
fn table(out: &mut String, protocol: &str, side: &str, columns: &[&Column]) {
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let _ = writeln!(
        out,
        "## {protocol}, {side}\n\n| case | level | | {} |",
        names.join(" | ")
    );
    let _ = writeln!(out, "|---|---|---|{}", "---|".repeat(columns.len()));
    for (id, first) in rows(columns) {
        let cells: Vec<_> = columns.iter().map(|column| mark(column.cases.get(id))).collect();
        let title = first.title.replace('|', "\\|");
        let _ = writeln!(
            out,
            "| {id} | {} | {title} | {} |",
            first.level,
            cells.join(" | ")
        );
    }
    let totals: Vec<_> = columns.iter().map(|column| total(column)).collect();
    let _ = writeln!(out, "| | | passed of played | {} |\n", totals.join(" | "));
}

fn rows<'a>(columns: &[&'a Column]) -> BTreeMap<&'a String, &'a Cell> {
    columns.iter().flat_map(|column| &column.cases).collect()
}

fn mark(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return String::new() };
    match cell.verdict.as_str() {
        _ if cell.varies => "varies".to_owned(),
        "pass" => "ok".to_owned(),
        "skip" => "–".to_owned(),
        "fail" if cell.level != "must" => "no".to_owned(),
        other => format!("**{}**", if other == "fail" { "no" } else { other }),
    }
}

fn total(column: &Column) -> String {
    let played = column
        .cases
        .values()
        .filter(|cell| cell.verdict != "skip")
        .count();
    let passed = column
        .cases
        .values()
        .filter(|cell| cell.verdict == "pass")
        .count();
    format!("{passed}/{played}")
}

/// The permitted variants that targets have chosen: what else there is to know about them.
pub fn variants(columns: &[Column]) -> String {
    let mut out = String::new();
    for column in columns {
        let chosen = column
            .cases
            .iter()
            .filter(|(_, cell)| cell.verdict == "pass" && !cell.detail.is_empty());
        let chosen: Vec<_> = chosen
            .map(|(id, cell)| format!("{id}: {}", cell.detail))
            .collect();
        if !chosen.is_empty() {
            let _ = writeln!(
                out,
                "* {} ({}): {}",
                column.name,
                column.protocol,
                chosen.join(" · ")
            );
        }
    }
    out
}

/// One line for each run: how many cases passed, failed and were left out, and how long it took.
pub fn summary(columns: &[Column]) -> String {
    let words = ["pass", "fail", "hang", "crash", "skip"];
    let mut out = format!("| target | protocol | side | {} | seconds |\n", words.join(" | "));
    let _ = writeln!(out, "|---|---|---|{}---|", "---|".repeat(words.len()));
    for column in columns {
        let counts = words.map(|word| column.cases.values().filter(|cell| cell.verdict == word).count());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.0} |",
            column.name,
            column.protocol,
            column.side,
            counts.map(|count| count.to_string()).join(" | "),
            column.seconds
        );
    }
    out
}

/// Why known deviations are as they are: one line for each reason, with the cases that have it.
pub fn reasons(columns: &[Column]) -> String {
    let mut out = String::new();
    for column in columns {
        let lines = column.reasons();
        if !lines.is_empty() {
            let _ = writeln!(out, "**{}** ({})\n", column.name, column.protocol);
            for (ids, reason) in lines {
                let _ = writeln!(out, "* {}: {reason}", ids.join(", "));
            }
            out.push('\n');
        }
    }
    out
}

impl Column {
    /// What failed, or varies, by its reason. A reason `As X.` is that of X.
    fn reasons(&self) -> Vec<(Vec<&str>, &str)> {
        let mut lines: Vec<(Vec<&str>, &str)> = Vec::new();
        let known = self
            .cases
            .iter()
            .filter(|(_, cell)| cell.varies || cell.verdict != "pass");
        for (id, reason) in known.filter_map(|(id, cell)| Some((id, cell.reason.as_deref()?))) {
            let same = reason.strip_prefix("As ").and_then(|rest| rest.strip_suffix('.'));
            let line = lines
                .iter_mut()
                .find(|(ids, text)| *text == reason || same.is_some_and(|same| ids.contains(&same)));
            match line {
                Some((ids, _)) => ids.push(id),
                None => lines.push((vec![id], reason)),
            }
        }
        lines
    }
}

fn string(value: &Value, key: &'static str) -> Result<String, BadResults> {
    value
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or(BadResults::Missing(key))
}

#[cfg(test)]
mod tests {
    use super::super::tests::results;
    use super::super::{Json, Report};
    use super::*;

    #[test]
    fn runs_stand_side_by_side() {
        let mut json = Json(Vec::new());
        json.finish(&results()).expect("written");
        let column = Column::parse(&String::from_utf8(json.0).expect("UTF-8")).expect("ours");
        let other = Column {
            name: "other".to_owned(),
            cases: BTreeMap::new(),
            ..column.clone()
        };
        let text = markdown(&[column, other]);
        assert!(text.contains("| case | level | | x | other |"), "{text}");
        assert!(text.contains("| A-2 | must | two | **no** |  |"), "{text}");
        assert!(text.contains("| A-3 | should | three | **hang** |  |"), "{text}");
        assert!(text.contains("passed of played | 1/3 | 0/0 |"), "{text}");
    }

    #[test]
    fn known_deviations_stand_with_their_reasons() {
        let mut json = Json(Vec::new());
        let mut results = results();
        let mut same = results.outcomes[2].clone();
        (same.id, same.known) = ("A-9".to_owned(), Some("As A-3.".to_owned()));
        results.outcomes.push(same);
        json.finish(&results).expect("written");
        let column = Column::parse(&String::from_utf8(json.0).expect("UTF-8")).expect("ours");
        assert_eq!(reasons(&[column]), "**x** (fastcgi)\n\n* A-3, A-9: by choice\n\n");
    }

    #[test]
    fn a_run_has_one_line() {
        let mut json = Json(Vec::new());
        json.finish(&results()).expect("written");
        let column = Column::parse(&String::from_utf8(json.0).expect("UTF-8")).expect("ours");
        let text = summary(&[column]);
        assert!(
            text.ends_with("| x | fastcgi | server | 1 | 1 | 1 | 0 | 1 | 1 |\n"),
            "{text}"
        );
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(Column::parse("[]").is_err());
        assert!(Column::parse("x").is_err());
    }
}
