//! Deviations that are known, each with its reason.

use crate::notation::{Complaint, File, Node, Source, Table, quoted};
use crate::protocol::Protocol;
use crate::run::Verdict;

/// A file of expectations.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What it is about: a program and its version.
    pub target: String,
    entries: Vec<Entry>,
}

/// One deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        if self.target.is_empty() {
            self.target = other.target;
        }
        self.entries.extend(other.entries);
        self
    }

    /// Those that concern a target while it speaks `protocol`.
    #[must_use]
    pub fn speaking(mut self, protocol: Protocol) -> Self {
        self.entries.retain(|entry| entry.speaks(protocol));
        self
    }

    /// The reason for this verdict of a case; also for a pass where a deviation is expected.
    pub fn reason(&self, case: &str, verdict: &Verdict) -> Option<String> {
        let entry = self.entries.iter().find(|entry| entry.case == case)?;
        entry.expects(verdict).then(|| entry.reason.clone())
    }

    /// Takes in how a case went with `protocol`: what passes is forgotten, what deviates is added, and what was not played
    /// stays as it is. `shared`: the case is played with other protocols, too.
    pub fn learn(&mut self, case: &str, verdict: &Verdict, protocol: Protocol, shared: bool) {
        let about = |entry: &Entry| entry.case == case && entry.speaks(protocol);
        let known = self.entries.iter().position(about);
        match (verdict, known) {
            (Verdict::Skip(_) | Verdict::Error(_), _) | (Verdict::Pass(_), None) => {}
            (Verdict::Pass(_), Some(at)) => self.forget(at, protocol),
            (_, Some(at)) if self.entries[at].expects(verdict) => {}
            (_, Some(at)) => self.entries[at].result = Some(verdict.word()),
            (_, None) => self.entries.push(Entry {
                case: case.to_owned(),
                result: Some(verdict.word()),
                protocols: if shared { vec![protocol] } else { Vec::new() },
                reason: unexplained(verdict),
            }),
        }
    }

    /// It is no deviation with this protocol any more.
    fn forget(&mut self, at: usize, protocol: Protocol) {
        let entry = &mut self.entries[at];
        if entry.result == Some(VARIES) {
            return;
        }
        entry.protocols.retain(|other| *other != protocol);
        if entry.protocols.is_empty() {
            self.entries.remove(at);
        }
    }

    /// As a file that [`Known::read`] reads; in the order of the cases.
    pub fn to_toml(&self) -> String {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|a, b| a.case.cmp(&b.case));
        let texts = entries.into_iter().map(Entry::to_toml);
        format!("target = {}\n{}", quoted(&self.target), texts.collect::<String>())
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
    /// Whether it is about targets that speak `protocol`.
    fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.is_empty() || self.protocols.contains(&protocol)
    }

    /// Whether this is how the case may go; also a pass, where a deviation is expected.
    fn expects(&self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Pass(_) => true,
            Verdict::Fail(_) | Verdict::Hang(_) => self
                .result
                .is_none_or(|result| result == VARIES || result == verdict.word()),
            Verdict::Crash(_) => {
                let result = self.result;
                result.is_some_and(|result| result == VARIES || result == verdict.word())
            }
            Verdict::Skip(_) | Verdict::Error(_) => false,
        }
    }

    fn to_toml(&self) -> String {
        let mut text = format!("\n[[known]]\ncase = {}\n", quoted(&self.case));
        if let Some(result) = self.result {
            text += &format!("result = \"{result}\"\n");
        }
        if !self.protocols.is_empty() {
            let names: Vec<_> = self
                .protocols
                .iter()
                .map(|protocol| format!("\"{protocol}\""))
                .collect();
            text += &format!("protocols = [{}]\n", names.join(", "));
        }
        text + &format!("reason = {}\n", quoted(&self.reason))
    }

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

/// A reason that asks for a better one.
fn unexplained(verdict: &Verdict) -> String {
    let detail: String = verdict.detail().chars().take(MAX_DETAIL).collect();
    format!("Not looked into yet: {detail}")
}

const MAX_DETAIL: usize = 200; // letters of what was observed
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

    /// What is known of A, B and C, all of which are played with every protocol, after a run with SCGI.
    fn learned(known: &mut Known, verdicts: [Verdict; 3]) -> String {
        for (case, verdict) in ["A", "B", "C"].into_iter().zip(verdicts) {
            known.learn(case, &verdict, Protocol::Scgi, true);
        }
        known.to_toml()
    }

    #[test]
    fn a_run_writes_what_deviates_and_keeps_the_reasons_that_still_hold() {
        let text = "target = \"x\"\n[[known]]\ncase = \"B\"\nreason = \"by choice\"\n\
                    [[known]]\ncase = \"C\"\nreason = \"mended since\"\n\
                    [[known]]\ncase = \"D\"\nreason = \"not played\"\n";
        let (path, text) = ("x".to_owned(), text.to_owned());
        let mut known = Known::read(&File { path, text }).expect("valid");
        let fail = |why: &str| Verdict::Fail(why.to_owned());
        let written = learned(
            &mut known,
            [fail("\"no\""), fail("still"), Verdict::Pass(Vec::new())],
        );
        assert_eq!(
            written,
            "target = \"x\"\n\n[[known]]\ncase = \"A\"\nresult = \"fail\"\nprotocols = [\"scgi\"]\n\
             reason = \"Not looked into yet: \\\"no\\\"\"\n\n[[known]]\ncase = \"B\"\nreason = \"by choice\"\n\
             \n[[known]]\ncase = \"D\"\nreason = \"not played\"\n"
        );
        let path = "y".to_owned();
        let again = Known::read(&File { path, text: written }).expect("valid");
        assert_eq!(again.entries, {
            let mut entries = known.entries;
            entries.sort_by(|a, b| a.case.cmp(&b.case));
            entries
        });
    }

    #[test]
    fn a_deviation_that_turns_into_another_keeps_its_reason() {
        let text = "target = \"x\"\n[[known]]\ncase = \"A\"\nresult = \"hang\"\nprotocols = [\"scgi\", \"uwsgi\"]\n\
                    reason = \"r\"\n[[known]]\ncase = \"B\"\nresult = \"varies\"\nreason = \"r\"\n";
        let (path, text) = ("x".to_owned(), text.to_owned());
        let mut known = Known::read(&File { path, text }).expect("valid");
        let pass = || Verdict::Pass(Vec::new());
        let crash = Verdict::Crash(String::new());
        let written = learned(&mut known, [crash, pass(), pass()]);
        assert!(written.contains("result = \"crash\"\nprotocols = [\"scgi\", \"uwsgi\"]\nreason = \"r\""));
        assert!(written.contains("result = \"varies\""), "{written}");
        let written = learned(&mut known, [pass(), pass(), pass()]);
        assert!(written.contains("protocols = [\"uwsgi\"]"), "{written}");
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
