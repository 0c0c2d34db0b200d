//! What must be observed, as predicates over everything that has arrived so far.

mod answer;
mod frame;
mod matcher;
mod record;
mod request;
mod seen;
mod well_formed;

pub use matcher::Matcher;
pub use seen::{Connection, Dialect, Seen};

use std::cmp::Ordering;

use answer::AnswerPattern;
use frame::FramePattern;
use record::RecordPattern;
use request::RequestPattern;

use crate::net::Peer;
use crate::notation::{Complaint, Node, Table};

/// A predicate.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// All hold.
    All(Vec<Expectation>),
    /// One holds; its note says which.
    AnyOf(Vec<(Option<String>, Expectation)>),
    /// It does not hold.
    Not(Box<Expectation>),
    /// It holds on another connection.
    On(String, Box<Expectation>),
    /// The peer has closed, perhaps in a certain way.
    Closed(Option<Peer>),
    /// The peer has not closed.
    Open,
    /// No byte has arrived.
    Nothing,
    /// All bytes that have arrived.
    Bytes(Box<Matcher>),
    /// An answer, complete or not.
    Answer(Box<AnswerPattern>),
    /// How many answers have begun.
    Answers(usize),
    /// A FastCGI record.
    Record(Box<RecordPattern>),
    /// An HTTP/2 frame.
    Frame(Box<FramePattern>),
    /// What the front end has sent.
    Request(Box<RequestPattern>),
    /// Whether the front end has sent a request on.
    Contacted(bool),
    /// How many requests the front end has sent on.
    Requests(usize),
    /// How many connections with requests the front end has opened at most.
    Attempts(usize),
    /// The protocol's rules are kept.
    WellFormed,
}

/// Why an expectation does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// It may hold later.
    Yet(String),
    /// What was waited for has come, and is otherwise; one more may come that is as wanted.
    Otherwise(String),
    /// It will never hold.
    Never(String),
}

impl Unmet {
    fn why(self) -> String {
        match self {
            Self::Yet(why) | Self::Otherwise(why) | Self::Never(why) => why,
        }
    }
}

/// The notes of the variants that held.
pub type Notes = Vec<String>;

impl Expectation {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        Self::read_noted(node).map(|(_, expectation)| expectation)
    }

    fn read_noted(node: &Node<'_>) -> Result<(Option<String>, Self), Complaint> {
        let mut table = node.table()?;
        let note = table.string("note")?;
        let on = table.string("on")?;
        let mut all = read_logic(&mut table)?;
        all.extend(read_connection(&mut table)?);
        all.extend(read_protocol(&mut table)?);
        table.finish()?;
        let expectation = match (all.len(), all.pop()) {
            (1, Some(single)) => single,
            (_, Some(last)) => {
                all.push(last);
                Self::All(all)
            }
            (_, None) => return Err(node.complaint("nothing is expected here")),
        };
        let placed = on.map(|on| Self::On(on, Box::new(expectation.clone())));
        Ok((note, placed.unwrap_or(expectation)))
    }

    /// Whether it speaks about connections that need not be there.
    pub fn needs_no_connection(&self) -> bool {
        match self {
            Self::Contacted(_) => true,
            Self::All(all) => all.iter().any(Self::needs_no_connection),
            Self::AnyOf(any) => any.iter().any(|(_, inner)| inner.needs_no_connection()),
            Self::On(_, inner) | Self::Not(inner) => inner.needs_no_connection(),
            _ => false,
        }
    }

    /// Whether it speaks about connections that front ends open, taken or not.
    pub fn counts_connections(&self) -> bool {
        match self {
            Self::Contacted(_) | Self::Attempts(_) => true,
            Self::All(all) => all.iter().any(Self::counts_connections),
            Self::AnyOf(any) => any.iter().any(|(_, inner)| inner.counts_connections()),
            Self::On(_, inner) | Self::Not(inner) => inner.counts_connections(),
            _ => false,
        }
    }

    /// Whether it holds now.
    ///
    /// # Errors
    ///
    /// Why it does not, in words for reports.
    pub fn check(&self, seen: &Seen<'_>) -> Result<Notes, Unmet> {
        match self {
            Self::All(all) => check_all(all, seen),
            Self::AnyOf(any) => check_any(any, seen),
            Self::Not(inner) => match inner.check(seen) {
                Ok(_) => Err(Unmet::Never("what must not be has been observed".to_owned())),
                Err(_) => Ok(Notes::new()),
            },
            Self::On(name, inner) => inner.check(&seen.on(name)),
            Self::Closed(how) => check_closed(*how, seen),
            Self::Open => hold(!seen.is_over(), seen, || "the peer has closed".to_owned()),
            Self::Nothing => match seen.bytes().len() {
                0 => Ok(Notes::new()),
                count => Err(Unmet::Never(format!("{count} bytes have arrived"))),
            },
            Self::Bytes(matcher) => {
                let result = matcher.check(seen.bytes(), seen.scope());
                result.map(|()| Notes::new()).map_err(|why| seen.unmet(why))
            }
            Self::Answer(pattern) => pattern.check(seen),
            Self::Answers(count) => {
                let found = seen.answers(false).len();
                exactly(*count, found, || {
                    seen.unmet(format!("{found} answers have begun, not {count}"))
                })
            }
            Self::Record(pattern) => pattern.check(seen),
            Self::Frame(pattern) => pattern.check(seen),
            Self::Request(pattern) => pattern.check(seen),
            Self::Contacted(wanted) => match (seen.is_contacted(), wanted) {
                (true, false) => Err(Unmet::Never("the front end has sent the request on".to_owned())),
                (false, true) => Err(Unmet::Yet("the front end has not sent the request on".to_owned())),
                _ => Ok(Notes::new()),
            },
            Self::Requests(count) => {
                let found = seen.requests();
                exactly(*count, found, || {
                    Unmet::Yet(format!("{found} requests were sent on, not {count}"))
                })
            }
            Self::Attempts(most) => match seen.attempted() {
                count if count > *most => Err(Unmet::Never(format!("the front end has tried {count} times"))),
                _ => Ok(Notes::new()),
            },
            Self::WellFormed => well_formed::check(seen)
                .map(|()| Notes::new())
                .map_err(Unmet::Never),
        }
    }
}

