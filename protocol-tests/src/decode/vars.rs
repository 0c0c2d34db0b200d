//! uwsgi and SCGI in words: variables, a body, an answer.

use super::body::Body;
use super::message::{Kind, Messages};
use super::remark::{Remarks, bytes, pair_words, quote};
use crate::protocol::Protocol;
use crate::trace::Origin;
use crate::wire::{Style, leading_shorts};

/// Both directions of a connection, which has one request.
#[derive(Debug)]
pub(super) struct Vars {
    is_uwsgi: bool,
    stage: Stage,
    answer: Messages,
}

#[derive(Debug)]
enum Stage {
    /// What has arrived of the variables.
    Variables(Vec<u8>),
    Body(Body),
    /// It cannot be read any further.
    Lost,
}

/// The variables as bytes, and how many bytes they took.
enum Frame<'a> {
    Partial,
    Whole(&'a [u8], usize),
}

impl Vars {
    pub(super) fn new(protocol: Protocol) -> Self {
        let is_uwsgi = protocol == Protocol::Uwsgi;
        let style = if is_uwsgi { Style::Either } else { Style::Cgi };
        Self {
            is_uwsgi,
            stage: Stage::Variables(Vec::new()),
            answer: Messages::new(Kind::Output(style)),
        }
    }

    pub(super) fn feed(&mut self, from: Origin, input: &[u8], out: &mut Remarks) {
        match (&mut self.stage, from) {
            (_, Origin::Server) => {
                self.answer.feed(input, out);
            }
            (Stage::Variables(so_far), Origin::Client) => {
                let mut so_far = std::mem::take(so_far);
                so_far.extend_from_slice(input);
                self.variables(so_far, out);
            }
            (Stage::Body(_), Origin::Client) => self.body(input, out),
            (Stage::Lost, Origin::Client) => out.say(format!("{}: {}", bytes(input.len()), quote(input))),
        }
    }

    pub(super) fn lose(&mut self, from: Origin) {
        match from {
            Origin::Client => self.stage = Stage::Lost,
            Origin::Server => self.answer.lose(),
        }
    }

    pub(super) fn end(&mut self, from: Origin, whole: bool, out: &mut Remarks) {
        match (from, &self.stage) {
            (Origin::Client, Stage::Variables(so_far)) if !so_far.is_empty() => {
                out.blame(format!(
                    "the variables are cut short after {}",
                    bytes(so_far.len())
                ));
            }
            (Origin::Client, Stage::Body(body)) => {
                if let Some(missing) = body.missing() {
                    out.blame(missing);
                }
            }
            (Origin::Client, _) => {}
            (Origin::Server, stage) => {
                self.answer.end(whole, out);
                if self.answer.count() == 0 && matches!(stage, Stage::Body(_)) {
                    out.blame("the server has left without an answer");
                }
            }
        }
    }

    fn variables(&mut self, so_far: Vec<u8>, out: &mut Remarks) {
        let frame = match self.is_uwsgi {
            true => Ok(packet(&so_far)),
            false => netstring(&so_far),
        };
        match frame {
            Ok(Frame::Partial) => self.stage = Stage::Variables(so_far),
            Ok(Frame::Whole(block, used)) => {
                let length = match self.is_uwsgi {
                    true => self.uwsgi(&so_far, block, out),
                    false => self.scgi(block, out),
                };
                self.stage = Stage::Body(Body::of_length(length));
                if let Some(rest @ [_, ..]) = so_far.get(used..) {
                    self.body(rest, out);
                }
            }
            Err(fault) => {
                out.blame(fault);
                self.stage = Stage::Lost;
            }
        }
    }

    /// Says what a packet holds; gives the length of the body.
    fn uwsgi(&mut self, packet: &[u8], block: &[u8], out: &mut Remarks) -> u64 {
        let byte = |at: usize| packet.get(at).copied().unwrap_or(0);
        let (pairs, rest) = leading_shorts(block);
        let modifiers = format!("modifiers {} and {}", byte(0), byte(3));
        let size = bytes(block.len());
        out.say(format!(
            "uwsgi packet, {modifiers}, {size}: {}",
            pair_words(&pairs)
        ));
        if !rest.is_empty() {
            out.blame(format!("the last pair is cut short: {}", quote(rest)));
        }
        self.names(&pairs, out)
    }

