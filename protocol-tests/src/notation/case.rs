//! A case: what is done, what must be observed, and why.

use std::fmt;
use std::str::FromStr;

use toml::Spanned;
use toml::de::DeValue;

use super::{Complaint, Node, Source, Step, Table};

/// One case of the catalogue.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique among the cases of a protocol and side.
    pub id: String,
    /// What is tested, as a sentence.
    pub title: String,
    /// The section of the specification.
    pub spec: String,
    /// Who demands it.
    pub level: Level,
    /// Capabilities that the target must have.
    pub needs: Vec<String>,
    /// Whether it can kill or wedge the target.
    pub intrusive: bool,
    /// Whether no other case may be played at the same time.
    pub alone: bool,
    /// Whether it is only played when its whole id is asked for.
    pub by_name: bool,
    /// Why it matters.
    pub why: String,
    /// The ways in which it is played; all must pass.
    pub variants: Vec<Variant>,
    /// The file and line.
    pub place: String,
}

/// A case with the value that `for` gives.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Name and value.
    pub binding: Option<(String, String)>,
    /// What is done.
    pub steps: Vec<Step>,
}

/// Who demands what a case tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The specification, or safety.
    Must,
    /// The specification recommends it, or good sense.
    Should,
    /// Existing peers need it.
    RealWorld,
}

/// Who is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideName {
    /// An application server.
    Server,
    /// An HTTP front end.
    Frontend,
}

impl Case {
    /// Reads a case, once for each value of `for`.
    pub(super) fn read(value: &Spanned<DeValue<'_>>, source: Source<'_>) -> Result<Self, Complaint> {
        let mut table = Node::new(value, source).table()?;
        let bindings = read_bindings(&mut table)?;
        let mut case = Self {
            id: table.need("id")?.string()?,
            title: table.need("title")?.string()?,
            spec: table.need("spec")?.string()?,
            level: table.need("level")?.one_of(&LEVELS)?,
            needs: table.strings("needs")?,
            intrusive: table.boolean("intrusive")?.unwrap_or_default(),
            alone: table.boolean("alone")?.unwrap_or_default(),
            by_name: table.boolean("by_name")?.unwrap_or_default(),
            why: table.need("why")?.string()?,
            variants: Vec::new(),
            place: format!("{}:{}", source.file, table.complaint("").line),
        };
        table.need("step")?;
        table.finish()?;
        for binding in bindings {
            let bound = binding
                .as_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let steps = read_steps(
                value,
                Source {
                    binding: bound,
                    ..source
                },
            )?;
            case.variants.push(Variant { binding, steps });
        }
        Ok(case)
    }
}

impl Case {
    /// Whether it is played when all others are over.
    pub fn is_alone(&self) -> bool {
        self.alone || self.intrusive
    }
}

/// The values of `for`; one `None` without it.
fn read_bindings(table: &mut Table<'_>) -> Result<Vec<Option<(String, String)>>, Complaint> {
    let Some(node) = table.take("for") else {
        return Ok(vec![None]);
    };
    let entries = node.entries()?;
    let [(name, values)] = entries.as_slice() else {
        return Err(node.complaint("`for` has exactly one name"));
    };
    let value = |item: &Node<'_>| item.scalar().map(|value| Some((name.clone(), value)));
    values.items()?.iter().map(value).collect()
}

fn read_steps<'a>(value: &'a Spanned<DeValue<'a>>, source: Source<'a>) -> Result<Vec<Step>, Complaint> {
    let steps = Node::new(value, source).table()?.need("step")?;
    steps.items()?.iter().map(Step::read).collect()
}

impl Level {
    /// As case files and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::RealWorld => "real-world",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = LEVELS.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, level)| *level)
            .ok_or_else(|| format!("`{name}` is not a level: must, should or real-world"))
    }
}

impl SideName {
    /// As case files and directories write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Frontend => "frontend",
        }
    }
}

const LEVELS: [(&str, Level); 3] = [
    ("must", Level::Must),
    ("should", Level::Should),
    ("real-world", Level::RealWorld),
];
