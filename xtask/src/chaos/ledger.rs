//! What the application says it has executed.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

/// How often each id was executed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    executions: BTreeMap<String, usize>,
}

impl Ledger {
    /// Reads the file that the application appends to. It is not there before the first request with a body.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        match fs::read_to_string(file) {
            Ok(text) => Ok(Self::of(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// How often `id` was executed.
    pub(crate) fn executions(&self, id: &str) -> usize {
        self.executions.get(id).copied().unwrap_or(0)
    }

    /// Executions beyond the first of each id.
    pub(crate) fn duplicates(&self) -> usize {
        self.executions.values().map(|times| times - 1).sum()
    }

    fn of(text: &str) -> Self {
        let mut executions = BTreeMap::new();
        for id in text.lines() {
            *executions.entry(id.to_owned()).or_insert(0) += 1;
        }
        Self { executions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_after_the_first_are_duplicates() {
        let ledger = Ledger::of("a\nb\na\nc\na\n");
        assert_eq!((ledger.executions("a"), ledger.executions("x")), (3, 0));
        assert_eq!(ledger.duplicates(), 2);
    }
}