    fn scgi(&mut self, block: &[u8], out: &mut Remarks) -> u64 {
        let mut strings: Vec<_> = block.split(|byte| *byte == 0).collect();
        if strings.pop().is_some_and(|last| !last.is_empty()) || strings.len() % 2 == 1 {
            out.blame("the headers are not pairs of strings that end with NUL");
        }
        let (pairs, _) = strings.as_chunks::<2>();
        let pairs: Vec<_> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
        out.say(format!(
            "netstring, {}: {}",
            bytes(block.len()),
            pair_words(&pairs)
        ));
        if pairs.first().is_none_or(|(name, _)| *name != b"CONTENT_LENGTH") {
            out.blame("CONTENT_LENGTH is not the first header");
        }
        if !pairs.contains(&(b"SCGI", b"1")) {
            out.blame("there is no header SCGI with the value 1");
        }
        self.names(&pairs, out)
    }

    /// What every list of variables must be like; gives the length of the body.
    fn names(&mut self, pairs: &[(&[u8], &[u8])], out: &mut Remarks) -> u64 {
        let mut names: Vec<_> = pairs.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let mut doubles: Vec<_> = names
            .windows(2)
            .filter(|two| two[0] == two[1])
            .map(|two| two[0])
            .collect();
        doubles.dedup();
        for name in doubles {
            out.blame(format!("{} is there twice", name.escape_ascii()));
        }
        let value = |wanted: &[u8]| {
            pairs
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| *value)
        };
        self.answer.announce(value(b"REQUEST_METHOD") == Some(b"HEAD"));
        let length = value(b"CONTENT_LENGTH").unwrap_or_default();
        let number = std::str::from_utf8(length)
            .ok()
            .and_then(|text| text.parse().ok());
        if number.is_none() && !length.is_empty() {
            out.blame(format!("CONTENT_LENGTH is no number: {}", quote(length)));
        }
        number.unwrap_or(0)
    }

    fn body(&mut self, input: &[u8], out: &mut Remarks) {
        let Stage::Body(body) = &mut self.stage else {
            return;
        };
        // A body of a known length takes everything up to its end.
        let used = body.take(input).map_or(0, |run| run.length);
        let (content, rest) = input.split_at(used.min(input.len()));
        if !content.is_empty() {
            out.say(format!(
                "request body, {}: {}",
                bytes(content.len()),
                quote(content)
            ));
        }
        if !rest.is_empty() {
            out.blame(format!(
                "{} behind the request: {}",
                bytes(rest.len()),
                quote(rest)
            ));
        }
    }
}

/// The header has the block's size, two bytes, little end first.
fn packet(bytes: &[u8]) -> Frame<'_> {
    let [_, low, high, _, rest @ ..] = bytes else {
        return Frame::Partial;
    };
    let size = usize::from(u16::from_le_bytes([*low, *high]));
    match rest.get(..size) {
        Some(block) => Frame::Whole(block, size + 4),
        None => Frame::Partial,
    }
}

/// Digits, a colon, so many bytes, a comma.
fn netstring(bytes: &[u8]) -> Result<Frame<'_>, String> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let wrong = || Err(format!("this is no netstring: {}", quote(bytes)));
    match bytes.get(digits) {
        None if digits <= MAX_DIGITS => return Ok(Frame::Partial),
        Some(b':') if digits > 0 => {}
        _ => return wrong(),
    }
    let text = bytes
        .get(..digits)
        .and_then(|text| std::str::from_utf8(text).ok());
    let length = text.and_then(|text| text.parse::<usize>().ok());
    let Some(length) = length.filter(|length| *length <= MAX_NETSTRING) else {
        return Err(format!(
            "the netstring is longer than {MAX_NETSTRING} bytes; it is not read any further"
        ));
    };
    let start = digits + 1;
    match (bytes.get(start..start + length), bytes.get(start + length)) {
        (Some(block), Some(b',')) => Ok(Frame::Whole(block, start + length + 1)),
        (Some(_), Some(_)) => Err("there is no comma behind the headers".to_owned()),
        _ => Ok(Frame::Partial),
    }
}

const MAX_DIGITS: usize = 10; // of a netstring's length
const MAX_NETSTRING: usize = 1 << 20; // bytes of headers
