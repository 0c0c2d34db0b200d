//! `bridgehead call`: one request to an application's socket, without a gateway: curl for FastCGI, uwsgi, SCGI.

mod args;
mod failure;
mod records;
mod request;
mod tap;
mod transcript;
mod values;

use std::io::{self, Write};
use std::process::ExitCode;

use http::StatusCode;
use tokio::time::timeout;

use super::output::write;
use super::{START_FAILED, USAGE};
use crate::framed::Exchange;
use crate::protocol::{Event, ResponseHead};
use crate::transport::connect;

pub(super) use args::Args;
use failure::Failure;
use request::Request;
use tap::Tap;
use transcript::Transcript;

/// Sends the request and prints the answer; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let request = match Request::read(args) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("error: {error:#}");
            return USAGE.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return START_FAILED.into();
        }
    };
    let outcome = runtime.block_on(async {
        match args.get_values {
            true => values::ask(args).await.map(|()| ExitCode::SUCCESS),
            false => call(args, request).await.map(code),
        }
    });
    outcome.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        if let Some(hint) = failure.hint(args) {
            eprintln!("  = help: {hint}");
        }
        START_FAILED.into()
    })
}

/// As curl has it with `--fail`.
fn code(status: StatusCode) -> ExitCode {
    if status.as_u16() < 400 {
        ExitCode::SUCCESS
    } else {
        HTTP_ERROR.into()
    }
}

async fn call(args: &Args, request: Request) -> Result<StatusCode, Failure> {
    let transcript = Transcript::begin(args.verbose);
    transcript.variables(&request.head, &args.style());
    let stream = connect(&args.address, args.timeout.0)
        .await
        .map_err(|error| Failure::connect(&args.address, error))?;
    transcript.note(format_args!("connected to {}", args.address));
    let tap = Tap::new(stream, transcript, args.protocol);
    let mut exchange = Exchange::begin(tap, &*args.codec(), &request.head)?;
    if !request.body.is_empty() {
        exchange.push_body(request.body);
    }
    exchange.finish_body();
    let mut status = None;
    loop {
        let event = timeout(args.timeout.0, exchange.event())
            .await
            .map_err(|_| Failure::Silence(args.timeout.0, status.is_some()))?
            .map_err(|error| Failure::Broken {
                error,
                begun: status.is_some(),
            })?;
        transcript.event(&event);
        match event {
            Event::Head(head) => {
                status = Some(head.status);
                if args.include {
                    write(&text(&head))?;
                }
            }
            Event::Body(piece) => write(&piece)?,
            Event::Stderr(piece) => {
                io::stderr().write_all(&piece)?;
                if args.script.is_none() && is_php_without_script(&piece) {
                    eprintln!("  = help: PHP has to be told which file to run: `--script /path/to/file.php`");
                }
            }
            Event::End { .. } => return Ok(status.unwrap_or_default()),
        }
    }
}

/// The head as an HTTP client would have got it.
fn text(head: &ResponseHead) -> Vec<u8> {
    let mut text = Vec::new();
    let length = head
        .length
        .filter(|_| !head.headers.contains_key(http::header::CONTENT_LENGTH));
    crate::protocol::head::put(
        crate::protocol::head::Shape::Http,
        head.status,
        &head.headers,
        &mut text,
    );
    if let Some(length) = length {
        let blank = text.len() - 2;
        text.splice(blank..blank, format!("content-length: {length}\r\n").into_bytes());
    }
    text
}

/// PHP-FPM's words, wherever they stand in its message.
fn is_php_without_script(message: &[u8]) -> bool {
    memchr::memmem::find(message, b"Primary script unknown").is_some()
}

/// What curl exits with when `--fail` meets a status from 400 up.
const HTTP_ERROR: u8 = 22;
