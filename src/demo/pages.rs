//! What the demo application answers: the URLs of `examples/apps/README.md`.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::exchange::{Exchange, Socket};
use super::landing;
use crate::framed::{Connection, Error};
use crate::protocol::application::Request;
use crate::protocol::fields::{FieldName, FieldValue, Fields};

/// Every path that has an answer.
pub const PATHS: [&str; 20] = [
    "/",
    "/cookies",
    "/download",
    "/echo",
    "/env",
    "/events",
    "/exit",
    "/fail",
    "/fail-late",
    "/fail-raw",
    "/head-test",
    "/headers",
    "/mixed",
    "/noread",
    "/redirect",
    "/sleep",
    "/status",
    "/stderr",
    "/stream",
    "/upload",
];

/// Answers one request to an application with so many workers. An error ends the connection, and with it whatever was answered so far.
pub(super) async fn answer<S: Socket>(
    request: &Request,
    connection: &mut Connection<S>,
    workers: NonZeroUsize,
) -> Result<(), Error> {
    let exchange = Exchange::new(request, connection);
    match exchange.path() {
        "/" if exchange.param("SCRIPT_NAME").is_empty() => {
            let page = landing::page(exchange.param("HTTP_HOST"), workers);
            html(exchange, page).await
        }
        "/" => index(exchange).await,
        "/cookies" => cookies(exchange).await,
        "/download" => download(exchange).await,
        "/echo" => echo(exchange).await,
        path if path == "/env" || path.starts_with("/env/") => env(exchange).await,
        "/events" => {
            trickle(exchange, "text/event-stream", "count", |n| {
                format!("data: {n}\n\n")
            })
            .await
        }
        "/exit" => exit(exchange).await,
        "/fail" => fail(exchange).await,
        "/fail-late" => fail_late(exchange).await,
        "/fail-raw" => Err(gave_up()),
        "/head-test" => exchange.text("0123456789").await,
        "/headers" => headers(exchange).await,
        "/mixed" => mixed(exchange).await,
        "/noread" => exchange.text("ignored\n").await,
        "/redirect" => redirect(exchange).await,
        "/sleep" => sleep(exchange).await,
        "/status" => status(exchange).await,
        "/stderr" => stderr(exchange).await,
        "/stream" => trickle(exchange, "text/plain", "chunks", |n| format!("chunk {n}\n")).await,
        "/upload" => upload(exchange).await,
        _ => {
            let fields = Fields::new();
            exchange
                .answer(StatusCode::NOT_FOUND, fields, "not found\n")
                .await
        }
    }
}

async fn index<S: Socket>(exchange: Exchange<'_, S>) -> Result<(), Error> {
    // The mount point is the operator's, not the client's.
    let mount = exchange.param("SCRIPT_NAME");
    let link = |path: &&str| format!("<li><a href=\"{mount}{path}\">{path}</a></li>\n");
    let links: String = PATHS.iter().map(link).collect();
    let page = format!("<!DOCTYPE html>\n<title>Demo application</title>\n<ul>\n{links}</ul>\n");
    html(exchange, page).await
}

async fn html<S: Socket>(exchange: Exchange<'_, S>, page: String) -> Result<(), Error> {
    let fields = content_type("text/html; charset=utf-8");
    exchange.answer(StatusCode::OK, fields, page).await
}

async fn env<S: Socket>(exchange: Exchange<'_, S>) -> Result<(), Error> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let params = exchange.request.params.iter();
    let object: BTreeMap<_, _> = params.map(|(name, value)| (text(name), text(value))).collect();
    let mut body = serde_json::to_vec(&object).map_err(io::Error::from)?;
    body.push(b'\n');
    let fields = content_type("application/json");
    exchange.answer(StatusCode::OK, fields, body).await
}

/// Sends the body back while it comes in: nothing is held here.
async fn echo<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let length = exchange.request.content_length()?;
    let kind = match exchange.param("CONTENT_TYPE") {
        "" => "application/octet-stream",
        kind => kind,
    };
    let mut fields = Fields::new();
    append(&mut fields, "Content-Type", kind);
    append(&mut fields, "X-Method", exchange.param("REQUEST_METHOD"));
    append(&mut fields, "X-Body-Length", &length.to_string());
    fields.append_number(FieldName::ContentLength, length);
    exchange.head(StatusCode::OK, &fields).await?;
    while let Some(piece) = exchange.body().await? {
        exchange.write(piece).await?;
    }
    exchange.end(0).await
}

async fn upload<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let mut length = 0;
    while let Some(piece) = exchange.body().await? {
        length += piece.len();
    }
    let fields = content_type("application/json");
    let body = format!("{{\"length\":{length}}}\n");
    exchange.answer(StatusCode::OK, fields, body).await
}

