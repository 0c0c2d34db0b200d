//! What a FastCGI record must be like.

use super::matcher::show;
use super::{Matcher, Notes, Seen, Unmet};
use crate::content::{Scope, kind_number};
use crate::notation::{Complaint, Node};
use crate::wire::{self, Record};

/// Conditions on one of the records that have arrived.
#[derive(Clone, Debug)]
pub struct RecordPattern {
    kind: Option<u8>,
    id: Option<u16>,
    version: Option<u8>,
    padding: Option<u8>,
    content: Option<Matcher>,
    pairs: Vec<(String, Matcher)>,
    only_pairs: Option<Vec<String>>,
    count: Option<usize>,
}

impl RecordPattern {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let pairs = table
            .take("pairs")
            .map_or(Ok(Vec::new()), |node| node.entries())?;
        let pattern = Self {
            kind: table.take("type").map(|node| kind_number(&node)).transpose()?,
            id: table.integer("id")?,
            version: table.integer("version")?,
            padding: table.integer("padding")?,
            content: table
                .take("content")
                .map(|node| Matcher::read(&node))
                .transpose()?,
            pairs: pairs
                .into_iter()
                .map(|(name, node)| Ok((name, Matcher::read(&node)?)))
                .collect::<Result<_, _>>()?,
            only_pairs: table.take("only_pairs").map(|node| node.strings()).transpose()?,
            count: table.integer("count")?,
        };
        table.finish()?;
        Ok(pattern)
    }

    pub(super) fn check(&self, seen: &Seen<'_>) -> Result<Notes, Unmet> {
        let (records, _) = seen.records();
        let found = records
            .iter()
            .filter(|record| self.fits(record, seen.scope()))
            .count();
        match self.count {
            Some(count) if found > count => Err(Unmet::Never(format!("{found} such records, not {count}"))),
            Some(count) if found < count => Err(seen.unmet(format!("{found} such records, not {count}"))),
            None if found == 0 => {
                let why = format!("no such record among {}", words(&records));
                match self.kind.is_some() && records.iter().any(|record| self.is_meant(record)) {
                    true => Err(seen.otherwise(why)),
                    false => Err(seen.unmet(why)),
                }
            }
            _ => Ok(Notes::new()),
        }
    }

    /// Whether it is of the type and id, whatever is in it.
    fn is_meant(&self, record: &Record<'_>) -> bool {
        self.kind.is_none_or(|kind| kind == record.kind) && self.id.is_none_or(|id| id == record.id)
    }

    fn fits(&self, record: &Record<'_>, scope: &Scope) -> bool {
        self.is_meant(record)
            && self.version.is_none_or(|version| version == record.version)
            && self.padding.is_none_or(|padding| padding == record.padding)
            && self
                .content
                .as_ref()
                .is_none_or(|content| content.check(record.content, scope).is_ok())
            && self.fits_pairs(record, scope)
    }

    fn fits_pairs(&self, record: &Record<'_>, scope: &Scope) -> bool {
        if self.pairs.is_empty() && self.only_pairs.is_none() {
            return true;
        }
        let Some(pairs) = wire::pairs(record.content) else {
            return false;
        };
        let known = |name: &[u8]| match &self.only_pairs {
            Some(only) => only.iter().any(|known| known.as_bytes() == name),
            None => true,
        };
        let fits = |(name, matcher): &(String, Matcher)| {
            let values: Vec<_> = pairs
                .iter()
                .filter(|(known, _)| *known == name.as_bytes())
                .map(|(_, value)| *value)
                .collect();
            matcher.check_all(name, &values, scope).is_ok()
        };
        pairs.iter().all(|(name, _)| known(name)) && self.pairs.iter().all(fits)
    }
}

/// The records in words, for reports.
fn words(records: &[Record<'_>]) -> String {
    if records.is_empty() {
        return "no records".to_owned();
    }
    let word =
        |record: &Record<'_>| format!("type {} id {} {}", record.kind, record.id, show(record.content));
    let first: Vec<_> = records.iter().take(SHOWN).map(word).collect();
    format!("{} records: {}", records.len(), first.join(", "))
}

const SHOWN: usize = 4; // records in a report
