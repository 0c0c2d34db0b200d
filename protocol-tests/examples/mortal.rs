//! A target that can be killed by a request: an application for SCGI that ends when it is asked for /raise. What
//! `--start` makes of that:
//!
//! ```sh
//! bridgehead-conform server scgi --start 'cargo run --example mortal -- {socket}' --cases mine.toml --no-preflight
//! ```

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::exit;
use std::thread;

fn main() -> io::Result<()> {
    let path = env::args_os()
        .nth(1)
        .ok_or_else(|| io::Error::other("usage: mortal SOCKET"))?;
    for stream in UnixListener::bind(path)?.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

/// One request. A client that leaves before its end gets nothing.
fn serve(mut stream: UnixStream) -> io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    // No value has a comma in it here: the one behind the netstring is the first.
    while !request.ends_with(b",") {
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    if request.windows(6).any(|part| part == b"/raise") {
        eprintln!("asked for /raise");
        exit(STATUS);
    }
    stream.write_all(b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nalive\n")
}

const STATUS: i32 = 70; // what this program ends with
