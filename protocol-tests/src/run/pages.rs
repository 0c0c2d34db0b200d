//! Whether the pages of the probe are as the cases need them, before the first case: what a page gets wrong would be
//! held against the server.

use std::time::Duration;

use super::{Verdict, play};
use crate::content::Scope;
use crate::notation::{Case, File, SideName, Suite};
use crate::protocol::Protocol;
use crate::side::Side;

/// A page that the target is said to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPage {
    /// Its path.
    pub path: String,
    /// What it must answer.
    pub wanted: String,
    /// The capability that stands for it.
    pub capability: String,
    /// What happened instead, in words.
    pub why: String,
}

/// Asks a server for each page that cases need, with an ordinary request.
///
/// # Errors
///
/// The first page that answers otherwise.
pub fn pages(
    side: &dyn Side,
    protocol: Protocol,
    scope: &Scope,
    needed: &[String],
    limit: Duration,
) -> Result<(), Box<BadPage>> {
    for case in &cases(protocol) {
        if !case.needs.iter().all(|need| needed.contains(need)) {
            continue;
        }
        let played = play(case, side, &scope.clone().with("case", &case.id), limit);
        if !matches!(played.verdict, Verdict::Pass(_)) {
            return Err(Box::new(BadPage {
                path: case.id.clone(),
                wanted: case.title.clone(),
                capability: case.needs.join(", "),
                why: format!("{} ({})", played.verdict.detail(), played.observed),
            }));
        }
    }
    Ok(())
}

/// A case for each page; a test reads them with every protocol.
fn cases(protocol: Protocol) -> Vec<Case> {
    let file = File {
        path: "pages.toml".to_owned(),
        text: format!("protocol = \"{protocol}\"\nside = \"server\"\n{PAGES}"),
    };
    Suite::read_alone(&file, protocol, SideName::Server)
        .map(|suite| suite.cases)
        .unwrap_or_default()
}

const PAGES: &str = include_str!("pages.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::ALL;
    use crate::net::Address;
    use crate::notation::embedded;
    use crate::profile::Profile;
    use crate::reference::{Fault as _, Listener, Seeded, server};
    use crate::side::Server;

    const PROTOCOLS: [Protocol; 3] = [Protocol::FastCgi, Protocol::Uwsgi, Protocol::Scgi];

    /// Asks the reference application, which has every page.
    fn asks(protocol: Protocol, fault: Seeded<server::Fault>) -> Result<(), Box<BadPage>> {
        let directory = tempfile::tempdir().expect("a directory");
        let address = Address::Unix(directory.path().join("s"));
        let listener = Listener::bind(&address).expect("free");
        let application = server::Server::new(protocol, fault).expect("an application");
        let _running = application.serve(listener);
        let files = embedded();
        let profile = files.iter().find(|file| file.path == "profiles/reference.toml");
        let profile = Profile::read(profile.expect("in the kit")).expect("valid");
        let (side, scope) = (Server::new(address, protocol), profile.scope(protocol, &[]));
        pages(&side, protocol, &scope, &profile.provides, Duration::from_secs(5))
    }

    #[test]
    fn there_is_a_case_for_each_page_with_every_protocol() {
        for protocol in PROTOCOLS {
            let cases = cases(protocol);
            let capabilities: Vec<_> = cases.iter().flat_map(|case| &case.needs).collect();
            assert_eq!(
                capabilities,
                ALL.iter().take(capabilities.len()).collect::<Vec<_>>()
            );
            assert_eq!(capabilities.len(), 14);
        }
    }

    #[test]
    fn the_pages_of_the_reference_application_are_right() {
        for protocol in PROTOCOLS {
            assert_eq!(asks(protocol, Seeded::NONE), Ok(()), "{protocol}");
        }
    }

    #[test]
    fn a_wrong_page_is_named_with_its_capability() {
        let fault = server::Fault::find("cookies-joined").expect("a fault").fault;
        let page = asks(Protocol::FastCgi, fault.into()).expect_err("one field instead of two");
        assert_eq!(
            (page.path.as_str(), page.capability.as_str()),
            ("/cookies", "cookies")
        );
    }
}
