//! A real server, and the gateway in front of it.

use testbed::{Backend, Gateway, Kind, Options, script};

use crate::start;

/// A server with these workers and settings of its own.
pub(crate) fn server(kind: Kind, workers: usize, extra: &[&str]) -> Backend {
    let options = Options {
        workers,
        extra: extra.iter().map(|line| (*line).to_owned()).collect(),
        ..Options::default()
    };
    kind.start(&options).expect("the server starts")
}

/// A gateway in front of servers of one kind; `settings` are lines of the upstream.
pub(crate) fn front(backends: &[&Backend], settings: &str) -> Gateway {
    let kind = backends[0].kind();
    let script = match kind.protocol() {
        "fastcgi" => format!(", script_filename = \"{}\"", script(kind).display()),
        _ => String::new(),
    };
    let endpoints: Vec<_> = backends.iter().map(|backend| backend.address()).collect();
    start(&format!(
        "[upstream.app]\nprotocol = \"{}\"\nprofile = \"{}\"\nendpoints = {endpoints:?}\n{settings}\n\
         [[route]]\nproxy = {{ upstream = \"app\"{script} }}\n",
        kind.protocol(),
        kind.profile(),
    ))
}
