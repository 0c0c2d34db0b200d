//! What an application is started with.

use std::fs;

use super::site::{Server, Site, eventually};

#[test]
fn the_environment_is_what_is_listed_and_little_else() {
    let site = Site::start(
        Server::Command,
        "env = { SHOP = \"open\" }\npass_env = \"CARGO_MANIFEST_DIR\"",
    );
    site.wait_generation(1);
    assert_eq!(site.get("/env/SHOP").1, "open");
    assert_eq!(site.get("/env/LISTEN_FDS").1, "1");
    assert_eq!(site.get("/env/LISTEN_PID").1, site.get("/pid").1);
    assert_eq!(site.get("/env/CARGO_PKG_NAME").1, "");
    assert_eq!(
        site.get("/env/CARGO_MANIFEST_DIR").1,
        std::env::var("CARGO_MANIFEST_DIR").unwrap()
    );
}

#[test]
fn limits_and_modes_are_set_before_it_begins() {
    let site = Site::start(
        Server::Command,
        "umask = \"027\"\nnice = 3\nlimits = { files = 77, core = 0 }\nuser = \"nobody\"",
    );
    site.wait_generation(1);
    let pid = site.get("/pid").1;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    assert_eq!(line("Umask:"), "0027");
    assert!(line("Uid:").starts_with("65534"), "{status}");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("77"));
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = stat.rsplit_once(") ").unwrap().1;
    assert_eq!(rest.split(' ').nth(16), Some("3"), "niceness");
}

#[test]
fn what_cannot_be_started_is_told_with_the_key_that_helps() {
    let site = Site::start(Server::Gunicorn, "umask = \"022\"");
    site.wait_generation(1);
    let config = site.gateway.dir().join("bridgehead.toml");
    let text = fs::read_to_string(&config).unwrap();
    let line = text.lines().find(|line| line.starts_with("program = ")).unwrap();
    fs::write(&config, text.replace(line, "program = \"/nonexistent/gunicorn\"")).unwrap();
    site.gateway.signal(testbed::Signal::HUP).unwrap();
    let told = "cannot start /nonexistent/gunicorn";
    eventually(&site.gateway, told, || {
        let log = site.gateway.errors();
        log.contains(told) && log.contains("the key `program`") && log.contains("is refused")
    });
    assert_eq!(site.get("/x").0, 200);
}
