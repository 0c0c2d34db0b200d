//! The committed limits, and what is more than they allow.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

/// What a request costs on each path, in a fixed order.
#[derive(Debug, PartialEq)]
pub(super) struct Limits(Vec<(String, Cost)>);

/// What one request costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    /// Instructions in user space.
    pub(super) instructions: f64,
    /// System calls that are input or output, without waiting for readiness.
    pub(super) calls: f64,
}

impl Limits {
    /// Those of named paths.
    pub(super) fn new(costs: Vec<(String, Cost)>) -> Self {
        Self(costs)
    }

    /// Reads [`Limits::text`].
    ///
    /// # Errors
    ///
    /// With the number of a line that is no name and two figures.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let costs = lines.map(|(index, line)| cost(line).with_context(|| format!("line {}", index + 1)));
        Ok(Self(costs.collect::<Result<_>>()?))
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (name, Cost { instructions, calls }) in &self.0 {
            let _ = writeln!(text, "{name:16} {instructions:12.0} {calls:6.2}");
        }
        text
    }

    /// Limits and measurements side by side.
    pub(super) fn table(&self, measured: &Self) -> String {
        let mut text = format!("{:16} {:>24} {:>21}\n", "path", "instructions", "I/O calls");
        for (name, cost) in &measured.0 {
            let Some(limit) = self.of(name) else { continue };
            let _ = writeln!(
                text,
                "{name:16} {:8.0} {:8.0} {:+5.1} % {:6.2} {:6.2} {:+5.1} %",
                limit.instructions,
                cost.instructions,
                growth(limit.instructions, cost.instructions),
                limit.calls,
                cost.calls,
                growth(limit.calls, cost.calls),
            );
        }
        text
    }

    /// Compares measurements with the limits.
    ///
    /// # Errors
    ///
    /// With every figure that is more than [`TOLERANCE`] above its limit, and every path that has none.
    pub(super) fn check(&self, measured: &Self) -> Result<()> {
        let mut complaints = Vec::new();
        for (name, cost) in &measured.0 {
            let Some(limit) = self.of(name) else {
                complaints.push(format!("{name} has no limit"));
                continue;
            };
            let figures = [
                ("instructions", limit.instructions, cost.instructions),
                ("I/O system calls", limit.calls, cost.calls),
            ];
            for (what, most, figure) in figures {
                let grown = growth(most, figure);
                if grown > TOLERANCE {
                    complaints.push(format!(
                        "{name}: {figure:.2} {what} per request, {grown:.1} % above {most:.2}"
                    ));
                }
            }
        }
        ensure!(
            complaints.is_empty(),
            "{}; see `callgrind_annotate target/bench/guard-NAME.2500`, or renew benches/limits.txt with `cargo xtask \
             guard --write` and say why",
            complaints.join("; ")
        );
        Ok(())
    }

    fn of(&self, name: &str) -> Option<Cost> {
        let mut costs = self.0.iter();
        costs.find(|(own, _)| own == name).map(|(_, cost)| *cost)
    }
}

fn cost(line: &str) -> Result<(String, Cost)> {
    let words: Vec<_> = line.split_whitespace().collect();
    let [name, instructions, calls] = words[..] else {
        bail!("not a name and two figures: {line:?}");
    };
    let figure = |word: &str| {
        let figure: f64 = word.parse().with_context(|| format!("no figure: {word:?}"))?;
        ensure!(figure > 0.0, "no figure above 0: {word:?}");
        Ok(figure)
    };
    let cost = Cost {
        instructions: figure(instructions)?,
        calls: figure(calls)?,
    };
    Ok((name.to_owned(), cost))
}

/// By how many per cent `figure` is above `limit`.
fn growth(limit: f64, figure: f64) -> f64 {
    (figure / limit - 1.0) * 100.0
}

const TOLERANCE: f64 = 3.0; // per cent; measurements repeat within 1

const HEAD: &str = "\
# What a request costs on the core paths; `cargo xtask guard` fails at 3 % more, `cargo xtask guard --write` renews it.
# path       instructions    I/O calls
";

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(instructions: f64, calls: f64) -> Limits {
        Limits::new(vec![("fixed".to_owned(), Cost { instructions, calls })])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let limits = limits(5_500.0, 2.14);
        assert_eq!(Limits::parse(&limits.text()).unwrap(), limits);
    }

    #[test]
    fn three_per_cent_more_are_allowed_and_no_more() {
        let committed = limits(1_000.0, 2.0);
        assert!(committed.check(&limits(1_029.0, 2.05)).is_ok());
        assert!(committed.check(&limits(500.0, 1.0)).is_ok());
        let error = committed.check(&limits(1_031.0, 2.1)).unwrap_err().to_string();
        assert!(error.contains("fixed: 1031.00 instructions per request, 3.1 % above 1000.00; "));
        assert!(error.contains("fixed: 2.10 I/O system calls per request, 5.0 % above 2.00; "));
    }

    #[test]
    fn a_path_without_a_limit_is_an_error() {
        let error = Limits::new(Vec::new()).check(&limits(1.0, 1.0)).unwrap_err();
        assert!(error.to_string().starts_with("fixed has no limit; "));
    }

    #[test]
    fn a_wrong_line_is_named_with_its_number() {
        for wrong in ["fixed 5", "fixed many 2", "fixed 0 2", "fixed 5 2 1"] {
            let error = Limits::parse(&format!("# head\n{wrong}\n")).unwrap_err();
            assert_eq!(error.to_string(), "line 2", "{wrong}");
        }
    }

    #[test]
    fn the_committed_file_is_understood_and_names_every_path() {
        let file = testbed::workspace().join("benches/limits.txt");
        let limits = Limits::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
        let names: Vec<_> = limits.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, super::super::PATHS.map(|path| path.name));
    }
}
