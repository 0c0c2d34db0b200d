//! The kit's own files: cases, profiles, known deviations.

use anyhow::{Context, Result, anyhow};
use bridgehead_conform::known::Known;
use bridgehead_conform::notation::{Case, File, Suite, embedded};
use bridgehead_conform::profile::Profile;

use super::column::Column;

/// As they were when this was compiled; cargo compiles it again when one changes.
#[derive(Debug)]
pub(super) struct Kit {
    files: Vec<File>,
}

impl Kit {
    pub(super) fn read() -> Result<Self> {
        Ok(Self { files: embedded() })
    }

    /// The cases of a column.
    pub(super) fn cases(&self, column: &Column) -> Result<Vec<Case>> {
        let suite = Suite::read(&self.files, column.protocol, column.side());
        let suite = suite.map_err(|complaints| {
            let complaints: Vec<_> = complaints.iter().map(ToString::to_string).collect();
            anyhow!(complaints.join("\n"))
        })?;
        Ok(suite.cases)
    }

    pub(super) fn profile(&self, column: &Column) -> Result<Profile> {
        Ok(Profile::read(self.file("profiles", column.profile)?)?)
    }

    /// The known deviations of a column; of the first file that has a case.
    pub(super) fn known(&self, column: &Column) -> Result<Known> {
        let mut all = Known::default();
        for name in column.known {
            all = all.and(Known::read(self.file("expectations", name)?)?);
        }
        Ok(all.speaking(column.protocol))
    }

    fn file(&self, directory: &str, name: &str) -> Result<&File> {
        let path = format!("{directory}/{name}.toml");
        let file = self.files.iter().find(|file| file.path == path);
        file.with_context(|| format!("the kit has no {path}"))
    }
}
