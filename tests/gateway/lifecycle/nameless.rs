//! Sockets without a file: names in the abstract name space of Linux.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

use testbed::{Client, Gateway, Signal};

use super::eventually;
use super::reload::{fixed, reload};
use crate::start;

fn config(body: &str) -> String {
    format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"unix:@{{dir}}/x\"\n{}",
        fixed(body)
    )
}

fn name(gateway: &Gateway) -> String {
    format!("{}/x", gateway.dir().display())
}

fn connect(name: &str) -> std::io::Result<UnixStream> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)
}

fn ask(name: &str) -> String {
    let mut stream = connect(name).unwrap();
    stream.write_all(b"GET /fixed HTTP/1.0\r\n\r\n").unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn an_abstract_name_is_listened_on_through_reloads_and_replacements() {
    let mut gateway = start(&config("one"));
    let name = name(&gateway);
    assert!(gateway.addresses().contains(&format!("unix:@{name}")));
    assert_eq!(ask(&name), "one");
    reload(&gateway, &config("two"));
    assert_eq!(ask(&name), "two");
    let old = gateway.pid();
    gateway.signal(Signal::USR2).unwrap();
    let new = gateway.follow().unwrap();
    assert_ne!(new, old);
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    assert_eq!(ask(&name), "two");
    // Without its line the name is free, and with it again it is ours again.
    let without = config("three").replace("[[listen]]\naddress = \"unix:@{dir}/x\"\n", "");
    reload(&gateway, &without);
    eventually("the name is free", || connect(&name).is_err());
    reload(&gateway, &config("four"));
    assert_eq!(ask(&name), "four");
    gateway.signal(Signal::TERM).unwrap();
    eventually("the end", || !gateway.is_ours(new));
    assert_eq!(
        connect(&name).unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}

#[test]
fn an_application_at_an_abstract_name_is_an_endpoint() {
    let application = start(&config("application"));
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"unix:@{}\"]\nhold = \"0s\"\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        name(&application)
    ));
    let ask = || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.request("GET", "/fixed", &[], b"").unwrap()
    };
    assert_eq!(ask().text(), "application");
    drop(application);
    let answer = ask();
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (502, Some("connect_refused"))
    );
}
