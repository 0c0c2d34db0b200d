//! Whole sites: which route a request comes to, what is done with it there, and the examples that people start from.

mod access;
mod bandwidth;
mod examples;
mod fields;
mod files;
mod internal;
mod limits;
mod listeners;
mod login;
mod logs;
mod owners;
mod programs;
mod real_logs;
mod real_nginx;
mod real_programs;
mod routing;

use std::path::Path;

use anyhow::Result;
use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection};

/// One request on a connection of its own.
fn ask(gateway: &Gateway, method: &str, host: &str, target: &str, fields: &[(&str, &str)]) -> Response {
    let mut client = Client::connect(gateway.addr()).unwrap();
    let fields = [&[("Host", host)], fields].concat();
    client.request(method, target, &fields, b"").unwrap()
}

/// A FastCGI application that tells which script it was asked for.
fn scripts() -> Scripted {
    Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        let param = |name| request.param(name).unwrap_or_default();
        let answer = format!(
            "Content-Type: text/plain\r\n\r\n{}|{}|{}|{}",
            param("SCRIPT_NAME"),
            param("PATH_INFO"),
            param("REQUEST_URI"),
            param("QUERY_STRING"),
        );
        connection.fastcgi_response(request.id, answer.as_bytes())
    })
    .unwrap()
}

/// An HTTP application that tells what it was asked.
fn lines(mut connection: ScriptedConnection) -> Result<()> {
    let request = connection.read_http()?;
    let line = request.line.split(" HTTP/").next().unwrap_or_default().to_owned();
    let length = line.len();
    connection.write(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{line}"
    ))
}

/// Files with their names as contents below a directory.
fn fill(directory: &Path, files: &[&str]) {
    for file in files {
        let path = directory.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
}
