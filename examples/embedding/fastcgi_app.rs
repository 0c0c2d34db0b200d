//! A FastCGI application: as many workers as there are connections, one request at a time on each.
//!
//! `cargo run --example fastcgi_app -- /tmp/app.sock`, then behind any web server, or
//! `bridgehead call /tmp/app.sock POST /hello -d world`.

use anyhow::{Context, Result};
use bridgehead::framed::{Connection, Error};
use bridgehead::protocol::application::Request;
use bridgehead::protocol::fields::{FieldName, Fields};
use bridgehead::transport::{Address, Listener, Stream};
use bytes::Bytes;
use http::StatusCode;

#[tokio::main]
async fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("usage: fastcgi_app SOCKET")?;
    let address: Address = format!("unix:{path}").parse()?;
    // A socket that a killed process left behind is replaced, one that is in use is not.
    let listener = Listener::bind(&address, BACKLOG)?;
    println!("listening on {address}");
    loop {
        let stream = listener.accept().await?.stream;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                eprintln!("connection failed: {error}");
            }
        });
    }
}

/// Answers every request of a connection: the web server may keep it.
async fn serve(stream: Stream) -> Result<(), Error> {
    let mut connection = Connection::fastcgi(stream);
    while let Some(request) = connection.request().await? {
        answer(&request, &mut connection).await?;
        connection.end(0).await?;
    }
    Ok(())
}

/// Greets, and sends the body back while it comes in.
async fn answer(request: &Request, connection: &mut Connection<Stream>) -> Result<(), Error> {
    let param = |name| String::from_utf8_lossy(request.param(name).map_or(b"", Bytes::as_ref));
    let mut fields = Fields::new();
    fields.append(FieldName::ContentType, "text/plain; charset=utf-8");
    connection.head(StatusCode::OK, &fields).await?;
    let greeting = format!("{} {}\n", param("REQUEST_METHOD"), param("REQUEST_URI"));
    connection.write(greeting.into()).await?;
    while let Some(piece) = connection.body().await? {
        connection.write(piece).await?;
    }
    connection.log("answered\n".into()).await
}

/// Connections that wait in the kernel.
const BACKLOG: u32 = 128;
