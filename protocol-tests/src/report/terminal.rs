//! Results for people: one line for each case, what was observed where it matters, and a summary.

use std::io::{self, Write};

use super::{Report, Results};
use crate::run::{Outcome, Verdict};

/// Writes to anything.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    colour: bool,
    /// Also what passed as it should, and what went over the wire.
    verbose: bool,
}

impl<W: Write> Terminal<W> {
    /// A report with or without colour.
    pub fn new(out: W, colour: bool, verbose: bool) -> Self {
        Self { out, colour, verbose }
    }

    fn paint(&self, word: &str) -> String {
        let code = match word {
            "pass" => 32,
            "fail" | "hang" | "crash" | "error" => 31,
            "known" | "fixed" => 33,
            _ => 90,
        };
        if self.colour {
            format!("\x1b[{code}m{word:5}\x1b[0m")
        } else {
            format!("{word:5}")
        }
    }

    fn details(&mut self, outcome: &Outcome) -> io::Result<()> {
        let detail = outcome.verdict.detail();
        if !detail.is_empty() && !matches!(outcome.verdict, Verdict::Skip(_)) {
            writeln!(self.out, "      {detail}")?;
        }
        if outcome.is_failure() {
            writeln!(
                self.out,
                "      {}, {}: {}",
                outcome.place, outcome.spec, outcome.why
            )?;
        }
        if let Some(reason) = &outcome.known {
            writeln!(self.out, "      known: {reason}")?;
        }
        if outcome.verdict.is_bad() || self.verbose {
            writeln!(self.out, "      observed: {}", outcome.observed)?;
        }
        if self.verbose {
            for line in &outcome.transcript {
                writeln!(self.out, "      {line}")?;
            }
        }
        Ok(())
    }
}

impl<W: Write> Report for Terminal<W> {
    fn outcome(&mut self, outcome: &Outcome) -> io::Result<()> {
        let word = self.paint(outcome.word());
        let skipped = match &outcome.verdict {
            Verdict::Skip(why) => format!(" ({why})"),
            _ => String::new(),
        };
        writeln!(
            self.out,
            "{word} {:6} {:10} {}{skipped}",
            outcome.id, outcome.level, outcome.title
        )?;
        self.details(outcome)
    }

    fn finish(&mut self, results: &Results) -> io::Result<()> {
        let words = ["pass", "fail", "hang", "crash", "error", "known", "fixed", "skip"];
        let counts = words.map(|word| (word, results.count(word)));
        let counts: Vec<_> = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let subject = &results.subject;
        writeln!(
            self.out,
            "\n{} {} {}: {} in {:.1} s",
            subject.name,
            subject.protocol,
            subject.side,
            counts.join(", "),
            results.took.as_secs_f64()
        )
    }
}
