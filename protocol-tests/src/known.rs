//! Deviations that are known, each with its reason.

use crate::notation::{Complaint, File, Node, Source, Table};
use crate::protocol::Protocol;
use crate::run::Verdict;

/// A file of expectations.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What it is about: a program and its version.
    pub target: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    case: String,
    /// `fail` or `hang`, without it either; `crash`; `varies` when it may also pass.
    result: Option<&'static str>,
    /// With these only; empty: with all.
    protocols: Vec<Protocol>,
    reason: String,
}

impl Known {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first complaint.
    pub fn read(file: &File) -> Result<Self, Complaint> {
        let source = Source::new(&file.path, &file.text);
        let document = source.parse()?;
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let target = table.need("target")?.string()?;
        let entries = table.take("known").map_or(Ok(Vec::new()), |node| node.items())?;
        let entries = entries.iter().map(Entry::read).collect::<Result<_, _>>()?;
        table.finish()?;
        Ok(Self { target, entries })
    }

    /// Reads several files into one; what is in two of them, is as in the first.
    ///
    /// # Errors
    ///
    /// The first complaint.
    pub fn read_all<'a>(files: impl IntoIterator<Item = &'a File>) -> Result<Self, Complaint> {
        files
            .into_iter()
            .try_fold(Self::default(), |all, file| Ok(all.and(Self::read(file)?)))
    }

    /// These and others; what is in both, is as it is here.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// Those that concern a target while it speaks `protocol`.
    #[must_use]
    pub fn speaking(mut self, protocol: Protocol) -> Self {
        self.entries
            .retain(|entry| entry.protocols.is_empty() || entry.protocols.contains(&protocol));
        self
    }

    /// The reason for this verdict of a case; also for a pass where a deviation is expected.
    pub fn reason(&self, case: &str, verdict: &Verdict) -> Option<String> {
        let entry = self.entries.iter().find(|entry| entry.case == case)?;
        let expected = match verdict {
            Verdict::Pass(_) => true,
            Verdict::Fail(_) | Verdict::Hang(_) => entry
                .result
                .is_none_or(|result| result == VARIES || result == verdict.word()),
            Verdict::Crash(_) => {
                let result = entry.result;
                result.is_some_and(|result| result == VARIES || result == verdict.word())
            }
            Verdict::Skip(_) | Verdict::Error(_) => false,
        };
        expected.then(|| entry.reason.clone())
    }

    /// Whether the case passes in one run and fails in another.
    pub fn varies(&self, case: &str) -> bool {
        let varies = |entry: &Entry| entry.case == case && entry.result == Some(VARIES);
        self.entries.iter().any(varies)
    }

    /// The ids of all entries.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.case.as_str())
    }
}

impl Entry {
    fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let protocols = Protocol::ALL.map(|protocol| (protocol.name(), protocol));
        let only = table
            .take("protocols")
            .map_or(Ok(Vec::new()), |node| node.items())?;
        let entry = Self {
            case: table.need("case")?.string()?,
            protocols: only
                .iter()
                .map(|node| node.one_of(&protocols))
                .collect::<Result<_, _>>()?,
            result: table
                .take("result")
                .map(|node| node.one_of(&["fail", "hang", "crash", VARIES].map(|word| (word, word))))
                .transpose()?,
            reason: table.need("reason")?.string()?,
        };
        table.finish()?;
        Ok(entry)
    }
}

const VARIES: &str = "varies"; // a result that is no verdict: timing decides

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_deviation_has_its_reason_and_only_that_one() {
        let text = "target = \"x\"\n[[known]]\ncase = \"A\"\nresult = \"hang\"\nreason = \"r\"\n".to_owned();
        let known = Known::read(&File {
            path: "x".to_owned(),
            text,
        })
        .expect("valid");
        let why = String::new;
        assert_eq!(known.reason("A", &Verdict::Hang(why())), Some("r".to_owned()));
        assert_eq!(
            known.reason("A", &Verdict::Pass(Vec::new())),
            Some("r".to_owned())
        );
        assert_eq!(known.reason("A", &Verdict::Fail(why())), None);
        assert_eq!(known.reason("A", &Verdict::Error(why())), None);
        assert_eq!(known.reason("B", &Verdict::Hang(why())), None);
    }

    #[test]
    fn a_crash_is_known_only_where_it_is_said() {
        let entry =
            |result| format!("[[known]]\ncase = \"A{result}\"\nresult = \"{result}\"\nreason = \"r\"\n");
        let text = format!("target = \"x\"\n{}{}", entry("fail"), entry("crash"));
        let path = "x".to_owned();
        let known = Known::read(&File { path, text }).expect("valid");
        let crash = Verdict::Crash(String::new());
        assert!(known.reason("Acrash", &crash).is_some());
        assert!(known.reason("Afail", &crash).is_none());
    }

    #[test]
    fn a_deviation_may_be_of_one_protocol_only() {
        let text =
            "target = \"x\"\n[[known]]\ncase = \"A\"\nprotocols = [\"scgi\"]\nreason = \"r\"\n".to_owned();
        let path = "x".to_owned();
        let known = Known::read(&File { path, text }).expect("valid");
        let fail = Verdict::Fail(String::new());
        assert!(
            known
                .clone()
                .speaking(Protocol::Scgi)
                .reason("A", &fail)
                .is_some()
        );
        assert!(known.speaking(Protocol::Uwsgi).reason("A", &fail).is_none());
    }

    #[test]
    fn what_varies_is_known_whatever_happens() {
        let text =
            "target = \"x\"\n[[known]]\ncase = \"A\"\nresult = \"varies\"\nreason = \"r\"\n".to_owned();
        let path = "x".to_owned();
        let known = Known::read(&File { path, text }).expect("valid");
        let verdicts = [
            Verdict::Pass(Vec::new()),
            Verdict::Fail(String::new()),
            Verdict::Hang(String::new()),
            Verdict::Crash(String::new()),
        ];
        assert!(
            verdicts
                .iter()
                .all(|verdict| known.reason("A", verdict).is_some())
        );
        assert!(known.varies("A") && !known.varies("B"));
    }
}
