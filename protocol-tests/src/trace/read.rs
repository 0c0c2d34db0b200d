//! Reads a trace, one entry at a time.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use thiserror::Error;

use super::{Entry, Event, Header, MAGIC, MAX_BYTES, Origin, VERSION};
use crate::protocol::Protocol;

/// A trace and the place in it.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    header: Header,
    /// Counted from 1; the one that was read last.
    line: usize,
}

/// Why a trace cannot be read.
#[derive(Debug, Error)]
pub enum BadTrace {
    /// The file cannot be read.
    #[error("line {line}: {error}")]
    Io {
        /// Counted from 1.
        line: usize,
        /// What the system says.
        error: io::Error,
    },
    /// The text is no trace.
    #[error("line {line}: {what}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When this is no trace of this version.
    pub fn open(source: R) -> Result<Self, BadTrace> {
        let mut reader = Self {
            source,
            header: Header::default(),
            line: 0,
        };
        let first = reader.next_line()?.unwrap_or_default();
        match first.split_once(' ') {
            Some((MAGIC, VERSION)) => {}
            Some((MAGIC, other)) => return Err(reader.bad(format!("version `{other}` is not known"))),
            _ => return Err(reader.bad(format!("a trace begins with `{MAGIC} {VERSION}`"))),
        }
        while let Some(line) = reader.next_line()? {
            if line.trim().is_empty() {
                break;
            }
            reader.field(&line)?;
        }
        Ok(reader)
    }

    /// What stood before the entries.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the text is no entry, or the file ends within one.
    pub fn entry(&mut self) -> Result<Option<Entry>, BadTrace> {
        let Some(line) = self.content_line()? else {
            return Ok(None);
        };
        if line.starts_with(char::is_whitespace) {
            return Err(self.bad("bytes stand behind `bytes N` only"));
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let [connection, at, from, rest @ ..] = words.as_slice() else {
            return Err(self.bad("an entry is: connection, time, > or <, and what happened"));
        };
        let connection = connection
            .parse()
            .map_err(|_| self.bad(format!("`{connection}` is not the number of a connection")))?;
        let at = time(at).ok_or_else(|| self.bad(format!("`{at}` is no time in seconds")))?;
        let from = match *from {
            ">" => Origin::Client,
            "<" => Origin::Server,
            other => return Err(self.bad(format!("`{other}` is neither > nor <"))),
        };
        let event = self.event(rest)?;
        Ok(Some(Entry {
            connection,
            at,
            from,
            event,
        }))
    }

    fn field(&mut self, line: &str) -> Result<(), BadTrace> {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = unescape(value);
        match name {
            "protocol" => {
                let protocol: Result<Protocol, _> = value.parse();
                self.header.protocol = Some(protocol.map_err(|why| self.bad(why))?);
            }
            "listen" => self.header.listen = Some(value),
            "target" => self.header.target = Some(value),
            "date" => self.header.date = Some(value),
            "redacted" => self.header.redacted = value == "yes",
            other => return Err(self.bad(format!("`{other}` is not known here"))),
        }
        Ok(())
    }

    fn event(&mut self, words: &[&str]) -> Result<Event, BadTrace> {
        Ok(match words {
            ["open"] => Event::Open,
            ["refused"] => Event::Refused,
            ["fin"] => Event::Fin,
            ["close"] => Event::Close,
            ["reset"] => Event::Reset,
            ["lost", count] => Event::Lost(
                count
                    .parse()
                    .map_err(|_| self.bad(format!("`{count}` is no number of bytes")))?,
            ),
            ["bytes", count] => {
                let count = count.parse().ok().filter(|count| *count <= MAX_BYTES);
                let count = count.ok_or_else(|| {
                    self.bad(format!("an entry has a number of bytes, at most {MAX_BYTES}"))
                })?;
                Event::Bytes(self.bytes(count)?)
            }
            other => return Err(self.bad(format!("`{}` is nothing that can happen", other.join(" ")))),
        })
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, BadTrace> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let Some(line) = self.content_line()? else {
                return Err(self.bad(format!("the file ends after {} of {count} bytes", bytes.len())));
            };
            if !line.starts_with(char::is_whitespace) {
                return Err(self.bad(format!("there are {} of {count} bytes", bytes.len())));
            }
            let row = row(&line).ok_or_else(|| self.bad("this is not a row of hexadecimal bytes"))?;
            bytes.extend(row);
        }
        match bytes.len() == count {
            true => Ok(bytes),
            false => Err(self.bad(format!("there are {} bytes, not {count}", bytes.len()))),
        }
    }

