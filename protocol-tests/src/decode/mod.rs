//! The words for what goes over a connection, and the names of everything irregular, while it arrives.
//!
//! Works on streams: it keeps what is not whole yet, and no more. It judges leniently where peers differ and no text
//! says who is right, since it looks at traffic that works; the cases are stricter.

pub(crate) mod body;
mod fastcgi;
mod guess;
mod http;
mod lane;
mod message;
mod remark;
mod request;
mod title;
mod vars;

pub use guess::{Guess, guess, guess_origin};
pub use remark::Remark;

use remark::{Remarks, bytes, quote};

use crate::protocol::Protocol;
use crate::trace::{Event, Origin};

/// One connection, both directions.
#[derive(Debug)]
pub struct Conversation {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// What the client has said is not enough for a guess.
    Guessing(Vec<u8>),
    FastCgi(Box<fastcgi::FastCgi>),
    Vars(Box<vars::Vars>),
    Http(Box<http::Http>),
    /// Nobody knows.
    Unknown,
}

impl Conversation {
    /// A connection of a protocol; without one it is guessed, and the guess is said.
    pub fn new(protocol: Option<Protocol>) -> Self {
        Self {
            stage: protocol.map_or(Stage::Guessing(Vec::new()), Stage::of),
        }
    }

    /// What an event means.
    pub fn hear(&mut self, from: Origin, event: &Event) -> Vec<Remark> {
        let mut out = Remarks::default();
        match event {
            Event::Open => {}
            Event::Refused => out.blame("there was no connection to the server"),
            Event::Bytes(bytes) => self.hear_bytes(from, bytes, &mut out),
            Event::Lost(count) => self.lose(from, *count, &mut out),
            Event::Fin | Event::Close => self.end(from, true, &mut out),
            Event::Reset => {
                out.blame(format!("the {} reset the connection", from.name()));
                self.end(from, false, &mut out);
            }
        }
        out.0
    }

    fn hear_bytes(&mut self, from: Origin, input: &[u8], out: &mut Remarks) {
        if let Stage::Guessing(held) = &mut self.stage {
            let mut so_far = std::mem::take(held);
            so_far.extend_from_slice(input);
            let guess = guess(&so_far, from);
            if guess == Guess::More && so_far.len() < MAX_GUESSED {
                self.stage = Stage::Guessing(so_far);
                return;
            }
            self.settle(guess, out);
            return self.hear_known(from, &so_far, out);
        }
        self.hear_known(from, input, out);
    }

    fn hear_known(&mut self, from: Origin, input: &[u8], out: &mut Remarks) {
        match &mut self.stage {
            Stage::FastCgi(decoder) => decoder.feed(from, input, out),
            Stage::Vars(decoder) => decoder.feed(from, input, out),
            Stage::Http(decoder) => decoder.feed(from, input, out),
            Stage::Guessing(_) | Stage::Unknown => {
                out.say(format!("{}: {}", bytes(input.len()), quote(input)));
            }
        }
    }

    fn settle(&mut self, guess: Guess, out: &mut Remarks) {
        self.stage = match guess {
            Guess::Is(protocol, why) => {
                out.say(format!("this seems to be {protocol}: {why}"));
                Stage::of(protocol)
            }
            Guess::More | Guess::Unknown => {
                out.blame("this is none of fastcgi, uwsgi, scgi and http");
                Stage::Unknown
            }
        };
    }

    fn lose(&mut self, from: Origin, count: u64, out: &mut Remarks) {
        out.blame(format!("{} of the {} are lost", bytes(count), from.name()));
        if let Stage::Guessing(held) = &mut self.stage
            && !held.is_empty()
        {
            let held = std::mem::take(held);
            self.settle(guess(&held, from), out);
            self.hear_known(from, &held, out);
        }
        match &mut self.stage {
            Stage::FastCgi(decoder) => decoder.lose(from, count, out),
            Stage::Vars(decoder) => decoder.lose(from),
            Stage::Http(decoder) => decoder.lose(from),
            Stage::Guessing(_) | Stage::Unknown => {}
        }
    }

    fn end(&mut self, from: Origin, whole: bool, out: &mut Remarks) {
        if let Stage::Guessing(held) = &mut self.stage {
            let held = std::mem::take(held);
            if held.is_empty() {
                return;
            }
            self.settle(Guess::Unknown, out);
            self.hear_known(from, &held, out);
        }
        match &mut self.stage {
            Stage::FastCgi(decoder) => decoder.end(from, whole, out),
            Stage::Vars(decoder) => decoder.end(from, whole, out),
            Stage::Http(decoder) => decoder.end(from, whole, out),
            Stage::Guessing(_) | Stage::Unknown => {}
        }
    }
}

impl Stage {
    fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::FastCgi => Self::FastCgi(Box::default()),
            Protocol::Uwsgi | Protocol::Scgi => Self::Vars(Box::new(vars::Vars::new(protocol))),
            Protocol::Http => Self::Http(Box::default()),
        }
    }
}

/// Bytes; every protocol shows itself in fewer.
const MAX_GUESSED: usize = 64;

#[cfg(test)]
mod tests;
