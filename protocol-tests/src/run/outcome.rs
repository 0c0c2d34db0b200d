//! What became of a case.

use std::time::Duration;

use crate::notation::Level;

/// The result of one case, after the known deviations were looked up.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The section of the specification.
    pub spec: String,
    /// Why it matters.
    pub why: String,
    /// The file and line of the case.
    pub place: String,
    /// Who demands it.
    pub level: Level,
    /// How it went.
    pub verdict: Verdict,
    /// What was observed, in words; also when it passed.
    pub observed: String,
    /// The reason, if this deviation is known.
    pub known: Option<String>,
    /// Whether it is known to pass in one run and to fail in another.
    pub varies: bool,
    /// From the first connection to the verdict.
    pub took: Duration,
    /// What went over the wire, line by line; of failed cases.
    pub transcript: Vec<String>,
}

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it must; with the notes of the permitted variants that were seen.
    Pass(Vec<String>),
    /// Something else was observed.
    Fail(String),
    /// Nothing more happened until the limit.
    Hang(String),
    /// A process of the target ended. Only who has started it can tell.
    Crash(String),
    /// It was not played.
    Skip(String),
    /// The kit could not play it.
    Error(String),
}

/// What playing a case gave.
#[derive(Clone, Debug)]
pub struct Played {
    /// How it went.
    pub verdict: Verdict,
    /// What was observed, in words.
    pub observed: String,
    /// What went over the wire.
    pub transcript: Vec<String>,
}

impl Verdict {
    /// The word in reports and expectations.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::Fail(_) => "fail",
            Self::Hang(_) => "hang",
            Self::Crash(_) => "crash",
            Self::Skip(_) => "skip",
            Self::Error(_) => "error",
        }
    }

    /// What there is to say beside the word.
    pub fn detail(&self) -> String {
        match self {
            Self::Pass(notes) => notes.join("; "),
            Self::Fail(why) | Self::Hang(why) | Self::Crash(why) | Self::Skip(why) | Self::Error(why) => {
                why.clone()
            }
        }
    }

    /// Neither passed nor skipped.
    pub fn is_bad(&self) -> bool {
        !matches!(self, Self::Pass(_) | Self::Skip(_))
    }
}

impl Outcome {
    /// Takes the verdict back: the target was gone before the case was over.
    pub(super) fn suspend(&mut self) {
        let detail = self.verdict.detail();
        self.verdict = Verdict::Error(format!("{IN_FLIGHT}: {detail}"));
        self.known = None;
    }

    /// Whether the verdict was taken back.
    pub fn was_in_flight(&self) -> bool {
        matches!(&self.verdict, Verdict::Error(why) if why.starts_with(IN_FLIGHT))
    }

    /// Whether it makes the run fail.
    pub fn is_failure(&self) -> bool {
        self.verdict.is_bad() && self.known.is_none()
    }

    /// A deviation that was expected and did not happen.
    pub fn is_fixed(&self) -> bool {
        matches!(self.verdict, Verdict::Pass(_)) && self.known.is_some() && !self.varies
    }

    /// The verdict as reports show it: `known` and `fixed` included.
    pub fn word(&self) -> &'static str {
        match (self.verdict.is_bad(), self.is_fixed(), &self.known) {
            (true, _, Some(_)) => "known",
            (_, true, _) => "fixed",
            _ => self.verdict.word(),
        }
    }
}

const IN_FLIGHT: &str = "in flight when the target was gone"; // the beginning of a detail
