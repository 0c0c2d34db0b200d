//! `protocol-tests/RESULTS.md`.

use std::fs;

use anyhow::{Context, Result, ensure};
use bridgehead_conform::report::{Column as Read, markdown, reasons, summary, variants};

use super::column::{self, Column};
use super::store;

/// Writes it from the results that were kept: those of this run, and those of runs before for other columns.
///
/// # Errors
///
/// When a column was never played.
pub(super) fn write() -> Result<()> {
    let (mut ordinary, mut intrusive, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for column in &column::ALL {
        ordinary.extend(read(column, false, &mut missing)?);
        if column.has_intrusive_cases() {
            intrusive.extend(read(column, true, &mut missing)?);
        }
    }
    ensure!(
        missing.is_empty(),
        "for the whole matrix, these must be played once, with --intrusive: {}",
        missing.join(" ")
    );
    let path = testbed::workspace().join("protocol-tests/RESULTS.md");
    let text = text(&ordinary, &intrusive);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn read(column: &Column, intrusive: bool, missing: &mut Vec<&str>) -> Result<Option<Read>> {
    let read = store::load(column, intrusive)?;
    if read.is_none() && !missing.contains(&column.name) {
        missing.push(column.name);
    }
    Ok(read)
}

fn text(ordinary: &[Read], intrusive: &[Read]) -> String {
    let (summary, matrix) = (summary(ordinary), markdown(ordinary));
    let dangerous = markdown(intrusive)
        .replace("\n## ", "\n### ")
        .replacen("## ", "### ", 1);
    let (chosen, known) = (variants(ordinary), reasons(&[ordinary, intrusive].concat()));
    format!(
        "{HEAD}\n# Summary\n\n{summary}\n# Cases\n\n{matrix}# Intrusive cases\n\n{INTRUSIVE}\n{dangerous}\
         # Permitted variants\n\n{chosen}\n# Known deviations\n\n{known}",
    )
    .trim_end()
    .to_owned()
        + "\n"
}

const HEAD: &str = "# Results

Made by `cargo xtask conform --intrusive --write`: real runs against the packages of Debian 12, Gunicorn and flup from
PyPI, and Bridgehead as it is here. Versions are what the programs say of themselves. Servers run the applications of
[apps](apps), front ends the configurations of [frontends](frontends). Four instances of a target run at once, each of
which gets one case at a time, and is started again when it crashed. All cases of a column take less than a minute.

`ok`: as it must be. `no`: otherwise; **no** where the level is `must`. **hang**: nothing happened any more. **crash**:
a process of the target ended, and did so again when the case was played alone. `varies`: timing decides. `–`: not
played, because the target lacks what the case needs. The reasons for deviations are at the end, and in `expectations/`.
";

const INTRUSIVE: &str = "Each against a server of its own, asked for by name. These cases can kill or wedge a server, or make it run what
nobody wants to be run.
";
