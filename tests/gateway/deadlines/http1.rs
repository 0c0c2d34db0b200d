//! The states of HTTP/1.

use std::io::Write;
use std::net::Shutdown;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testbed::Client;

use super::cell::{Cell, LIVES, end, well};
use super::place::{ANNOUNCED, LARGE, MEDIUM};

/// Watches a connection and tells its end, with the line of its request; `None` when it lives on.
fn ended(cell: &Cell, client: &mut Client) -> Result<Option<String>> {
    if !cell.stirs(client)? {
        return Ok(None);
    }
    let how = end(client);
    cell.logged(how).map(Some)
}

/// Another request.
pub(super) fn asks(client: &mut Client) -> Result<String> {
    well(&client.request("GET", "/fixed", &[], b"")?)
}

pub(super) fn fresh(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    match cell.stirs(&client)? {
        true => Ok(end(&mut client).to_owned()),
        false => asks(&mut client),
    }
}

pub(super) fn announcing(cell: &Cell) -> Result<String> {
    let mut client = cell.client_at(ANNOUNCED)?;
    client.send("PROXY TCP4 192.0.2.1 ")?;
    if cell.stirs(&client)? {
        return Ok(end(&mut client).to_owned());
    }
    client.send("198.51.100.1 56324 443\r\n")?;
    asks(&mut client)
}

pub(super) fn idle(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    asks(&mut client)?;
    match cell.stirs(&client)? {
        true => Ok(end(&mut client).to_owned()),
        false => asks(&mut client),
    }
}

pub(super) fn head(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    client.send(format!("GET {} HTTP/1.1\r\nHo", cell.target("/")))?;
    if let Some(end) = ended(cell, &mut client)? {
        return Ok(end);
    }
    client.send("st: a\r\n\r\n")?;
    well(&client.read_response()?)
}

pub(super) fn body(cell: &Cell) -> Result<String> {
    half_a_body(cell, "/")
}

pub(super) fn streamed_body(cell: &Cell) -> Result<String> {
    half_a_body(cell, "/streamed")
}

fn half_a_body(cell: &Cell, path: &str) -> Result<String> {
    let mut client = cell.client()?;
    client.send_request("POST", &cell.target(path), &[("Content-Length", "8")], b"")?;
    client.send("half")?;
    if let Some(end) = ended(cell, &mut client)? {
        return Ok(end);
    }
    client.send("rest")?;
    well(&client.read_response()?)
}

pub(super) fn dropped_body(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    let fields = [("Content-Length", "100")];
    client.send_request("POST", &cell.target("/fixed"), &fields, b"half")?;
    well(&client.read_response()?)?;
    if let Some(end) = ended(cell, &mut client)? {
        return Ok(end);
    }
    client.send([b'x'; 96])?;
    asks(&mut client)
}

pub(super) fn refused_body(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    let fields = [("Content-Length", &*MEDIUM.to_string())];
    client.send_request("POST", &cell.target("/deaf"), &fields, b"")?;
    let mut stream = client.stream().try_clone()?;
    scope(|scope| {
        // Fails when the gateway closes.
        scope.spawn(move || {
            let _ = stream.set_write_timeout(None);
            let _ = stream.write_all(&vec![b'x'; MEDIUM]);
        });
        let fate = match ended(cell, &mut client) {
            Ok(None) => {
                cell.place.marks.set("deaf");
                client.read_response().and_then(|answer| well(&answer))
            }
            other => other.map(Option::unwrap_or_default),
        };
        let _ = client.stream().shutdown(Shutdown::Both);
        fate
    })
}

pub(super) fn queued(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    client.send_request("GET", &cell.target("/one"), &[], b"")?;
    if let Some(end) = ended(cell, &mut client)? {
        return Ok(end);
    }
    cell.place.marks.set("occupant");
    well(&client.read_response()?)
}

pub(super) fn working(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    client.send_request("GET", &cell.target("/wait"), &[], b"")?;
    until_it_is_done(cell, client)
}

pub(super) fn half_closed(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    client.send_request("GET", &cell.target("/wait"), &[], b"")?;
    client.shutdown_write()?;
    until_it_is_done(cell, client)
}

fn until_it_is_done(cell: &Cell, mut client: Client) -> Result<String> {
    let end = ended(cell, &mut client)?;
    cell.go_on();
    match end {
        Some(end) => Ok(end),
        None => well(&client.read_response()?),
    }
}

pub(super) fn pausing(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    client.send_request("GET", &cell.target("/streamed/pause"), &[], b"")?;
    ensure!(client.read_head()?.status == 200);
    ensure!(client.take(8)? == b"3\r\none\r\n");
    let stirs = cell.stirs(&client)?;
    cell.go_on();
    if stirs {
        ensure!(client.rest()? == b"");
        return cell.logged("cut");
    }
    ensure!(client.take(13)? == b"3\r\ntwo\r\n0\r\n\r\n");
    Ok(LIVES.to_owned())
}

pub(super) fn sending(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    client.send_request("GET", &cell.target("/streamed/large"), &[], b"")?;
    if cell.has_line(cell.patience()) {
        let whole = client.read_response().is_ok_and(|answer| answer.complete);
        return cell.logged(if whole { "answered" } else { "cut" });
    }
    let answer = client.read_response()?;
    ensure!(answer.body.len() == LARGE, "{} bytes", answer.body.len());
    well(&answer)
}

/// An open tunnel.
fn switched(cell: &Cell, mut client: Client, path: &str) -> Result<Client> {
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    client.send_request("GET", &cell.target(path), &fields, b"")?;
    ensure!(client.read_response()?.status == 101);
    Ok(client)
}

pub(super) fn tunnel(cell: &Cell) -> Result<String> {
    let mut client = switched(cell, cell.client()?, "/socket")?;
    if let Some(end) = ended(cell, &mut client)? {
        return Ok(end);
    }
    client.send("ping")?;
    ensure!(client.take(4)? == b"ping");
    Ok(LIVES.to_owned())
}

pub(super) fn full_tunnel(cell: &Cell) -> Result<String> {
    let _client = switched(cell, cell.client()?, "/socket/full")?;
    match cell.place.marks.is_set(&cell.id, cell.patience()) {
        true => cell.logged("closed"),
        false => Ok(LIVES.to_owned()),
    }
}

/// The client goes on sending: without that, its silence ends the connection.
pub(super) fn closing(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    let fields = [("Content-Length", "1000000000")];
    client.send_request("POST", &cell.target("/small"), &fields, b"")?;
    let answer = client.read_response()?;
    ensure!((answer.status, answer.header("connection")) == (413, Some("close")));
    let end = Instant::now() + cell.patience();
    while Instant::now() < end {
        sleep(Duration::from_millis(50));
        if client.send("more").is_err() {
            return cell.logged("closed");
        }
    }
    Ok(LIVES.to_owned())
}