fn read_logic(table: &mut Table<'_>) -> Result<Vec<Expectation>, Complaint> {
    let mut found = Vec::new();
    if let Some(all) = table.take("all") {
        let all: Result<_, _> = all.items()?.iter().map(Expectation::read).collect();
        found.push(Expectation::All(all?));
    }
    if let Some(any) = table.take("any_of") {
        let any: Result<_, _> = any.items()?.iter().map(Expectation::read_noted).collect();
        found.push(Expectation::AnyOf(any?));
    }
    if let Some(inner) = table.take("not") {
        found.push(Expectation::Not(Box::new(Expectation::read(&inner)?)));
    }
    Ok(found)
}

fn read_connection(table: &mut Table<'_>) -> Result<Vec<Expectation>, Complaint> {
    let mut found = Vec::new();
    if let Some(how) = table.take("closed") {
        found.push(Expectation::Closed(match how.is_string() {
            true => Some(how.one_of(&[("fin", Peer::Fin), ("reset", Peer::Reset)])?),
            false => only_true(&how).map(|()| None)?,
        }));
    }
    for (key, expectation) in [("open", Expectation::Open), ("nothing", Expectation::Nothing)] {
        if let Some(node) = table.take(key) {
            only_true(&node)?;
            found.push(expectation);
        }
    }
    if let Some(node) = table.take("bytes") {
        found.push(Expectation::Bytes(Box::new(Matcher::read(&node)?)));
    }
    Ok(found)
}

fn read_protocol(table: &mut Table<'_>) -> Result<Vec<Expectation>, Complaint> {
    let mut found = Vec::new();
    for (key, whole) in [("answer", true), ("output", false)] {
        if let Some(node) = table.take(key) {
            found.push(Expectation::Answer(Box::new(AnswerPattern::read(&node, whole)?)));
        }
    }
    if let Some(count) = table.integer("answers")? {
        found.push(Expectation::Answers(count));
    }
    if let Some(node) = table.take("record") {
        found.push(Expectation::Record(Box::new(RecordPattern::read(&node)?)));
    }
    if let Some(node) = table.take("frame") {
        found.push(Expectation::Frame(Box::new(FramePattern::read(&node)?)));
    }
    if let Some(node) = table.take("request") {
        found.push(Expectation::Request(Box::new(RequestPattern::read(&node)?)));
    }
    if let Some(contacted) = table.boolean("contacted")? {
        found.push(Expectation::Contacted(contacted));
    }
    if let Some(count) = table.integer("requests")? {
        found.push(Expectation::Requests(count));
    }
    if let Some(most) = table.integer("max_attempts")? {
        found.push(Expectation::Attempts(most));
    }
    if let Some(node) = table.take("well_formed") {
        only_true(&node)?;
        found.push(Expectation::WellFormed);
    }
    Ok(found)
}

fn only_true(node: &Node<'_>) -> Result<(), Complaint> {
    match node.boolean()? {
        true => Ok(()),
        false => Err(node.complaint("write `not = { … }` instead of false")),
    }
}

/// Never, as soon as one of them can never hold.
fn check_all(all: &[Expectation], seen: &Seen<'_>) -> Result<Notes, Unmet> {
    let mut notes = Notes::new();
    let (mut yet, mut otherwise) = (None, None);
    for expectation in all {
        match expectation.check(seen) {
            Ok(more) => notes.extend(more),
            Err(Unmet::Never(why)) => return Err(Unmet::Never(why)),
            Err(Unmet::Otherwise(why)) => otherwise = otherwise.or(Some(Unmet::Otherwise(why))),
            Err(Unmet::Yet(why)) => yet = yet.or(Some(Unmet::Yet(why))),
        }
    }
    otherwise.or(yet).map_or(Ok(notes), Err)
}

