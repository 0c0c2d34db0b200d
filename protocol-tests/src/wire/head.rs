//! The head of an answer: CGI's or HTTP's (RFC 3875 section 6, RFC 9112 sections 4 and 5).

use thiserror::Error;

/// The lines before the blank one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// From the status line, or as CGI says it.
    pub status: u16,
    /// In their order; names as they came, values without white space around them.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// Which first line a head may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Fields only; the status is one of them.
    Cgi,
    /// A status line.
    Http,
    /// Either: uWSGI sends a status line, others may send CGI's head.
    Either,
}

/// Why a head cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHead {
    /// A line that is no field.
    #[error("a line without a colon")]
    NoColon,
    /// White space or nothing before the colon, or a folded line.
    #[error("a field name that is no token")]
    Name,
    /// Not three digits.
    #[error("a status that is no number")]
    Status,
    /// HTTP wants one.
    #[error("no status line")]
    StatusLine,
}

impl Head {
    /// Reads a head at the start of `bytes`, and says where the body begins. `None`: the blank line is not there.
    pub fn parse(bytes: &[u8], style: Style) -> Option<(Result<Self, BadHead>, usize)> {
        let length = length(bytes)?;
        Some((Self::parse_whole(&bytes[..length], style), length))
    }

    fn parse_whole(bytes: &[u8], style: Style) -> Result<Self, BadHead> {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut rest = lines.clone();
        let status = rest
            .next()
            .filter(|line| line.starts_with(b"HTTP/"))
            .map(status_line)
            .transpose()?;
        match (status, style) {
            (Some(_), Style::Http | Style::Either) => lines = rest,
            (None, Style::Http) => return Err(BadHead::StatusLine),
            (_, Style::Cgi) | (None, Style::Either) => {}
        }
        let fields = lines
            .filter(|line| !line.is_empty())
            .map(field)
            .collect::<Result<Vec<_>, _>>()?;
        let mut head = Self { status: 0, fields };
        head.status = match (status, style) {
            (Some(status), Style::Http | Style::Either) => status,
            _ => head.cgi_status()?,
        };
        Ok(head)
    }

    /// The values of a field, in their order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let same = move |known: &str| known.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(move |(known, _)| same(known))
            .map(|(_, value)| value.as_slice())
    }

    /// RFC 3875, section 6.3.3: 200 without Status, 302 with nothing but a Location.
    fn cgi_status(&self) -> Result<u16, BadHead> {
        match self.values("status").next() {
            Some(text) => number(text.get(..3).unwrap_or_default()).ok_or(BadHead::Status),
            None => Ok(if self.values("location").next().is_some() {
                302
            } else {
                200
            }),
        }
    }
}

/// How many bytes there are up to the end of the blank line.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        let end = start + bytes.get(start..)?.iter().position(|byte| *byte == b'\n')?;
        if matches!(&bytes[start..end], b"" | b"\r") {
            return Some(end + 1);
        }
        start = end + 1;
    }
}

fn status_line(line: &[u8]) -> Result<u16, BadHead> {
    let mut words = line.split(|byte| *byte == b' ');
    let status = words.nth(1).filter(|word| word.len() == 3).and_then(number);
    status.ok_or(BadHead::Status)
}

fn field(line: &[u8]) -> Result<(String, Vec<u8>), BadHead> {
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or(BadHead::NoColon)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match name.is_empty() || !name.iter().all(token) {
        true => Err(BadHead::Name),
        false => Ok((
            String::from_utf8_lossy(name).into_owned(),
            value.trim_ascii().to_vec(),
        )),
    }
}

fn number(text: &[u8]) -> Option<u16> {
    match text.len() == 3 && text.iter().all(u8::is_ascii_digit) {
        true => std::str::from_utf8(text).ok()?.parse().ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, style: Style) -> Option<(Result<Head, BadHead>, usize)> {
        Head::parse(text.as_bytes(), style)
    }

    #[test]
    fn a_cgi_head_has_its_status_in_a_field_or_none() {
        let status = |text| parse(text, Style::Cgi).map(|(head, _)| head.map(|head| head.status));
        assert_eq!(status("Status: 404 Not Found\r\nA: b\r\n\r\nbody"), Some(Ok(404)));
        assert_eq!(status("A: b\n\nbody"), Some(Ok(200)));
        assert_eq!(status("Location: http://x/\n\n"), Some(Ok(302)));
        assert_eq!(status("Status: abc\n\n"), Some(Err(BadHead::Status)));
        assert_eq!(status("A b\n\n"), Some(Err(BadHead::NoColon)));
        assert_eq!(status("A : b\n\n"), Some(Err(BadHead::Name)));
        assert_eq!(status("A: b\r\n"), None);
    }

    #[test]
    fn an_http_head_has_a_status_line() {
        let (head, length) =
            parse("HTTP/1.1 201 Created\r\nA: b\r\nA:c\r\n\r\nbody", Style::Http).expect("whole");
        let head = head.expect("valid");
        assert_eq!((head.status, length), (201, 35));
        assert_eq!(head.values("a").collect::<Vec<_>>(), [b"b", b"c"]);
        let bare = parse("A: b\r\n\r\n", Style::Http);
        assert_eq!(bare, Some((Err(BadHead::StatusLine), 8)));
    }
}