async fn download<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let length = exchange.query().number("bytes", 0);
    let mut fields = content_type("application/octet-stream");
    fields.append_number(FieldName::ContentLength, length);
    exchange.head(StatusCode::OK, &fields).await?;
    ramp(&mut exchange, 0, length).await?;
    exchange.end(0).await
}

/// Writes `left` bytes of the pattern from its byte `from` on. Byte i is `(i * 31 + 7) & 0xff`: it repeats every 256
/// bytes, so that every piece starts alike.
async fn ramp<S: Socket>(exchange: &mut Exchange<'_, S>, from: u64, mut left: u64) -> Result<(), Error> {
    let from = (from % 256) as usize;
    let piece: Bytes = (from..from + PIECE).map(|i| (i * 31 + 7) as u8).collect();
    while left > 0 {
        let count = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        exchange.write(piece.slice(..count)).await?;
        left -= count as u64;
    }
    Ok(())
}

/// Pieces of text, one at a time, with pauses between them.
async fn trickle<S: Socket>(
    mut exchange: Exchange<'_, S>,
    kind: &str,
    count: &str,
    piece: impl Fn(u64) -> String,
) -> Result<(), Error> {
    let (count, pause) = (exchange.query().number(count, 5), pause(&exchange));
    let mut fields = content_type(kind);
    fields.append(FieldName::CacheControl, "no-cache");
    exchange.head(StatusCode::OK, &fields).await?;
    for number in 0..count {
        if number > 0 {
            tokio::time::sleep(pause).await;
        }
        exchange.write(piece(number).into()).await?;
        exchange.flush().await?;
    }
    exchange.end(0).await
}

async fn cookies<S: Socket>(exchange: Exchange<'_, S>) -> Result<(), Error> {
    let mut fields = Fields::new();
    for number in 0..exchange.query().number("count", 1).min(MOST_FIELDS) {
        append(&mut fields, "Set-Cookie", &format!("c{number}=v{number}"));
    }
    exchange.answer(StatusCode::OK, fields, "cookies\n").await
}

async fn headers<S: Socket>(exchange: Exchange<'_, S>) -> Result<(), Error> {
    let query = exchange.query();
    let size = query.number("size", 10).min(LARGEST_FIELD);
    let value = "x".repeat(usize::try_from(size).unwrap_or_default());
    let mut fields = Fields::new();
    for number in 0..query.number("count", 1).min(MOST_FIELDS) {
        append(&mut fields, &format!("X-Big-{number}"), &value);
    }
    exchange.answer(StatusCode::OK, fields, "headers\n").await
}

async fn status<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let code = code(&exchange, StatusCode::OK);
    if matches!(code, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        exchange.head(code, &Fields::new()).await?;
        return exchange.end(0).await;
    }
    let body = format!("status {}\n", code.as_u16());
    exchange.answer(code, Fields::new(), body).await
}

async fn redirect<S: Socket>(exchange: Exchange<'_, S>) -> Result<(), Error> {
    let target = exchange.query().text("to");
    let mut fields = Fields::new();
    append(&mut fields, "Location", target.as_deref().unwrap_or("/"));
    let code = code(&exchange, StatusCode::FOUND);
    exchange.answer(code, fields, "redirect\n").await
}

async fn sleep<S: Socket>(exchange: Exchange<'_, S>) -> Result<(), Error> {
    tokio::time::sleep(pause(&exchange)).await;
    exchange.text("slept\n").await
}

async fn stderr<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    for number in 0..exchange.query().number("lines", 1) {
        exchange.log(format!("stderr line {number}\n")).await?;
    }
    exchange.text("logged\n").await
}

/// A download with log messages between its pieces, of which there is one more than of messages.
async fn mixed<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let (length, lines) = (
        exchange.query().number("bytes", 0),
        exchange.query().number("lines", 1),
    );
    let mut fields = content_type("application/octet-stream");
    fields.append_number(FieldName::ContentLength, length);
    exchange.head(StatusCode::OK, &fields).await?;
    let (mut sent, step) = (0, length / lines.saturating_add(1));
    for number in 0..lines {
        ramp(&mut exchange, sent, step).await?;
        sent += step;
        exchange.log(format!("stderr line {number}\n")).await?;
    }
    ramp(&mut exchange, sent, length - sent).await?;
    exchange.end(0).await
}

/// A program that ends with a status; only FastCGI can tell it.
async fn exit<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let status = exchange.query().number("status", 0);
    exchange.head(StatusCode::OK, &content_type("text/plain")).await?;
    exchange.write(Bytes::from_static(b"exits\n")).await?;
    exchange.end(u32::try_from(status).unwrap_or(u32::MAX)).await
}

/// An application that fails in an orderly way.
async fn fail<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    exchange.log("this page always fails\n".to_owned()).await?;
    let fields = Fields::new();
    exchange
        .answer(StatusCode::INTERNAL_SERVER_ERROR, fields, "failed\n")
        .await
}

