//! What the gateway is told.

use std::path::PathBuf;

use testbed::Kind;

use super::identity::Identity;
use super::layout::{Beside, Changes, Layout};

/// The text of a generation. Deadlines are of seconds, not minutes, so that a case sees them pass. The rest are the
/// defaults.
pub(crate) fn text(
    kind: Kind,
    layout: Layout,
    endpoints: &[String],
    identity: Option<&Identity>,
    generation: usize,
) -> String {
    let (server, unbuffered) = stalling(kind, layout, name(layout, generation));
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\n{server}\
         [[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 4096\n\
         {tls}{upstream}\
         [[route]]\npath = \"/ledger\"\n{handler}\n{unbuffered}\
         [[route]]\npath = \"{GENERATION}\"\nrespond = {{ status = 200, body = \"{generation}\\n\" }}\n",
        tls = identity.map(Identity::settings).unwrap_or_default(),
        upstream = upstream(kind, layout, endpoints, generation),
        handler = handler(kind, name(layout, generation)),
    )
}

/// Where the application is.
pub(crate) fn app() -> PathBuf {
    testbed::workspace().join("examples/apps/ledger")
}

fn upstream(kind: Kind, layout: Layout, endpoints: &[String], generation: usize) -> String {
    let head = match layout.beside {
        Beside::Silent => HEAD_TIMEOUT,
        _ => PATIENCE,
    };
    let (queue, head, keep_alive) = match layout.changes {
        Changes::Queue => (QUEUE + generation / 2 % 2, head, String::new()),
        Changes::Upstream => {
            let keep_alive = kept(kind, layout, generation);
            (QUEUE + generation % 2, head + generation as u64 % 3, keep_alive)
        }
    };
    format!(
        "[upstream.{name}]\nprotocol = \"{protocol}\"\nprofile = \"{profile}\"\nendpoints = {endpoints:?}\n\
         max_connections = {slots}\nqueue = {{ size = {queue}, timeout = \"60s\" }}\n\
         timeouts = {{ connect = \"2s\", head = \"{head}s\" }}\n{keep_alive}",
        name = name(layout, generation),
        protocol = kind.protocol(),
        profile = kind.profile(),
        slots = layout.slots,
    )
}

/// None, some, all but one: uWSGI keeps no connection, and each of the others' has a worker.
fn kept(kind: Kind, layout: Layout, generation: usize) -> String {
    match kind.profile() {
        "uwsgi" => String::new(),
        _ => format!("keep_alive = {}\n", generation % 3 * (layout.slots - 1) / 2),
    }
}

fn name(layout: Layout, generation: usize) -> &'static str {
    match (layout.changes, generation / 2 % 2) {
        (Changes::Upstream, 1) => "renamed",
        _ => "app",
    }
}

fn handler(kind: Kind, upstream: &str) -> String {
    match kind {
        Kind::PhpFpm | Kind::PhpCgi => format!(
            "php = {{ upstream = \"{upstream}\", root = {:?}, front_controller = \"/index.php\" }}",
            app()
        ),
        _ => format!("proxy = {{ upstream = \"{upstream}\" }}"),
    }
}

/// More for `[server]`, and another route.
fn stalling(kind: Kind, layout: Layout, upstream: &str) -> (String, String) {
    if !layout.stalling {
        return (String::new(), String::new());
    }
    let server = format!("timeouts = {{ send = \"{SEND_TIMEOUT}s\" }}\n");
    let route = format!(
        "[[route]]\npath = \"{UNBUFFERED}\"\nbuffering = {{ response = false }}\n{}\n",
        handler(kind, upstream)
    );
    (server, route)
}

/// Where the gateway answers with the generation of its configuration.
pub(crate) const GENERATION: &str = "/generation";

/// Where answers are not buffered: a client that takes nothing has a worker until it is given up.
pub(crate) const UNBUFFERED: &str = "/ledger/unbuffered";

/// Until a client is given up that takes nothing, in seconds, where that is short.
pub(crate) const SEND_TIMEOUT: u64 = 2;

/// Until a scripted endpoint that failed is tried again, in seconds.
pub(crate) const FAIL_TIMEOUT: u64 = 2;

/// Until an endpoint beside which there is a silent one has to answer, in seconds.
pub(crate) const HEAD_TIMEOUT: u64 = 2;

const PATIENCE: u64 = 20; // seconds to answer where no endpoint is silent
const QUEUE: usize = 8192; // requests; none of the cases may fill it

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generation_of_a_changed_upstream_is_another_one() {
        let layout = Layout {
            changes: Changes::Upstream,
            ..Layout::PLAIN
        };
        for kind in [Kind::PhpFpm, Kind::UwsgiUwsgi, Kind::GunicornHttp] {
            let of = |generation| upstream(kind, layout, &[], generation);
            assert!((0..60).all(|generation| of(generation) != of(generation + 1)));
            assert!((0..60).any(|generation| of(generation).contains("[upstream.renamed]")));
        }
    }
}
