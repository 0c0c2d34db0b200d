//! One step of a case.

use std::time::Duration;

use super::node::parse_duration;
use super::{Complaint, Node, Table};
use crate::content::{Content, Scope};
use crate::expect::Expectation;

/// One thing done on one connection.
#[derive(Clone, Debug)]
pub struct Step {
    /// The name of the connection; without it the first of the side.
    pub on: Option<String>,
    /// What is done.
    pub action: Action,
    /// For reports.
    pub note: Option<String>,
    /// The line in the file.
    pub line: usize,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Writes.
    Send {
        /// What.
        content: Content,
        /// In which pieces.
        split: Split,
        /// Time between the pieces.
        pause: Duration,
        /// Whether later steps go on while it is written.
        aside: bool,
    },
    /// Waits until something holds, or looks whether it does after a while.
    Expect {
        /// What.
        expectation: Expectation,
        /// How long at most; without it the limit of the run.
        within: Option<Limit>,
        /// How long to watch before judging.
        after: Option<Duration>,
    },
    /// From now on answers every request of the front end with this.
    Serve(Content),
    /// Lets time pass.
    Wait(Duration),
    /// Does something to the connection.
    Do(Operation),
}

/// A time that may be a value of the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// As it is.
    Fixed(Duration),
    /// A reference to a value, such as `${patience}`.
    Value(String),
}

impl Limit {
    fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        match node.string()? {
            text if text.starts_with("${") => Ok(Self::Value(text)),
            _ => node.duration().map(Self::Fixed),
        }
    }

    /// The time.
    ///
    /// # Errors
    ///
    /// When there is no such value, or it is no time.
    pub fn resolve(&self, scope: &Scope) -> Result<Duration, String> {
        match self {
            Self::Fixed(time) => Ok(*time),
            Self::Value(text) => {
                let value = scope.expand(text).map_err(|missing| missing.to_string())?;
                parse_duration(&value).ok_or_else(|| {
                    format!("{text} is `{value}`, which is not a time: write \"50ms\" or \"2s\"")
                })
            }
        }
    }
}

/// How content is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// Not at all.
    Whole,
    /// After these offsets.
    At(Vec<usize>),
    /// Into pieces of so many bytes.
    Every(usize),
    /// One write for each unit.
    Units,
    /// Once for every offset, the whole case each time.
    EveryOffset,
}

/// What can be done to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opens it, and sends nothing.
    Connect,
    /// Ends our direction.
    HalfClose,
    /// Closes.
    Close,
    /// Closes with a reset.
    Reset,
    /// Leaves what arrives in the kernel.
    StopReading,
    /// Reads again.
    Read,
    /// Closes every further connection of the front end for this play: its retries.
    Refuse,
    /// Closes every connection of the front end unread, whoever it is for, until the play ends.
    Deny,
}

impl Step {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let step = Self {
            on: table.string("on")?,
            note: table.string("note")?,
            action: read_action(&mut table)?,
            line: node.complaint("").line,
        };
        table.finish()?;
        Ok(step)
    }
}

fn read_action(table: &mut Table<'_>) -> Result<Action, Complaint> {
    let given: Vec<_> = ["send", "expect", "wait", "do", "serve"]
        .into_iter()
        .filter(|key| table.has(key))
        .collect();
    let [key] = given.as_slice() else {
        return Err(table.complaint("a step has exactly one of send, expect, wait, do, serve"));
    };
    let node = table.need(key)?;
    match *key {
        "send" => Ok(Action::Send {
            content: Content::read(&node)?,
            split: table
                .take("split")
                .map_or(Ok(Split::Whole), |node| read_split(&node))?,
            pause: table.duration("pause")?.unwrap_or_default(),
            aside: table.boolean("aside")?.unwrap_or_default(),
        }),
        "expect" => Ok(Action::Expect {
            expectation: Expectation::read(&node)?,
            within: table.take("within").map(|node| Limit::read(&node)).transpose()?,
            after: table.duration("after")?,
        }),
        "wait" => node.duration().map(Action::Wait),
        "serve" => Content::read(&node).map(Action::Serve),
        _ => node.one_of(&OPERATIONS).map(Action::Do),
    }
}

fn read_split(node: &Node<'_>) -> Result<Split, Complaint> {
    if node.is_string() {
        return Ok(
            match node.one_of(&[("bytewise", 'b'), ("records", 'r'), ("every-offset", 'e')])? {
                'b' => Split::Every(1),
                'r' => Split::Units,
                _ => Split::EveryOffset,
            },
        );
    }
    if node.is_table() {
        let mut table = node.table()?;
        let every = table.need("every")?.integer::<usize>()?.max(1);
        table.finish()?;
        return Ok(Split::Every(every));
    }
    let offsets = node.items()?;
    offsets
        .iter()
        .map(Node::integer)
        .collect::<Result<_, _>>()
        .map(Split::At)
}

const OPERATIONS: [(&str, Operation); 8] = [
    ("connect", Operation::Connect),
    ("half-close", Operation::HalfClose),
    ("close", Operation::Close),
    ("reset", Operation::Reset),
    ("stop-reading", Operation::StopReading),
    ("read", Operation::Read),
    ("refuse", Operation::Refuse),
    ("deny", Operation::Deny),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    #[test]
    fn a_limit_can_be_a_value_of_the_profile() {
        let limit = Limit::Value("${patience}".to_owned());
        let scope = Scope::new(Protocol::FastCgi);
        assert_eq!(limit.resolve(&scope), Ok(Duration::from_secs(10)));
        assert_eq!(
            limit.resolve(&scope.clone().with("patience", "35s")),
            Ok(Duration::from_secs(35))
        );
        let why = limit.resolve(&scope.with("patience", "long"));
        assert!(why.expect_err("no time").starts_with("${patience} is `long`"));
    }
}
