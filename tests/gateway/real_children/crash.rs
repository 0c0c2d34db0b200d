//! Processes that are killed while requests are under way.

use testbed::Signal;

use super::load::Load;
use super::site::{Server, Site, eventually, members, signal_process};

const ALL: [Server; 4] = [Server::PhpFpm, Server::Gunicorn, Server::Uwsgi, Server::Command];

/// The workers finish what they have, and the socket keeps what waits.
fn a_killed_master_costs_no_request(server: Server) {
    let site = Site::start(server, "");
    site.wait_generation(1);
    let load = Load::start(site.gateway.addr(), 3, server != Server::Command);
    load.go_on(60);
    for _ in 0..2 {
        let master = site.master();
        signal_process(master, Signal::KILL);
        eventually(&site.gateway, "another master", || site.master() != master);
        load.go_on(60);
    }
    let seen = load.finish();
    assert_eq!(seen.refused, Vec::<String>::new());
    seen.check(&site.posts());
    eventually(&site.gateway, "the signal is told", || {
        site.gateway.errors().contains("signal 9 (SIGKILL)")
    });
}

#[test]
fn a_killed_master_of_php_fpm_costs_no_request() {
    a_killed_master_costs_no_request(Server::PhpFpm);
}

#[test]
fn a_killed_master_of_gunicorn_costs_no_request() {
    a_killed_master_costs_no_request(Server::Gunicorn);
}

#[test]
fn a_killed_master_of_uwsgi_costs_no_request() {
    a_killed_master_costs_no_request(Server::Uwsgi);
}

/// It has no workers of its own: what it is doing is lost with it, and done again where that is allowed.
#[test]
fn a_killed_command_costs_no_request_that_may_be_repeated() {
    a_killed_master_costs_no_request(Server::Command);
}

/// Its master starts another one; a request that it had is done again, or refused when that might be wrong.
#[test]
fn a_killed_worker_costs_no_request_that_may_be_repeated() {
    for server in [Server::PhpFpm, Server::Gunicorn, Server::Uwsgi] {
        let site = Site::start(server, "");
        site.wait_generation(1);
        let load = Load::start(site.gateway.addr(), 3, true);
        for _ in 0..4 {
            load.go_on(30);
            let master = site.master();
            if let Some(worker) = members(master).into_iter().find(|pid| *pid != master) {
                signal_process(worker, Signal::KILL);
            }
        }
        load.go_on(30);
        load.finish().check(&site.posts());
    }
}

#[test]
fn nothing_is_left_of_an_application_when_the_gateway_stops_or_is_killed() {
    for server in ALL {
        for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
            let mut site = Site::start(server, "");
            site.wait_generation(1);
            let master = site.master();
            assert!(!members(master).is_empty());
            site.gateway.signal(signal).unwrap();
            site.gateway.wait(std::time::Duration::from_secs(20)).unwrap();
            eventually(&site.gateway, "the application ends", || {
                members(master).is_empty()
            });
        }
    }
}

#[test]
fn a_crash_loop_is_told_with_the_last_lines() {
    let site = Site::start(Server::Command, "");
    site.wait_generation(1);
    super::site::release(
        Server::Command,
        site.dir.path(),
        "import sys; print('no database', file=sys.stderr); sys.exit(3)",
    );
    signal_process(site.master(), Signal::KILL);
    let log = site.gateway.wait_errors("ends again and again").unwrap();
    assert!(
        log.contains("exit status 3") && log.contains("its last lines: no database"),
        "{log}"
    );
    super::site::release(Server::Command, site.dir.path(), "");
    eventually(&site.gateway, "it is back", || {
        site.get("/x") == (200, "/x 0".to_owned())
    });
}
