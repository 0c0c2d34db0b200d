//! Stops that lose nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testbed::{Client, Signal};

use super::{backend, eventually};
use crate::start;

const LIMIT: Duration = Duration::from_secs(10);
const ROUTE: &str = "[[route]]\nrespond = { body = \"fine\" }\n";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn server(timeouts: &str) -> String {
    format!("[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ {timeouts} }}\n{ROUTE}")
}

fn is_last(answer: &testbed::Response) {
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
}

#[test]
fn idle_and_silent_connections_have_a_last_chance() {
    let mut gateway = start(&server("grace = \"5s\""));
    let mut idle = Client::connect(gateway.addr()).unwrap();
    assert_eq!(
        idle.request("GET", "/", &[], b"").unwrap().header("connection"),
        None
    );
    let mut silent = Client::connect(gateway.addr()).unwrap();
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait_errors("stopping").unwrap();
    eventually("the listener closes", || {
        TcpStream::connect(gateway.addr()).is_err()
    });
    for client in [&mut idle, &mut silent] {
        is_last(&client.request("GET", "/", &[], b"").unwrap());
        assert_eq!(client.rest().unwrap(), b"");
    }
    drop((idle, silent));
    assert!(gateway.wait(LIMIT).unwrap().success());
}

#[test]
fn half_a_head_is_waited_for() {
    let mut gateway = start(&server("grace = \"100ms\""));
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    let (first, rest) = REQUEST.split_at(10);
    client.send(first).unwrap();
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait_errors("stopping").unwrap();
    // Much longer than the grace: only the drain would end it.
    std::thread::sleep(Duration::from_millis(500));
    client.send(rest).unwrap();
    is_last(&client.read_response().unwrap());
    drop(client);
    assert!(gateway.wait(LIMIT).unwrap().success());
}

#[test]
fn who_waits_in_the_backlog_is_answered() {
    // One client is let in, the others wait in the kernel until the stop.
    let mut gateway = start(
        "[server]\ntemp_dir = \"{dir}\"\nmax_connections = 1\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"unix:{dir}/x.sock\"\n\
         [[route]]\nrespond = { body = \"fine\" }\n",
    );
    let mut first = Client::connect(gateway.addr()).unwrap();
    assert_eq!(first.request("GET", "/", &[], b"").unwrap().status, 200);
    let mut waiting: Vec<Box<dyn ReadWrite>> = Vec::new();
    for _ in 0..5 {
        waiting.push(Box::new(TcpStream::connect(gateway.addr()).unwrap()));
        waiting.push(Box::new(
            UnixStream::connect(gateway.dir().join("x.sock")).unwrap(),
        ));
    }
    for client in &mut waiting {
        client.write_all(REQUEST).unwrap();
    }
    gateway.signal(Signal::TERM).unwrap();
    for mut client in waiting {
        let mut all = String::new();
        client.read_to_string(&mut all).unwrap();
        assert!(
            all.starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("fine"),
            "{all:?}"
        );
    }
    drop(first);
    assert!(gateway.wait(LIMIT).unwrap().success());
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

#[test]
fn a_tunnel_is_waited_for_until_the_deadline() {
    let backend = testbed::Scripted::start(|mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
        let mut bytes = [0; 64];
        while let count @ 1.. = connection.read(&mut bytes)? {
            connection.write(&bytes[..count])?;
        }
        Ok(())
    })
    .unwrap();
    let mut gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    client.send_request("GET", "/", &fields, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    gateway.signal(Signal::TERM).unwrap();
    eventually("the listener closes", || {
        TcpStream::connect(gateway.addr()).is_err()
    });
    client.send("still here").unwrap();
    assert_eq!(client.take(10).unwrap(), b"still here");
    client.stream().shutdown(Shutdown::Both).unwrap();
    assert!(gateway.wait(LIMIT).unwrap().success());
}

#[test]
fn a_stop_under_load_answers_everything_that_was_accepted() {
    let backend = backend();
    let mut gateway = start(&format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let address = gateway.addr();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            // Here, and not on its thread, which may begin when the others have sent enough.
            let mut client = Client::connect(address).unwrap();
            std::thread::spawn(move || {
                for number in 0.. {
                    // An error here is a request that was lost.
                    let answer = client.request("GET", &format!("/{number}"), &[], b"").unwrap();
                    assert_eq!((answer.status, answer.complete), (200, true));
                    if answer.header("connection") == Some("close") {
                        return number;
                    }
                }
                unreachable!()
            })
        })
        .collect();
    backend.wait_requests(50).unwrap();
    gateway.signal(Signal::TERM).unwrap();
    for client in clients {
        client.join().unwrap();
    }
    assert!(gateway.wait(LIMIT).unwrap().success());
}
