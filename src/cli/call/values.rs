//! `--get-values`: what a FastCGI application says about itself (FastCGI 1.0, section 4.1).

use std::fmt::Display;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::codec::Decoder;

use super::args::Args;
use super::failure::Failure;
use super::tap::Tap;
use super::transcript::Transcript;
use crate::cli::output::write;
use crate::framed::{Error, Record, Records};
use crate::protocol::DecodeError;
use crate::protocol::fastcgi::{Capabilities, Kind, put_get_values};
use crate::transport::connect;

/// Asks, and prints what is answered.
pub(super) async fn ask(args: &Args) -> Result<(), Failure> {
    let (transcript, address) = (Transcript::begin(args), &args.target.address);
    let stream = connect(address, args.timeout.0)
        .await
        .map_err(|error| Failure::connect(address, error))?;
    let mut stream = Tap::new(stream, transcript, super::args::Wire::Fastcgi);
    let answer = timeout(args.timeout.0, exchange(&mut stream))
        .await
        .map_err(|_| Failure::Silence(args.timeout.0, false))?
        .map_err(Failure::unanswered)?;
    if answer.kind != Kind::GetValuesResult {
        return Err(Failure::Unasked(answer.kind));
    }
    let found = Capabilities::parse(answer.content.into()).map_err(Failure::unanswered)?;
    let lines = [
        line("FCGI_MAX_CONNS", found.max_conns),
        line("FCGI_MAX_REQS", found.max_reqs),
        line("FCGI_MPXS_CONNS", found.mpxs_conns.map(u8::from)),
    ];
    Ok(write(lines.concat().as_bytes())?)
}

async fn exchange(stream: &mut Tap) -> Result<Record, Error> {
    let mut question = BytesMut::new();
    put_get_values(&mut question);
    stream.write_all(&question).await?;
    let (mut records, mut src) = (Records::default(), BytesMut::new());
    loop {
        if let Some(record) = records.decode(&mut src)? {
            return Ok(record);
        }
        if stream.read_buf(&mut src).await? == 0 {
            return Err(DecodeError::Empty.into());
        }
    }
}

fn line(name: &str, value: Option<impl Display>) -> String {
    value.map_or_else(
        || format!("# {name}: not told\n"),
        |value| format!("{name}={value}\n"),
    )
}
