//! Results in the Test Anything Protocol, version 13.

use std::io::{self, Write};

use super::{Report, Results};
use crate::run::{Outcome, Verdict};

/// Writes to anything.
#[derive(Debug)]
pub struct Tap<W>(pub W);

impl<W: Write> Report for Tap<W> {
    fn finish(&mut self, results: &Results) -> io::Result<()> {
        writeln!(self.0, "TAP version 13\n1..{}", results.outcomes.len())?;
        for (at, outcome) in results.outcomes.iter().enumerate() {
            self.case(at + 1, outcome)?;
        }
        Ok(())
    }
}

impl<W: Write> Tap<W> {
    fn case(&mut self, number: usize, outcome: &Outcome) -> io::Result<()> {
        let ok = if outcome.verdict.is_bad() { "not ok" } else { "ok" };
        let directive = match (&outcome.verdict, &outcome.known) {
            (Verdict::Skip(why), _) => format!(" # SKIP {}", line(why)),
            (_, Some(reason)) => format!(" # TODO {}", line(reason)),
            _ => String::new(),
        };
        let title = line(&outcome.title).replace('#', "\\#");
        writeln!(self.0, "{ok} {number} - {} {title}{directive}", outcome.id)?;
        if outcome.verdict.is_bad() {
            writeln!(self.0, "  ---")?;
            writeln!(self.0, "  result: {}", outcome.verdict.word())?;
            writeln!(
                self.0,
                "  message: {}",
                serde_json::Value::from(outcome.verdict.detail())
            )?;
            writeln!(
                self.0,
                "  observed: {}",
                serde_json::Value::from(outcome.observed.as_str())
            )?;
            let more = [
                ("at", &outcome.place),
                ("spec", &outcome.spec),
                ("why", &outcome.why),
            ];
            for (key, text) in more {
                writeln!(self.0, "  {key}: {}", serde_json::Value::from(text.as_str()))?;
            }
            writeln!(self.0, "  ...")?;
        }
        Ok(())
    }
}

fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::results;
    use super::*;

    #[test]
    fn every_case_has_its_line() {
        let mut tap = Tap(Vec::new());
        tap.finish(&results()).expect("written");
        let text = String::from_utf8(tap.0).expect("UTF-8");
        assert!(
            text.starts_with("TAP version 13\n1..4\nok 1 - A-1 one\nnot ok 2 - A-2 two\n"),
            "{text}"
        );
        assert!(text.contains("not ok 3 - A-3 three # TODO by choice\n"), "{text}");
        assert!(text.ends_with("ok 4 - A-4 four # SKIP needs x\n"), "{text}");
    }
}
