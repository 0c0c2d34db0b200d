//! Clear text where TLS is spoken, and the other way round.

use testbed::{Client, Gateway};

use super::Site;
use crate::start;

#[test]
fn plain_http_on_a_tls_port_is_told_so_in_the_clear() {
    let site = Site::new();
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    client
        .send("GET /a?b HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        .unwrap();
    let answers = client.read_all().unwrap();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].status, 400);
    assert_eq!(answers[0].header("bridgehead-error"), Some("clear_on_tls_port"));
    assert_eq!(answers[0].header("connection"), Some("close"));
    let line: serde_json::Value = serde_json::from_str(&site.gateway.wait_access(1).unwrap()[0]).unwrap();
    assert_eq!(
        (&line["status"], &line["target"]),
        (&400.into(), &"/a?b".into()),
        "{line}"
    );
    assert_eq!(site.backend.requests().len(), 0);
}

#[test]
fn what_follows_plain_http_on_a_tls_port_is_not_believed() {
    let site = Site::new();
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    client
        .send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        .unwrap();
    client.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.read_all().unwrap().len(), 1);
}

#[test]
fn tls_on_a_clear_port_is_named() {
    let gateway: Gateway = start("[[route]]\nrespond = { status = 200 }");
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).unwrap();
    let answer = client.read_response().unwrap();
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (400, Some("tls_on_clear_port"))
    );
}