/// Yet, as long as one of them may still hold.
fn check_any(any: &[(Option<String>, Expectation)], seen: &Seen<'_>) -> Result<Notes, Unmet> {
    let mut reasons = Vec::new();
    let (mut yet, mut otherwise) = (false, false);
    for (note, expectation) in any {
        match expectation.check(seen) {
            Ok(mut notes) => {
                notes.extend(note.clone());
                return Ok(notes);
            }
            Err(unmet) => {
                yet |= matches!(unmet, Unmet::Yet(_));
                otherwise |= matches!(unmet, Unmet::Otherwise(_));
                reasons.push(unmet.why());
            }
        }
    }
    reasons.dedup();
    let why = format!("none of the permitted variants: {}", reasons.join("; "));
    Err(match (otherwise, yet) {
        (true, _) => Unmet::Otherwise(why),
        (_, true) => Unmet::Yet(why),
        _ => Unmet::Never(why),
    })
}

fn check_closed(how: Option<Peer>, seen: &Seen<'_>) -> Result<Notes, Unmet> {
    match (seen.peer(), how) {
        (Peer::Open, _) => Err(Unmet::Yet("the peer has not closed".to_owned())),
        (_, None) => Ok(Notes::new()),
        (found, Some(wanted)) if found == wanted => Ok(Notes::new()),
        (Peer::Reset, _) => Err(Unmet::Never("the peer has reset the connection".to_owned())),
        (Peer::Fin, _) => Err(Unmet::Never("the peer has closed without a reset".to_owned())),
    }
}

/// A number that can only grow.
fn exactly(wanted: usize, found: usize, too_few: impl FnOnce() -> Unmet) -> Result<Notes, Unmet> {
    match (found.cmp(&wanted), too_few()) {
        (Ordering::Equal, _) => Ok(Notes::new()),
        (Ordering::Less, unmet) => Err(unmet),
        (Ordering::Greater, unmet) => Err(Unmet::Never(unmet.why())),
    }
}

fn hold(holds: bool, seen: &Seen<'_>, why: impl FnOnce() -> String) -> Result<Notes, Unmet> {
    if holds {
        Ok(Notes::new())
    } else {
        Err(seen.unmet(why()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::content::Scope;
    use crate::net::{Link, Stream};
    use crate::notation::Source;
    use crate::protocol::Protocol;

    /// What an expectation, written in TOML, makes of what a server of FastCGI has sent.
    fn check(expectation: &str, received: &[u8]) -> Result<Notes, Unmet> {
        let text = format!("x = {expectation}");
        let source = Source::new("x", &text);
        let document = source.parse().expect("TOML");
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let expectation = Expectation::read(&table.need("x").expect("x")).expect("an expectation");
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let connection = Connection {
            link: Link::new(Stream::unix(ours).expect("a stream"), received.to_vec()),
            dialect: Dialect::Answers(Protocol::FastCgi),
        };
        let connections = BTreeMap::from([("a".to_owned(), connection)]);
        expectation.check(&Seen::new(&connections, "a", &Scope::new(Protocol::FastCgi)))
    }

    #[test]
    fn a_record_that_came_and_is_otherwise_is_not_waited_for_as_if_nothing_had_come() {
        let wanted = r#"{ record = { type = "get_values_result", id = 0, content = "" } }"#;
        let empty = b"\x01\x0a\0\0\0\0\0\0";
        let filled = b"\x01\x0a\0\0\0\x03\0\0\x01\0A";
        assert_eq!(check(wanted, empty), Ok(Notes::new()));
        assert!(matches!(check(wanted, b""), Err(Unmet::Yet(_))));
        assert!(matches!(check(wanted, filled), Err(Unmet::Otherwise(_))));
        let beside = format!("{{ all = [{wanted}, {{ closed = true }}] }}");
        assert!(matches!(check(&beside, filled), Err(Unmet::Otherwise(_))));
        let either = format!("{{ any_of = [{wanted}, {{ closed = true }}] }}");
        assert!(matches!(check(&either, filled), Err(Unmet::Otherwise(_))));
        assert!(matches!(check(&either, b""), Err(Unmet::Yet(_))));
    }

    #[test]
    fn more_attempts_than_permitted_can_never_become_fewer() {
        let source = Source::new("x", "x = { max_attempts = 2 }");
        let document = source.parse().expect("TOML");
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let expectation = Expectation::read(&table.need("x").expect("x")).expect("an expectation");
        assert!(expectation.counts_connections() && !expectation.needs_no_connection());
        let (connections, scope) = (BTreeMap::new(), Scope::new(Protocol::FastCgi));
        let seen = |attempts| Seen::new(&connections, "client", &scope).attempts(attempts);
        assert_eq!(expectation.check(&seen(2)), Ok(Notes::new()));
        let why = "the front end has tried 3 times".to_owned();
        assert_eq!(expectation.check(&seen(3)), Err(Unmet::Never(why)));
    }
}
