//! Questions of the DNS for the records of challenges, while the process changes.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

use bridgehead::acme::dns::Records;
use tempfile::TempDir;
use testbed::{DirectoryScript, Gateway, Signal, install_program};

use super::Site;
use super::site::{HOST, free};

/// What is published before the gateway starts.
const VALUE: &[u8] = b"the-answer-to-a-challenge";

/// Whether each of some questions, from as many ports, is answered with the record.
fn are_answered(server: SocketAddr) -> bool {
    (0..16).all(|number| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut question = vec![0, number, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in ["_acme-challenge", "shop", "example", ""] {
            question.push(label.len() as u8);
            question.extend(label.as_bytes());
        }
        question.extend([0, 16, 0, 1]);
        socket.send_to(&question, server).unwrap();
        let mut answer = [0; 512];
        let count = socket.recv(&mut answer).unwrap_or(0);
        answer[..count].windows(VALUE.len()).any(|text| text == VALUE)
    })
}

fn publish(site: &Site) {
    let value = std::str::from_utf8(VALUE).unwrap();
    Records::new(site.store.path()).publish(HOST, value).unwrap();
}

/// Keeps the process that it leads to from ending.
fn hold(site: &Site) -> TcpStream {
    let mut client = TcpStream::connect(site.http).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    client
}

fn acme(dns: SocketAddr) -> String {
    format!("challenge = \"http-01\"\ndns = {{ address = \"{dns}\" }}")
}

#[test]
fn questions_are_answered_by_the_process_that_takes_the_place_of_another() {
    let (site, dns) = (Site::new(DirectoryScript::default()), free());
    publish(&site);
    let mut gateway = site.start(&acme(dns), "");
    site.wait_certificate(&gateway);
    assert!(are_answered(dns));
    let _client = hold(&site);
    gateway.signal(Signal::USR2).unwrap();
    gateway.follow().unwrap();
    assert!(are_answered(dns));
}

#[test]
fn a_reload_keeps_the_address_that_it_had_and_takes_another_one() {
    let (site, first, second) = (Site::new(DirectoryScript::default()), free(), free());
    publish(&site);
    let gateway = site.start(&acme(first), "");
    site.wait_certificate(&gateway);
    let both = format!("challenge = \"http-01\"\ndns = {{ address = [\"{first}\", \"{second}\"] }}");
    gateway.write_config(&site.config(&both, "")).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    gateway.wait_errors("configuration loaded again").unwrap();
    assert!(are_answered(first) && are_answered(second));
}

/// A port below 1024, that the second process, which is not root any more, could not have.
#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn who_gave_up_privileges_hands_a_port_of_root_on() {
    let site = Site::new(DirectoryScript::default());
    // An address that hardly anything else uses.
    let [.., high, low] = std::process::id().to_be_bytes();
    let dns = SocketAddr::from(([127, 53, high, low], 53));
    publish(&site);
    let open = TempDir::with_prefix("bh-").unwrap();
    fs::set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
    let program = open.path().join("bridgehead");
    install_program(&testbed::built("bridgehead"), &program).unwrap();
    let nobody = number_of_nobody();
    give(site.store.path(), nobody);
    let user = "[server]\ntemp_dir = \"/var/tmp\"\nuser = \"nobody\"\n";
    let config = format!("{user}{}", site.config(&acme(dns), ""));
    let mut gateway = Gateway::start(&program, &config).unwrap();
    fs::set_permissions(gateway.dir(), Permissions::from_mode(0o755)).unwrap();
    assert!(are_answered(dns));
    let _client = hold(&site);
    gateway.signal(Signal::USR2).unwrap();
    gateway.follow().unwrap();
    assert!(are_answered(dns));
}

/// The number of the user `nobody`.
fn number_of_nobody() -> u32 {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("nobody:")).unwrap();
    line.split(':').nth(2).unwrap().parse().unwrap()
}

/// Gives a directory, and all in it, to a user.
fn give(path: &std::path::Path, user: u32) {
    chown(path, Some(user), None).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}
