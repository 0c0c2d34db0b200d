//! Which clients may ask, and when nothing is answered.

use std::fs;
use std::time::{Duration, Instant};

use testbed::{Client, Response};

use super::ask;
use crate::start;

#[test]
fn the_smallest_network_decides_who_may_ask() {
    let gateway = start(
        r#"
        [server]
        temp_dir = "{dir}"
        trusted_proxies = ["127.0.0.0/8"]
        [[route]]
        respond = { body = "open" }
        [[route]]
        path = "/office"
        access = { allow = ["10.0.0.0/8"], deny = ["10.1.0.0/16"] }
        respond = { body = "office" }
        "#,
    );
    for (from, target, status) in [
        ("10.2.3.4", "/office", 200),
        ("10.1.3.4", "/office", 403),
        ("192.0.2.1", "/office", 403),
        ("192.0.2.1", "/", 200),
    ] {
        let answer = ask(&gateway, "GET", "a.test", target, &[("X-Forwarded-For", from)]);
        assert_eq!(answer.status, status, "{from} {target}");
        let refused = (status == 403).then_some("not_allowed");
        assert_eq!(answer.header("bridgehead-error"), refused);
    }
}

/// The switch is looked for once a second: asks on one connection until the answer is as wanted.
fn until(client: &mut Client, status: u16) -> Response {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = client.request("GET", "/", &[("Host", "a.test")], b"").unwrap();
        if answer.status == status {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {}", answer.status);
    }
}

#[test]
fn a_site_is_closed_as_long_as_its_file_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let switch = dir.path().join("closed.html");
    let gateway = start(&format!(
        "[snippet.site]\nmaintenance = {{ file = \"{}\", retry_after = \"2m\" }}\nheaders = {{ X-A = \"1\" }}\n\
         [[route]]\nuse = \"site\"\nrespond = {{ body = \"open\" }}\n\
         [[route]]\npath = \"/healthz\"\nrespond = {{}}\n",
        switch.display()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(until(&mut client, 200).text(), "open");
    fs::write(&switch, "<h1>Back soon</h1>").unwrap();
    let closed = until(&mut client, 503);
    assert_eq!(closed.text(), "<h1>Back soon</h1>");
    for (name, value) in [
        ("retry-after", "120"),
        ("content-type", "text/html; charset=utf-8"),
        ("bridgehead-error", "maintenance"),
        ("x-a", "1"),
    ] {
        assert_eq!(closed.header(name), Some(value), "{name}");
    }
    assert_eq!(ask(&gateway, "GET", "a.test", "/healthz", &[]).status, 200);
    fs::remove_file(&switch).unwrap();
    assert_eq!(until(&mut client, 200).text(), "open");
}