    /// The next line that is neither empty nor a comment.
    fn content_line(&mut self) -> Result<Option<String>, BadTrace> {
        while let Some(line) = self.next_line()? {
            let text = line.trim_start();
            if !text.is_empty() && !text.starts_with('#') {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn next_line(&mut self) -> Result<Option<String>, BadTrace> {
        let mut line = Vec::new();
        let limit = MAX_LINE as u64;
        let read = (&mut self.source).take(limit).read_until(b'\n', &mut line);
        self.line += 1;
        let read = read.map_err(|error| BadTrace::Io {
            line: self.line,
            error,
        })?;
        if read == 0 {
            return Ok(None);
        }
        if line.len() >= MAX_LINE {
            return Err(self.bad(format!("no line has more than {MAX_LINE} bytes")));
        }
        let text = String::from_utf8(line).map_err(|_| self.bad("a trace is UTF-8"))?;
        Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
    }

    fn bad(&self, what: impl Into<String>) -> BadTrace {
        BadTrace::Syntax {
            line: self.line,
            what: what.into(),
        }
    }
}

/// The bytes before the readable column.
fn row(line: &str) -> Option<Vec<u8>> {
    let digits = line.split(['|', '#']).next()?;
    let byte = |pair: &str| match pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        true => u8::from_str_radix(pair, 16).ok(),
        false => None,
    };
    digits.split_whitespace().map(byte).collect()
}

/// Seconds, with up to nine decimals.
fn time(text: &str) -> Option<Duration> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(seconds) || !is_number(decimals) || decimals.len() > 9 {
        return None;
    }
    let nanos = format!("{decimals:0<9}").parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    out
}

const MAX_LINE: usize = 64 << 10; // bytes; far more than a row or a comment of ours

#[cfg(test)]
mod tests {
    use super::super::Writer;
    use super::*;
    use crate::decode::Remark;

    fn entries(text: &str) -> Result<Vec<Entry>, BadTrace> {
        let mut reader = Reader::open(text.as_bytes())?;
        std::iter::from_fn(|| reader.entry().transpose()).collect()
    }

    fn sample() -> (Header, Vec<Entry>) {
        let header = Header {
            protocol: Some(Protocol::FastCgi),
            listen: Some("unix:/a\nb\\c".to_owned()),
            target: Some("127.0.0.1:9000".to_owned()),
            date: Some("2026-11-21T08:00:00Z".to_owned()),
            redacted: true,
        };
        let events = [
            Event::Open,
            Event::Bytes((0..=255).collect()),
            Event::Bytes(b"# | \xff\n".to_vec()),
            Event::Bytes(Vec::new()),
            Event::Lost(u64::MAX),
            Event::Fin,
            Event::Close,
            Event::Reset,
            Event::Refused,
        ];
        let entry = |(at, event)| Entry {
            connection: 1 + at as u32 % 2,
            at: Duration::new(at, 1001 * at as u32),
            from: [Origin::Client, Origin::Server][at as usize % 2],
            event,
        };
        (header, (0..).zip(events).map(entry).collect())
    }

    #[test]
    fn what_is_written_is_read_back_whatever_the_bytes_are() {
        let (header, wanted) = sample();
        let mut text = Vec::new();
        let mut writer = Writer::begin(&mut text, &header).expect("written");
        let remarks = [Remark::fact("A\nB"), Remark::fault("C")];
        for entry in &wanted {
            writer.entry(entry, &remarks).expect("written");
        }
        writer.comment("the end").expect("written");
        let text = String::from_utf8(text).expect("UTF-8");
        assert_eq!(entries(&text).expect("a trace"), wanted);
        assert_eq!(Reader::open(text.as_bytes()).expect("a trace").header(), &header);
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        let complaint = |text: &str| {
            let text = text.replacen('T', "bridgehead-trace 1\n\n", 1);
            entries(&text).expect_err("no trace").to_string()
        };
        assert_eq!(
            complaint("GET / HTTP/1.1"),
            "line 1: a trace begins with `bridgehead-trace 1`"
        );
        assert_eq!(
            complaint("bridgehead-trace 2"),
            "line 1: version `2` is not known"
        );
        assert_eq!(
            complaint("T1 0 > sing"),
            "line 3: `sing` is nothing that can happen"
        );
        assert_eq!(complaint("T1 x > open"), "line 3: `x` is no time in seconds");
        assert_eq!(
            complaint("T1 0 > bytes 2\n  00 1\n"),
            "line 4: this is not a row of hexadecimal bytes"
        );
        assert_eq!(
            complaint("T1 0 > bytes 2\n  00\n"),
            "line 5: the file ends after 1 of 2 bytes"
        );
        assert_eq!(
            complaint("T1 0 > bytes 1\n  00 01\n"),
            "line 4: there are 2 bytes, not 1"
        );
        assert!(complaint(&format!("T1 0 > bytes {}", usize::MAX)).contains("at most"));
    }

    #[test]
    fn nothing_that_is_cut_off_makes_a_panic() {
        let (header, wanted) = sample();
        let mut text = Vec::new();
        let mut writer = Writer::begin(&mut text, &header).expect("written");
        wanted
            .iter()
            .for_each(|entry| writer.entry(entry, &[]).expect("written"));
        for end in 0..text.len() {
            if let Ok(mut reader) = Reader::open(&text[..end]) {
                while let Ok(Some(_)) = reader.entry() {}
            }
        }
    }
}
