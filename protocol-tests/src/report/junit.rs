//! Results as JUnit XML, which CI servers show.

use std::io::{self, Write};

use super::{Report, Results};
use crate::run::{Outcome, Verdict};

/// Writes to anything.
#[derive(Debug)]
pub struct Junit<W>(pub W);

impl<W: Write> Report for Junit<W> {
    fn finish(&mut self, results: &Results) -> io::Result<()> {
        let subject = &results.subject;
        let errors = results.count("error");
        let failures = results
            .outcomes
            .iter()
            .filter(|outcome| outcome.is_failure())
            .count()
            - errors;
        let skipped = results.count("skip") + results.count("known");
        let name = escape(&format!("{} {} {}", subject.name, subject.protocol, subject.side));
        writeln!(self.0, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(
            self.0,
            r#"<testsuite name="{name}" tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{:.3}">"#,
            results.outcomes.len(),
            results.took.as_secs_f64()
        )?;
        for outcome in &results.outcomes {
            self.case(outcome, &name)?;
        }
        writeln!(self.0, "</testsuite>")
    }
}

impl<W: Write> Junit<W> {
    fn case(&mut self, outcome: &Outcome, class: &str) -> io::Result<()> {
        let title = escape(&format!("{} {}", outcome.id, outcome.title));
        let seconds = outcome.took.as_secs_f64();
        write!(
            self.0,
            r#"  <testcase classname="{class}" name="{title}" time="{seconds:.3}""#
        )?;
        let detail = escape(&outcome.verdict.detail());
        let Outcome { place, spec, why, .. } = outcome;
        let observed = escape(&format!("{} ({place}, {spec}: {why})", outcome.observed));
        match (&outcome.verdict, &outcome.known) {
            (Verdict::Pass(_), _) => writeln!(self.0, "/>"),
            (Verdict::Skip(_), _) => writeln!(self.0, r#"><skipped message="{detail}"/></testcase>"#),
            (_, Some(reason)) => {
                let reason = escape(reason);
                writeln!(self.0, r#"><skipped message="known: {reason}"/></testcase>"#)
            }
            (Verdict::Error(_), None) => writeln!(self.0, r#"><error message="{detail}"/></testcase>"#),
            (Verdict::Fail(_) | Verdict::Hang(_) | Verdict::Crash(_), None) => {
                writeln!(
                    self.0,
                    r#"><failure message="{detail}">{observed}</failure></testcase>"#
                )
            }
        }
    }
}

/// Text for XML 1.0, which has no way at all to write most control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::results;
    use super::*;

    #[test]
    fn failures_and_what_is_known_are_told_apart() {
        let mut junit = Junit(Vec::new());
        junit.finish(&results()).expect("written");
        let text = String::from_utf8(junit.0).expect("UTF-8");
        assert!(
            text.contains(r#"tests="4" failures="1" errors="0" skipped="2""#),
            "{text}"
        );
        assert!(
            text.contains("<failure message=\"not &lt;200&gt;\">closed (x.toml:1, §1: w)</failure>"),
            "{text}"
        );
        assert!(
            text.contains(r#"<skipped message="known: by choice"/>"#),
            "{text}"
        );
    }
}
