//! Heads and bodies: HTTP's, or an application's answer.

use super::{MAX_NAME, is_secret_field};
use crate::decode::body::Body;

/// The messages of one direction.
#[derive(Debug)]
pub(super) struct Message {
    sort: Sort,
    stage: Stage,
    /// The line so far, without what is longer than a name and a length.
    line: Vec<u8>,
    /// Whether the value of this line is secret, and of those that continue it.
    is_secret_line: bool,
    is_first_line: bool,
    length: Option<u64>,
    is_chunked: bool,
    status: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Requests,
    Answers,
    /// A head, and everything else is the body.
    Once,
}

#[derive(Debug)]
enum Stage {
    Head,
    Body(Body),
}

impl Message {
    pub(super) fn requests() -> Self {
        Self::new(Sort::Requests)
    }

    pub(super) fn answers() -> Self {
        Self::new(Sort::Answers)
    }

    pub(super) fn once() -> Self {
        Self::new(Sort::Once)
    }

    fn new(sort: Sort) -> Self {
        Self {
            sort,
            stage: Stage::Head,
            line: Vec::new(),
            is_secret_line: false,
            is_first_line: true,
            length: None,
            is_chunked: false,
            status: None,
        }
    }

    pub(super) fn is_secret(&mut self, byte: u8) -> bool {
        let Stage::Body(body) = &mut self.stage else {
            return self.is_secret_in_head(byte);
        };
        let secret = match body.take(&[byte]) {
            Ok(run) => run.is_content,
            Err(_) => {
                self.stage = Stage::Body(Body::until_close());
                return true;
            }
        };
        if body.is_over() && self.sort != Sort::Once {
            *self = Self::new(self.sort);
        }
        secret
    }

    fn is_secret_in_head(&mut self, byte: u8) -> bool {
        if byte == b'\n' {
            self.end_line();
            return false;
        }
        if self.line.is_empty() {
            // A line that begins with white space continues the one before.
            self.is_secret_line &= matches!(byte, b' ' | b'\t');
        }
        let secret = self.is_secret_line && byte != b'\r';
        if byte == b':' && !self.is_secret_line {
            self.is_secret_line = is_secret_field(&self.line);
        }
        if self.line.len() <= MAX_NAME {
            self.line.push(byte);
        }
        secret
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if !line.is_empty() {
            self.note(&line);
            self.is_first_line = false;
        } else if !(self.is_first_line && self.sort == Sort::Requests) {
            self.end_head();
        }
    }

    /// What a line says about the body.
    fn note(&mut self, line: &[u8]) {
        if self.is_first_line {
            let word = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            self.status = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok());
        }
        let Some((name, value)) = split_field(line) else {
            return;
        };
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = value.to_ascii_lowercase().ends_with(b"chunked");
        }
    }

    fn end_head(&mut self) {
        let is_answer = self.sort == Sort::Answers;
        let interim = is_answer
            && self
                .status
                .is_some_and(|status| (100..200).contains(&status) && status != 101);
        let without = is_answer && matches!(self.status, Some(204 | 304));
        let body = match self.length {
            _ if self.sort == Sort::Once => Body::until_close(),
            _ if interim || without => Body::of_length(0),
            _ if self.is_chunked => Body::chunked(),
            Some(length) => Body::of_length(length),
            None if is_answer => Body::until_close(),
            None => Body::of_length(0),
        };
        match body.is_over() {
            true => *self = Self::new(self.sort),
            false => self.stage = Stage::Body(body),
        }
    }
}

fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}
