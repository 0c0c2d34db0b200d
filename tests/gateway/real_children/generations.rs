//! Generations of an application: what takes over, what is refused, and what that costs.

use std::fs;
use std::process::Command;

use testbed::Signal;

use super::load::Load;
use super::site::{Server, Site, eventually, members, release};

const ALL: [Server; 4] = [Server::PhpFpm, Server::Gunicorn, Server::Uwsgi, Server::Command];

/// `bridgehead app restart shop`: whether it succeeded, and what it said.
fn restart(site: &Site) -> (bool, String) {
    let output = Command::new(testbed::built("bridgehead"))
        .args(["app", "restart", "shop", "--pid", &site.gateway.pid().to_string()])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_restart_costs_no_request() {
    for server in ALL {
        let site = Site::start(server, "warm = \"/warm\"");
        site.wait_generation(1);
        let before = site.master();
        let load = Load::start(site.gateway.addr(), 3, true);
        load.go_on(30);
        for generation in 2..5 {
            let (fine, said) = restart(&site);
            assert!(
                fine && said.starts_with(&format!("generation {generation} serves")),
                "{said}"
            );
            load.go_on(30);
        }
        let seen = load.finish();
        assert_eq!(seen.refused, Vec::<String>::new(), "{server:?}");
        seen.check(&site.posts());
        eventually(&site.gateway, "the first generation ends", || {
            members(before).is_empty()
        });
        eventually(&site.gateway, "its end is told", || {
            let gone = "the generation is gone app=\"shop\" generation=1";
            site.gateway.errors().contains(gone)
        });
    }
}

/// PHP reads its files with each request, so that the pages of `warm` alone tell what a release is worth.
#[test]
fn a_broken_release_of_php_is_refused() {
    let site = Site::start(Server::PhpFpm, "warm = \"/warm\"");
    site.wait_generation(1);
    release(Server::PhpFpm, site.dir.path(), "this is no PHP;");
    let (fine, said) = restart(&site);
    assert!(!fine && said.contains("is refused"), "{said}");
    eventually(&site.gateway, "the refusal is told", || {
        let log = site.gateway.errors();
        log.contains("status 500") && log.contains("the new generation is refused")
    });
    release(Server::PhpFpm, site.dir.path(), "");
    let (fine, said) = restart(&site);
    assert!(fine, "{said}");
}

/// Each release has a directory of its own: workers of the one before may start at any time.
#[test]
fn a_broken_release_is_refused_and_the_one_before_goes_on() {
    for (server, broken, why) in [
        (
            Server::Gunicorn,
            "import nothing_of_the_kind",
            "nothing_of_the_kind",
        ),
        (Server::Uwsgi, "import nothing_of_the_kind", "nothing_of_the_kind"),
        (Server::Command, "raise SystemExit('no database')", "no database"),
    ] {
        let site = Site::start(server, "warm = \"/warm\"");
        site.wait_generation(1);
        let load = Load::start(site.gateway.addr(), 2, true);
        load.go_on(20);
        let dir = site.dir.path().join("broken");
        fs::create_dir(&dir).unwrap();
        release(server, &dir, broken);
        site.configure_at(&dir, "warm = \"/warm\"");
        site.gateway.signal(Signal::HUP).unwrap();
        let log = site.gateway.wait_errors("the new generation is refused").unwrap();
        assert!(log.contains(why), "{server:?}: {log}");
        load.go_on(20);
        let seen = load.finish();
        assert_eq!(seen.refused, Vec::<String>::new(), "{server:?}");
        seen.check(&site.posts());
    }
}

#[test]
fn a_generation_that_is_never_ready_is_refused() {
    let site = Site::start(Server::Command, "");
    site.wait_generation(1);
    release(
        Server::Command,
        site.dir.path(),
        "import time; print('waiting', flush=True); time.sleep(1000)",
    );
    site.configure("timeouts = { start = \"1s\", stop = \"1s\" }");
    site.gateway.signal(Signal::HUP).unwrap();
    let log = site.gateway.wait_errors("the new generation is refused").unwrap();
    assert!(log.contains("its last lines: waiting"), "{log}");
    assert_eq!(site.get("/x"), (200, "/x 0".to_owned()));
}

#[test]
fn a_reload_renews_what_has_other_settings_and_nothing_else() {
    let site = Site::start(Server::PhpFpm, "");
    site.wait_generation(1);
    let load = Load::start(site.gateway.addr(), 2, true);
    site.gateway.signal(Signal::HUP).unwrap();
    site.gateway.wait_errors("configuration loaded again").unwrap();
    assert!(!site.gateway.errors().contains("generation=2"));
    site.configure("env = { A = \"1\" }");
    site.gateway.signal(Signal::HUP).unwrap();
    site.wait_generation(2);
    load.go_on(20);
    let seen = load.finish();
    assert_eq!(seen.refused, Vec::<String>::new());
    seen.check(&site.posts());
}

/// The new process of the gateway has applications of its own, which serve before it does.
#[test]
fn a_replacement_of_the_gateway_costs_no_request() {
    for server in [Server::PhpFpm, Server::Gunicorn] {
        let mut site = Site::start(server, "");
        site.wait_generation(1);
        let before = site.master();
        let load = Load::start(site.gateway.addr(), 3, true);
        load.go_on(30);
        site.gateway.signal(Signal::USR2).unwrap();
        site.gateway.follow().unwrap();
        load.go_on(30);
        let seen = load.finish();
        assert_eq!(seen.refused, Vec::<String>::new(), "{server:?}");
        seen.check(&site.posts());
        assert_ne!(site.master(), before);
        eventually(&site.gateway, "the applications of the old process end", || {
            members(before).is_empty()
        });
        assert_eq!(site.get("/x").0, 200);
    }
}

#[test]
fn an_application_that_leaves_the_configuration_ends() {
    let site = Site::start(Server::Command, "");
    site.wait_generation(1);
    let master = site.master();
    site.gateway
        .write_config("[server]\ntemp_dir = \"{dir}\"\npid_file = \"{dir}/pid\"\n[[route]]\nrespond = {}\n")
        .unwrap();
    site.gateway.signal(Signal::HUP).unwrap();
    eventually(&site.gateway, "it ends", || members(master).is_empty());
    site.configure("");
    site.gateway.signal(Signal::HUP).unwrap();
    eventually(&site.gateway, "it is back", || site.get("/x").0 == 200);
}

#[test]
fn an_operator_is_told_what_there_is() {
    let site = Site::start(Server::Command, "");
    let output = Command::new(testbed::built("bridgehead"))
        .args(["app", "restart", "shp", "-c"])
        .arg(site.gateway.dir().join("bridgehead.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("there is no application `shp`; there are: shop"),
        "{said}"
    );
}