/// An application that dies after 7 of 1000 bytes.
async fn fail_late<S: Socket>(mut exchange: Exchange<'_, S>) -> Result<(), Error> {
    let mut fields = content_type("text/plain");
    fields.append_number(FieldName::ContentLength, 1000);
    exchange.head(StatusCode::OK, &fields).await?;
    exchange.write(Bytes::from_static(b"partial")).await?;
    exchange.flush().await?;
    Err(gave_up())
}

fn gave_up() -> Error {
    io::Error::other("this page dies").into()
}

fn pause<S: Socket>(exchange: &Exchange<'_, S>) -> Duration {
    Duration::from_millis(exchange.query().number("ms", 100).min(LONGEST_PAUSE))
}

/// A final status; interim ones are not an answer.
fn code<S: Socket>(exchange: &Exchange<'_, S>, default: StatusCode) -> StatusCode {
    let number = exchange.query().number("code", default.as_u16().into());
    let code = u16::try_from(number)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    code.filter(|code| !code.is_informational()).unwrap_or(default)
}

fn content_type(kind: &str) -> Fields {
    let mut fields = Fields::new();
    append(&mut fields, "Content-Type", kind);
    fields
}

/// Adds a field, unless the value is none that a field may have.
fn append(fields: &mut Fields, name: &str, value: &str) {
    if let Some(value) = FieldValue::new(value.as_bytes()) {
        fields.append_named(name.as_bytes(), value);
    }
}

/// Bytes of a download that are written at once.
const PIECE: usize = 64 * 1024;

/// Fields of one answer: enough to break every gateway's limit.
const MOST_FIELDS: u64 = 10_000;

/// Bytes of one field: enough to break every gateway's limit.
const LARGEST_FIELD: u64 = 1024 * 1024;

/// A day, in milliseconds.
const LONGEST_PAUSE: u64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use crate::protocol::fastcgi::Role;

    use super::*;

    fn request(target: &'static str, params: &[(&'static str, &'static str)]) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let usual = [
            ("REQUEST_METHOD", "GET"),
            ("PATH_INFO", path),
            ("QUERY_STRING", query),
        ];
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        let params = usual.iter().chain(params);
        Request {
            role: Role::Responder,
            params: params.map(|(name, value)| (bytes(name), bytes(value))).collect(),
        }
    }

    /// The SCGI answer to a request without a body.
    async fn ask(
        target: &'static str,
        params: &[(&'static str, &'static str)],
    ) -> (Result<(), Error>, String) {
        let mut out = Vec::new();
        let stream = tokio::io::join(tokio::io::empty(), &mut out);
        let mut connection = Connection::scgi(stream);
        let outcome = answer(&request(target, params), &mut connection, NonZeroUsize::MIN).await;
        drop(connection);
        (outcome, String::from_utf8_lossy(&out).into_owned())
    }

    #[tokio::test]
    async fn every_listed_path_has_an_answer() {
        for path in PATHS {
            let (outcome, text) = ask(path, &[]).await;
            let dies = matches!(path, "/fail-raw" | "/fail-late");
            assert_eq!(outcome.is_err(), dies, "{path}");
            assert!(!text.starts_with("Status: 404"), "{path}");
        }
        let (_, text) = ask("/nowhere", &[]).await;
        assert!(text.starts_with("Status: 404"), "{text}");
    }

    #[tokio::test]
    async fn head_has_the_length_and_no_body() {
        let (_, text) = ask("/head-test", &[("REQUEST_METHOD", "HEAD")]).await;
        assert!(
            text.contains("Content-Length: 10\r\n") && text.ends_with("\r\n\r\n"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn downloads_follow_the_pattern() {
        let mut out = Vec::new();
        let mut connection = Connection::scgi(tokio::io::join(tokio::io::empty(), &mut out));
        let request = request("/download?bytes=70000", &[]);
        answer(&request, &mut connection, NonZeroUsize::MIN)
            .await
            .unwrap();
        drop(connection);
        let body = &out[out.len() - 70_000..];
        assert!((0..70_000).all(|i| body[i] == (i * 31 + 7) as u8));
    }

    #[tokio::test]
    async fn statuses_and_targets_come_from_the_query() {
        let (_, text) = ask("/redirect?to=/a%3Fb&code=308", &[]).await;
        assert!(
            text.starts_with("Status: 308") && text.contains("Location: /a?b\r\n"),
            "{text}"
        );
        let (_, text) = ask("/status?code=204", &[]).await;
        assert_eq!(text, "Status: 204 No Content\r\n\r\n");
        let (_, text) = ask("/status?code=100", &[]).await;
        assert!(text.starts_with("Status: 200 OK\r\n"), "{text}");
    }
}
