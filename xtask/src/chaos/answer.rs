//! HTTP/1.1 answers, read without the gateway's code.

use anyhow::{Context, Result, ensure};

/// A complete answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// The gateway's own word for why it refused; an application's answer has none.
    pub(crate) reason: Option<String>,
    /// The connection takes no further request.
    pub(crate) closes: bool,
    /// Body without its framing.
    pub(crate) body: Vec<u8>,
}

/// The answer in `bytes`, once it is complete. `ended`: nothing more will come.
///
/// # Errors
///
/// When this is no HTTP.
pub(crate) fn answer(bytes: &[u8], ended: bool) -> Result<Option<Answer>> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.with_context(|| format!("no status line: {head}"))?;
    let rest = &bytes[end + 4..];
    let body = match (field(head, "transfer-encoding"), field(head, "content-length")) {
        (Some(_), _) => chunked(rest)?,
        (None, Some(length)) => {
            let length: usize = length.parse().context("Content-Length")?;
            ensure!(rest.len() <= length, "more bytes than announced");
            (rest.len() == length).then(|| rest.to_vec())
        }
        (None, None) => ended.then(|| rest.to_vec()),
    };
    Ok(body.map(|body| Answer {
        status,
        reason: field(head, "bridgehead-error").map(str::to_owned),
        closes: field(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
        body,
    }))
}

/// Whether `bytes` hold a whole head: from there on a broken answer is a cut one.
pub(crate) fn has_head(bytes: &[u8]) -> bool {
    find(bytes, b"\r\n\r\n").is_some()
}

/// The body, once it is complete. Trailers are not expected.
fn chunked(mut bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = find(bytes, b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[..end]).context("chunk size")?;
        let size = usize::from_str_radix(size, 16).with_context(|| format!("chunk size {size:?}"))?;
        let Some(rest) = bytes.get(end + 2 + size + 2..) else {
            return Ok(None);
        };
        if size == 0 {
            ensure!(rest.is_empty(), "bytes after the last chunk");
            return Ok(Some(body));
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = rest;
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let found = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_at_its_last_byte_only() {
        let fixed =
            b"HTTP/1.1 502 Bad Gateway\r\nBridgehead-Error: x\r\nContent-Length: 3\r\n\r\nabc".as_slice();
        let chunked =
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                .as_slice();
        for whole in [fixed, chunked] {
            for split in 0..whole.len() {
                assert_eq!(answer(&whole[..split], true).unwrap(), None);
            }
            assert_eq!(answer(whole, false).unwrap().unwrap().body, b"abc");
        }
        let refused = answer(fixed, false).unwrap().unwrap();
        assert_eq!((refused.status, refused.reason.as_deref()), (502, Some("x")));
        assert!(answer(chunked, false).unwrap().unwrap().closes);
    }

    #[test]
    fn a_body_without_framing_lasts_until_the_end() {
        let bytes = b"HTTP/1.1 200 OK\r\n\r\nabc";
        assert_eq!(answer(bytes, false).unwrap(), None);
        assert_eq!(answer(bytes, true).unwrap().unwrap().body, b"abc");
    }

    #[test]
    fn what_was_not_announced_is_an_error() {
        assert!(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", false).is_err());
        assert!(answer(b"nonsense\r\n\r\n", false).is_err());
    }
}
