//! What the relay passes on: pieces, ends, and no more than it holds.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::trace::{Event, Origin};
use rustix::net::sockopt;
use tempfile::TempDir;

use super::running::Running;

/// The two ends of a relay between unix sockets.
fn unix_ends() -> (Running, UnixStream, UnixStream, TempDir) {
    let dir = testbed::scratch().unwrap();
    let path = dir.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let relay = Running::unix(&format!("unix:{}", path.display()), Protocol::Scgi);
    let Address::Unix(path) = &relay.address else {
        panic!("{}", relay.address)
    };
    let client = UnixStream::connect(path).unwrap();
    let server = listener.accept().unwrap().0;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
    }
    (relay, client, server, dir)
}

fn tcp_ends() -> (Running, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Running::tcp(&listener.local_addr().unwrap().to_string(), Protocol::Scgi);
    let client = TcpStream::connect(relay.address.to_string()).unwrap();
    let server = listener.accept().unwrap().0;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
    }
    (relay, client, server)
}

fn read_some(stream: &mut impl Read) -> Vec<u8> {
    let mut buffer = vec![0; 100];
    let count = stream.read(&mut buffer).unwrap();
    buffer.truncate(count);
    buffer
}

fn events(relay: &Running) -> Vec<(Origin, Event)> {
    relay
        .entries()
        .into_iter()
        .map(|entry| (entry.from, entry.event))
        .collect()
}

#[test]
fn pieces_stay_pieces_and_a_half_close_is_one() {
    let (mut relay, mut client, mut server, _dir) = unix_ends();
    client.write_all(b"one").unwrap();
    assert_eq!(read_some(&mut server), b"one");
    client.write_all(b"two").unwrap();
    assert_eq!(read_some(&mut server), b"two");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_some(&mut server), b"");
    server.write_all(b"late").unwrap();
    assert_eq!(read_some(&mut client), b"late");
    drop(server);
    assert_eq!(read_some(&mut client), b"");
    assert_eq!(relay.end().accepted, 1);
    assert_eq!(
        events(&relay),
        [
            (Origin::Client, Event::Open),
            (Origin::Server, Event::Open),
            (Origin::Client, Event::Bytes(b"one".to_vec())),
            (Origin::Client, Event::Bytes(b"two".to_vec())),
            (Origin::Client, Event::Fin),
            (Origin::Server, Event::Bytes(b"late".to_vec())),
            (Origin::Server, Event::Close),
        ]
    );
}

#[test]
fn a_client_that_closes_is_gone_for_the_server_too() {
    let (relay, client, mut server, _dir) = unix_ends();
    drop(client);
    assert_eq!(read_some(&mut server), b"");
    let broken = std::iter::repeat_with(|| server.write_all(b"x"))
        .find_map(Result::err)
        .unwrap();
    // A reset when something was on its way, else the end of a pipe.
    assert!(matches!(
        broken.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    ));
    assert_eq!(events(&relay)[2], (Origin::Client, Event::Close));
}

#[test]
fn a_reset_is_passed_on_over_tcp() {
    let (relay, client, mut server) = tcp_ends();
    sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    drop(client);
    let error = server.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(events(&relay)[2], (Origin::Client, Event::Reset));
}

#[test]
fn an_early_answer_comes_through_although_the_request_is_not_read() {
    let (_relay, mut client, mut server) = tcp_ends();
    client.write_all(b"x").unwrap();
    assert_eq!(read_some(&mut server), b"x");
    server.write_all(b"no").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_some(&mut client), b"no");
    assert_eq!(read_some(&mut client), b"");
    // The other direction is still open.
    client.write_all(b"y").unwrap();
    assert_eq!(read_some(&mut server), b"y");
}

#[test]
fn a_reader_that_stops_stops_the_writer() {
    let (_relay, mut client, mut server, _dir) = unix_ends();
    client
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let piece = [7; 64 << 10];
    let mut written = 0;
    let full = loop {
        match client.write(&piece) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    // Buffers of the kernel on both sides, and one read of ours.
    assert!(written < 4 << 20, "{written}");
    drop(client);
    let mut all = Vec::new();
    server.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), written);
}

#[test]
fn many_bytes_both_ways_at_once_stay_whole() {
    let (relay, client, server) = tcp_ends();
    let bytes: Vec<u8> = (0..400_000_u32).map(|i| (i * 31 % 251) as u8).collect();
    std::thread::scope(|scope| {
        for stream in [&client, &server] {
            let (mut reader, mut writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
            scope.spawn(|| {
                writer.write_all(&bytes).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
                drop(writer);
            });
            scope.spawn(|| {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).unwrap();
                assert!(all == bytes);
                drop(reader);
            });
        }
    });
    drop((client, server));
    let mut seen = [Vec::new(), Vec::new()];
    for (from, event) in events(&relay) {
        if let Event::Bytes(bytes) = event {
            seen[usize::from(from == Origin::Server)].extend(bytes);
        }
    }
    assert!(seen.iter().all(|seen| *seen == bytes));
}

#[test]
fn a_target_that_is_not_there_is_said() {
    let mut relay = Running::tcp("unix:/nonexistent/socket", Protocol::FastCgi);
    let mut client = TcpStream::connect(relay.address.to_string()).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let ended = client.read(&mut [0; 1]);
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    relay.end();
    assert_eq!(events(&relay)[1], (Origin::Server, Event::Refused));
    assert!(
        relay
            .text()
            .contains("# cannot connect to unix:/nonexistent/socket")
    );
}

#[test]
fn the_end_of_the_relay_cuts_what_is_open() {
    let (mut relay, mut client, _server, _dir) = unix_ends();
    assert_eq!(relay.end().cut, 1);
    assert_eq!(read_some(&mut client), b"");
}

const LIMIT: Duration = Duration::from_secs(10); // for everything that must come
