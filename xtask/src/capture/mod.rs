//! `cargo xtask capture`: exchanges with real servers, as text below `fixtures/wire`. The requests are literal bytes
//! from [`request`]; the product's codecs take no part, for they are what the captures test.

mod case;
mod exchange;
mod libfcgi;
mod packages;
mod plain;
mod request;
mod server;
mod table;
mod text;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::debian::{self, Consent};
use crate::step;
use case::Case;
use server::Server;

/// Makes every file, or those whose path below `fixtures/wire` contains one of `names`.
///
/// # Errors
///
/// When a server is missing, does not start or does not answer.
pub(crate) fn run(names: &[String], consent: Consent) -> Result<()> {
    debian::ensure(&packages::all(), consent)?;
    let _apps = Apps::copy().context("cannot copy the applications to /tmp")?;
    let cases = table::cases();
    let wanted = |case: &&Case| names.is_empty() || names.iter().any(|name| case.path().contains(name));
    let cases: Vec<&Case> = cases.iter().filter(wanted).collect();
    ensure!(!cases.is_empty(), "no capture has such a name");
    for server in Server::ALL {
        let cases: Vec<&Case> = cases
            .iter()
            .copied()
            .filter(|case| case.server == server)
            .collect();
        if !cases.is_empty() {
            step::named(&format!("{server:?}"), || capture(server, &cases))?;
        }
    }
    Ok(())
}

/// A fresh server for each case: libfcgi, for one, remembers an application status.
fn capture(server: Server, cases: &[&Case]) -> Result<()> {
    let version = server.version()?;
    for case in cases {
        let running = server.start(Path::new(APPS))?;
        let traffic = exchange::perform(running.socket(), &case.turns)
            .with_context(|| format!("{}; the server's log:\n{}", case.path(), running.log()))?;
        let file = testbed::workspace().join("fixtures/wire").join(case.path());
        fs::create_dir_all(file.parent().context("a capture lies in a directory")?)?;
        fs::write(&file, text::file(case, &version, &traffic)).context("cannot write the capture")?;
        eprintln!("{}", case.path());
    }
    Ok(())
}

/// Error messages hold the path of the script, so the applications are served from a path that is the same anywhere.
struct Apps;

impl Apps {
    fn copy() -> Result<Self> {
        let apps = Self;
        let from = testbed::workspace().join("examples/apps");
        for file in ["php/index.php", "flask/app.py", "cgi/app.pl"] {
            let to = Path::new(APPS).join(file);
            fs::create_dir_all(to.parent().context("an application lies in a directory")?)?;
            fs::copy(from.join(file), to)?;
        }
        Ok(apps)
    }
}

impl Drop for Apps {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(APPS); // what is left there is replaced by the next capture
    }
}

const APPS: &str = "/tmp/bridgehead-capture";
