//! `bridgehead call`: one request to an application's socket, without a gateway: curl for FastCGI, uwsgi,
//! SCGI and HTTP.

mod answer;
mod args;
mod failure;
mod records;
mod request;
mod tap;
mod target;
mod transcript;
mod values;

use std::process::ExitCode;
use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;

use super::output::has_seen_enough;
use super::{START_FAILED, USAGE, complaint};
use crate::framed::Exchange;
use crate::protocol::Event;
use crate::transport::connect;

use answer::Answer;
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
            complaint::error(format_args!("{error:#}"));
            return USAGE.into();
        }
    };
    if let Some(contradiction) = args.contradiction() {
        complaint::error(contradiction);
        return USAGE.into();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complaint::error(format_args!("cannot start the runtime: {error}"));
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
        if matches!(&failure, Failure::Output(error) if has_seen_enough(error)) {
            return ExitCode::SUCCESS;
        }
        complaint::error(&failure);
        if let Some(hint) = failure.hint(args) {
            complaint::help(hint);
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
    let transcript = Transcript::begin(args);
    if let Some(style) = args.style() {
        transcript.variables(&request.head, &style);
    }
    let address = &args.target.address;
    let stream = connect(address, args.timeout.0)
        .await
        .map_err(|error| Failure::connect(address, error))?;
    transcript.note(format_args!("connected to {address}"));
    let tap = Tap::new(stream, transcript, args.wire());
    let mut exchange = Exchange::begin(tap, &*args.codec(), &request.head)?;
    if !request.body.is_empty() {
        exchange.push_body(request.body);
    }
    exchange.finish_body();
    let mut answer = Answer::new(args.include);
    let outcome = receive(args.timeout.0, &mut exchange, transcript, &mut answer).await;
    answer.end_line()?;
    if answer.script_is_unknown() {
        complaint::help("`--script /path/to/file.php` tells PHP which file to run, as PHP sees it");
    }
    outcome.map(|()| answer.status().unwrap_or_default())
}

/// Prints everything that comes, to the end of the answer.
async fn receive(
    silence: Duration,
    exchange: &mut Exchange<Tap>,
    transcript: Transcript,
    answer: &mut Answer,
) -> Result<(), Failure> {
    loop {
        let begun = answer.status().is_some();
        let event = timeout(silence, exchange.event())
            .await
            .map_err(|_| Failure::Silence(silence, begun))?
            .map_err(|error| Failure::Broken { error, begun })?;
        transcript.event(&event);
        let ended = matches!(event, Event::End { .. });
        answer.print(event)?;
        if ended {
            return Ok(());
        }
    }
}

/// What curl exits with when `--fail` meets a status from 400 up.
const HTTP_ERROR: u8 = 22;
