//! Whether a target can be tested at all: one ordinary request, before the first case.
//!
//! Without this a target that is not there, or that looks elsewhere, would fail most cases, and pass those that demand
//! no more than a close.

use std::time::Duration;

use super::{Verdict, play};
use crate::content::Scope;
use crate::notation::{File, SideName, Suite};
use crate::protocol::Protocol;
use crate::side::Side;

/// Sends an ordinary request. A server has to answer it, with whatever status; a front end has to pass it on.
///
/// # Errors
///
/// What happened instead, in words.
pub fn preflight(
    side: &dyn Side,
    (protocol, name): (Protocol, SideName),
    scope: &Scope,
    limit: Duration,
) -> Result<(), String> {
    let steps = match (name, protocol) {
        (SideName::Server, Protocol::Http) => return Ok(()), // the kit has no cases for those
        (SideName::Server, _) => SERVER,
        (SideName::Frontend, _) => FRONTEND,
    };
    let head = format!("protocol = \"{protocol}\"\nside = \"{}\"\n", name.name());
    let file = File {
        path: "preflight".to_owned(),
        text: head + CASE + steps,
    };
    let suite = Suite::read_alone(&file, protocol, name).map_err(|complaints| complaints[0].to_string())?;
    for case in &suite.cases {
        let played = play(case, side, &scope.clone().with("case", &case.id), limit);
        if !matches!(played.verdict, Verdict::Pass(_)) {
            let observed = match played.observed.as_str() {
                "" => String::new(),
                observed => format!(" ({observed})"),
            };
            return Err(played.verdict.detail() + &observed);
        }
    }
    Ok(())
}

const CASE: &str = r#"
[[case]]
id = "preflight"
title = "An ordinary request"
spec = "none"
level = "must"
why = "Who cannot do this cannot be tested."
"#;

const SERVER: &str = r#"
step = [
    { send = { request = { path = "/env" } } },
    { expect = { answer = {} } },
]
"#;

const FRONTEND: &str = r#"
step = [
    { send = { lines = ["GET ${base}preflight?case=${token} HTTP/1.1", "Host: ${host}", "Connection: close", ""] } },
    { on = "backend", expect = { request = { complete = true } } },
    { on = "backend", send = { reply = { status = 200, body = "ready" } } },
    { on = "backend", do = "close" },
    { expect = { any_of = [{ answer = {} }, { closed = true }] } },
]
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Address;
    use crate::notation::embedded;
    use crate::profile::Profile;
    use crate::reference::{Listener, Seeded, server};
    use crate::side::Server;

    const LIMIT: Duration = Duration::from_millis(500);

    fn asks(address: &Address) -> Result<(), String> {
        let protocol = Protocol::Scgi;
        let side = Server::new(address.clone(), protocol);
        let files = embedded();
        let generic = files.iter().find(|file| file.path == "profiles/generic.toml");
        let generic = Profile::read(generic.expect("in the kit")).expect("valid");
        let scope = generic.scope(protocol, &[]);
        preflight(&side, (protocol, SideName::Server), &scope, LIMIT)
    }

    #[test]
    fn a_target_that_answers_can_be_tested_and_one_that_is_away_or_closes_cannot() {
        let directory = tempfile::tempdir().expect("a directory");
        let address = Address::Unix(directory.path().join("s"));
        assert!(asks(&address).expect_err("nobody").contains("cannot connect"));
        let listener = Listener::bind(&address).expect("free");
        let application = server::Server::new(Protocol::Scgi, Seeded::NONE).expect("an application");
        let running = application.serve(listener);
        assert_eq!(asks(&address), Ok(()));
        drop(running);
        let closing = std::os::unix::net::UnixListener::bind(directory.path().join("t")).expect("free");
        std::thread::spawn(move || closing.incoming().for_each(drop));
        assert!(asks(&Address::Unix(directory.path().join("t"))).is_err());
    }
}
