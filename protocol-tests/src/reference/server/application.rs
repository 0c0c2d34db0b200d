//! The probe application: the paths of the kit's README.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::Fault;
use super::exchange::{Exchange, Field};
use super::stop::Stop;

/// Answers a request. An error ends the connection, or is a failure of the application that came too late.
pub(super) fn run(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let result = route(exchange.variable("PATH_INFO"))(exchange).and_then(|()| exchange.finish());
    match result {
        Err(Stop::BadBody(why)) if !exchange.has_started() => text(exchange, 400, why),
        Err(Stop::Died) if !exchange.has_started() && !exchange.fault.is(Fault::SilentDeath) => {
            text(exchange, 500, "the application has died")
        }
        other => other,
    }
}

type Route = fn(&mut Exchange<'_>) -> Result<(), Stop>;

fn route(path: &[u8]) -> Route {
    match path {
        b"/echo" => echo,
        b"/download" => download,
        b"/stream" => stream,
        b"/cookies" => cookies,
        b"/headers" => headers,
        b"/status" => |exchange| text(exchange, number16(exchange, "code", 200), "status"),
        b"/sleep" => sleep,
        b"/noread" => |exchange| text(exchange, 200, "ignored"),
        b"/stderr" => stderr,
        b"/exit" => exit,
        b"/mixed" => mixed,
        b"/nobody" => nobody,
        b"/overrun" => |exchange| lie(exchange, 5),
        b"/underrun" => |exchange| lie(exchange, 5000),
        b"/inject" => inject,
        b"/raise" => |_| Err(Stop::Died),
        b"/raise-late" => raise_late,
        b"/env" => env,
        below if below.starts_with(b"/env/") => env,
        _ => |exchange| text(exchange, 404, "not found"),
    }
}

fn env(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let mut shown: BTreeMap<String, String> = exchange
        .variables
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    if exchange.fault.is(Fault::ForwardedProtoTrusted)
        && let Some(scheme) = shown.get("HTTP_X_FORWARDED_PROTO").cloned()
    {
        shown.insert("wsgi.url_scheme".to_owned(), scheme);
    }
    let json = serde_json::to_vec(&shown).map_err(|_| Stop::Died)?;
    exchange.answer(200, &[kind("application/json")], &json)
}

fn echo(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let body = exchange.transport.body()?;
    let method = String::from_utf8_lossy(exchange.variable("REQUEST_METHOD")).into_owned();
    let fields = [
        kind("application/octet-stream"),
        ("X-Body-Length".to_owned(), body.len().to_string()),
        ("X-Method".to_owned(), method),
    ];
    exchange.answer(200, &fields, &body)
}

fn download(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let count = exchange.number("bytes", 0).min(MAX_DOWNLOAD);
    start_ramp(exchange, count)?;
    ramp(exchange, 0..count)
}

fn stream(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let pause = Duration::from_millis(exchange.number("ms", 100) as u64).min(MAX_SLEEP);
    exchange.start(200, &[kind("text/plain")])?;
    for number in 0..exchange.number("chunks", 5) {
        if number > 0 {
            thread::sleep(pause);
        }
        exchange.write(format!("chunk {number}\n").as_bytes())?;
    }
    Ok(())
}

fn cookies(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let values: Vec<_> = (0..exchange.number("count", 1).min(MAX_FIELDS))
        .map(|at| format!("c{at}=v{at}"))
        .collect();
    let cookie = |value: String| ("Set-Cookie".to_owned(), value);
    let fields: Vec<_> = match exchange.fault.is(Fault::CookiesJoined) {
        true => vec![cookie(values.join(", "))],
        false => values.into_iter().map(cookie).collect(),
    };
    exchange.answer(200, &fields, b"cookies\n")
}

fn headers(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let value = "x".repeat(exchange.number("size", 10).min(MAX_FIELD));
    let fields: Vec<_> = (0..exchange.number("count", 1).min(MAX_FIELDS))
        .map(|at| (format!("X-Big-{at}"), value.clone()))
        .collect();
    exchange.answer(200, &fields, b"headers\n")
}

fn sleep(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    thread::sleep(Duration::from_millis(exchange.number("ms", 100) as u64).min(MAX_SLEEP));
    text(exchange, 200, "slept")
}

fn stderr(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    for number in 0..exchange.number("lines", 1) {
        log(exchange, number)?;
    }
    text(exchange, 200, "logged")
}

fn exit(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    exchange.exit_status = u8::try_from(exchange.number("status", 0)).unwrap_or(u8::MAX);
    text(exchange, 200, "exiting")
}

fn mixed(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let count = exchange.number("bytes", 0).min(MAX_DOWNLOAD);
    let lines = exchange.number("lines", 1).clamp(1, MAX_FIELDS);
    start_ramp(exchange, count)?;
    for line in 0..lines {
        log(exchange, line)?;
        ramp(exchange, count * line / lines..count * (line + 1) / lines)?;
    }
    Ok(())
}

/// Writes a body where there must be none: the server has to leave it out.
fn nobody(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    exchange.start(number16(exchange, "code", 204), &[])?;
    exchange.write(b"0123456789")
}

fn lie(exchange: &mut Exchange<'_>, length: usize) -> Result<(), Stop> {
    let length = ("Content-Length".to_owned(), length.to_string());
    exchange.start(200, &[kind("text/plain"), length])?;
    exchange.write(b"0123456789")
}

fn inject(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let field = ("X-Value".to_owned(), "a\r\nX-Injected: yes".to_owned());
    exchange.answer(200, &[field], b"injected\n")
}

fn raise_late(exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let length = ("Content-Length".to_owned(), "1000".to_owned());
    exchange.start(200, &[kind("text/plain"), length])?;
    exchange.write(b"partial")?;
    Err(Stop::Died)
}

fn text(exchange: &mut Exchange<'_>, status: u16, text: &str) -> Result<(), Stop> {
    exchange.answer(status, &[kind("text/plain")], format!("{text}\n").as_bytes())
}

fn log(exchange: &mut Exchange<'_>, number: usize) -> Result<(), Stop> {
    let line = format!("stderr line {number}\n");
    exchange.transport.log(line.as_bytes())
}

fn start_ramp(exchange: &mut Exchange<'_>, count: usize) -> Result<(), Stop> {
    let length = ("Content-Length".to_owned(), count.to_string());
    exchange.start(200, &[kind("application/octet-stream"), length])
}

/// The bytes of `/download` at these positions.
fn ramp(exchange: &mut Exchange<'_>, positions: std::ops::Range<usize>) -> Result<(), Stop> {
    let mut at = positions.start;
    while at < positions.end {
        let end = positions.end.min(at + PIECE);
        let piece: Vec<u8> = (at..end).map(|position| (position * 31 + 7) as u8).collect();
        exchange.write(&piece)?;
        at = end;
    }
    Ok(())
}

fn kind(name: &str) -> Field {
    ("Content-Type".to_owned(), name.to_owned())
}

fn number16(exchange: &Exchange<'_>, name: &str, default: u16) -> u16 {
    u16::try_from(exchange.number(name, default.into())).unwrap_or(default)
}

const MAX_DOWNLOAD: usize = 1 << 30; // bytes
const PIECE: usize = 100_000; // bytes that are written at once: more than a record
const MAX_FIELDS: usize = 5000; // of an answer; also lines of a log
const MAX_FIELD: usize = 1 << 20; // bytes of a value
const MAX_SLEEP: Duration = Duration::from_secs(60);
