//! Answers as the bench's clients read them: checked, counted and dropped.

use std::io::{self, BufRead, Read};

use anyhow::{Context, Result, bail, ensure};

/// The body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// Its length as it came, in bytes.
    pub(crate) length: u64,
    /// Whether it came as gzip.
    pub(crate) is_gzip: bool,
}

/// Reads one answer. Trailers are not expected.
///
/// # Errors
///
/// When it is cut short, is not [`STATUS`], or has no length of its own.
pub(crate) fn read(input: &mut impl BufRead) -> Result<Body> {
    let status = line(input)?;
    ensure!(
        status.starts_with(STATUS),
        "not answered with {STATUS}: {status:?}"
    );
    let mut length = None;
    let mut is_chunked = false;
    let mut is_gzip = false;
    loop {
        let field = line(input)?.to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        match field.split_once(": ") {
            Some(("content-length", value)) => length = Some(value.parse().context("Content-Length")?),
            Some(("transfer-encoding", _)) => is_chunked = true,
            Some(("content-encoding", coding)) => is_gzip = coding == "gzip",
            _ => {}
        }
    }
    let length = match length {
        _ if is_chunked => chunked(input)?,
        Some(length) => skip(input, length)?,
        None => bail!("an answer without a length"),
    };
    Ok(Body { length, is_gzip })
}

fn chunked(input: &mut impl BufRead) -> Result<u64> {
    let mut length = 0;
    loop {
        let size = line(input)?;
        let size = u64::from_str_radix(&size, 16).with_context(|| format!("chunk size {size:?}"))?;
        length += skip(input, size)?;
        ensure!(line(input)?.is_empty(), "no end of a chunk");
        if size == 0 {
            return Ok(length);
        }
    }
}

fn skip(input: &mut impl BufRead, length: u64) -> Result<u64> {
    let count = io::copy(&mut input.take(length), &mut io::sink()).context("no answer")?;
    ensure!(count == length, "closed after {count} bytes of {length}");
    Ok(count)
}

/// A line without its end.
fn line(input: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    input
        .take(LINE)
        .read_until(b'\n', &mut line)
        .context("no answer")?;
    let text = String::from_utf8_lossy(&line);
    let text = text
        .strip_suffix("\r\n")
        .with_context(|| format!("closed after {text:?}"))?;
    Ok(text.to_owned())
}

/// What every answer begins with.
pub(crate) const STATUS: &str = "HTTP/1.1 200 ";

const LINE: u64 = 8192; // bytes

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_at_its_last_byte_only() {
        let fixed = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 11\r\n\r\nhello world".as_slice();
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n".as_slice();
        for whole in [fixed, chunked] {
            for split in 0..whole.len() {
                assert!(read(&mut &whole[..split]).is_err());
            }
            let mut rest = whole;
            let body = read(&mut rest).unwrap();
            assert_eq!((body.length, body.is_gzip), (11, false));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_coded_answer_says_so() {
        let coded = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab".as_slice();
        assert!(read(&mut &*coded).unwrap().is_gzip);
    }

    #[test]
    fn other_answers_are_errors() {
        for wrong in [
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        ] {
            assert!(read(&mut wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
