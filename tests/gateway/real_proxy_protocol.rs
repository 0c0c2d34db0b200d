//! HAProxy in front of us and behind us: it announces its clients, and is told of ours.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;
use testbed::{Client, Gateway, Process, free_address};

use crate::start;

/// HAProxy with these sections.
fn haproxy(sections: &str, listens: SocketAddr) -> Process {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let file = dir.path().join("haproxy.cfg");
    let text = format!(
        "defaults\ntimeout connect 5s\ntimeout client 20s\ntimeout server 20s\ntimeout check 2s\n{sections}"
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Process::start(command, dir, || Client::connect(listens).is_ok())
        .expect("haproxy is installed: apt-get install -y --no-install-recommends haproxy")
}

fn address() -> SocketAddr {
    free_address(Ipv4Addr::LOCALHOST.into()).unwrap()
}

/// A gateway that takes what HAProxy says, and asks it as an application with `version`.
fn gateway(version: &str, application: SocketAddr) -> Gateway {
    start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = {{ from = [\"127.0.0.0/8\"] }}\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{application}\"]\nproxy_protocol = \"{version}\"\n\
         keep_alive = 2\nhealth = {{ path = \"/health\", interval = \"100ms\" }}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n"
    ))
}

/// An application that answers with the ends of the connection as it was told of them.
fn application(listens: SocketAddr) -> Process {
    let sections = format!(
        "frontend app\nmode http\nbind {listens} accept-proxy\n\
         http-request return status 200 content-type text/plain lf-string \"%[src] %[dst] %[dst_port]\"\n"
    );
    // It answers no connection without a header, and accepts it all the same.
    haproxy(&sections, listens)
}

#[test]
fn haproxy_in_front_and_behind_agrees_about_the_client() {
    let told = address();
    let _application = application(told);
    for version in ["v1", "v2"] {
        let gateway = gateway(version, told);
        for sends in [
            "send-proxy",
            "send-proxy-v2",
            "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        ] {
            let front = address();
            let _haproxy = haproxy(
                &format!(
                    "listen front\nmode tcp\nbind {front}\nunique-id-format %pid\n\
                     server gateway {} {sends} source 127.0.0.2\n",
                    gateway.addr()
                ),
                front,
            );
            let mut client = Client::connect(front).unwrap();
            for _ in 0..2 {
                let answer = client.request("GET", "/", &[], b"").unwrap();
                let expected = format!("127.0.0.1 127.0.0.1 {}", front.port());
                assert_eq!(
                    (answer.status, answer.text()),
                    (200, expected),
                    "{sends} {version}"
                );
            }
        }
        for line in gateway.wait_access(6).unwrap() {
            assert!(line.contains("\"remote\":\"127.0.0.1\""), "{line}");
        }
        assert!(
            !gateway.errors().contains("endpoint is down"),
            "{}",
            gateway.errors()
        );
    }
}

#[test]
fn checks_of_haproxy_find_us_alive() {
    let told = address();
    let _application = application(told);
    let gateway = gateway("v2", told);
    for check in [
        "send-proxy check check-send-proxy inter 100ms",
        "send-proxy-v2 check check-send-proxy inter 100ms",
        // This one only connects.
        "send-proxy-v2 check port-of-its-own",
    ] {
        let front = address();
        let http = if check.contains("check-send-proxy") {
            "option httpchk GET /\n"
        } else {
            ""
        };
        let check = check.replace(" port-of-its-own", " inter 100ms");
        let _haproxy = haproxy(
            &format!(
                "listen front\nmode tcp\n{http}bind {front}\nserver gateway {} {check}\n",
                gateway.addr()
            ),
            front,
        );
        let before = gateway.access().len();
        if !http.is_empty() {
            gateway.wait_access(before + 3).unwrap();
        }
        let answer = Client::connect(front)
            .unwrap()
            .request("GET", "/", &[], b"")
            .unwrap();
        assert_eq!(answer.status, 200, "{check}");
    }
    assert!(!gateway.errors().contains("proxy_header"), "{}", gateway.errors());
}
