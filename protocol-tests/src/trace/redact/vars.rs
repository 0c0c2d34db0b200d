//! Lists of variables, in the coding of each protocol; and the body behind them, where there is one.

use super::{MAX_NAME, is_secret_variable};

/// A list under way.
#[derive(Debug)]
pub(super) struct Vars {
    coding: Coding,
    stage: Stage,
    name: Vec<u8>,
    is_secret_value: bool,
    /// Bytes of the list that are still to come; FastCGI's has no length.
    left: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    FastCgi,
    Uwsgi,
    Scgi,
}

#[derive(Debug)]
enum Stage {
    /// uwsgi's header, or the digits of SCGI's netstring.
    Header(Vec<u8>),
    /// A length, as far as it came; of FastCGI's two the first is known for the second.
    NameLength(Vec<u8>),
    ValueLength(Vec<u8>, usize),
    /// So many bytes of it, and of FastCGI's value, are still to come.
    Name(usize, usize),
    Value(usize),
    /// SCGI: up to the NUL.
    OpenName,
    OpenValue,
    /// SCGI: the comma.
    End,
    /// Behind the list.
    Body,
}

impl Vars {
    pub(super) fn fastcgi() -> Self {
        Self::new(Coding::FastCgi, Stage::NameLength(Vec::new()))
    }

    pub(super) fn uwsgi() -> Self {
        Self::new(Coding::Uwsgi, Stage::Header(Vec::new()))
    }

    pub(super) fn scgi() -> Self {
        Self::new(Coding::Scgi, Stage::Header(Vec::new()))
    }

    fn new(coding: Coding, stage: Stage) -> Self {
        Self {
            coding,
            stage,
            name: Vec::new(),
            is_secret_value: false,
            left: None,
        }
    }

    pub(super) fn is_secret(&mut self, byte: u8) -> bool {
        let in_list = !matches!(self.stage, Stage::Header(_) | Stage::End | Stage::Body);
        let stage = std::mem::replace(&mut self.stage, Stage::Body);
        let (next, secret) = self.step(stage, byte);
        self.stage = next;
        if let Some(left) = self.left.as_mut().filter(|_| in_list) {
            *left -= 1;
            if *left == 0 {
                self.stage = self.behind();
            }
        }
        secret
    }

    /// What follows a byte, and whether it is secret.
    fn step(&mut self, stage: Stage, byte: u8) -> (Stage, bool) {
        match stage {
            Stage::Header(mut header) => {
                header.push(byte);
                self.header(header)
            }
            Stage::NameLength(mut digits) => {
                digits.push(byte);
                (self.name_length(digits), false)
            }
            Stage::ValueLength(mut digits, name) => {
                digits.push(byte);
                (self.value_length(digits, name), false)
            }
            Stage::Name(left, value) => {
                self.push_name(byte);
                match left {
                    0 | 1 => (self.after_name(value), false),
                    _ => (Stage::Name(left - 1, value), false),
                }
            }
            Stage::Value(left) => match left {
                0 | 1 => (Stage::NameLength(Vec::new()), self.is_secret_value),
                _ => (Stage::Value(left - 1), self.is_secret_value),
            },
            Stage::OpenName if byte == 0 => {
                self.is_secret_value = is_secret_variable(&self.name);
                (Stage::OpenValue, false)
            }
            Stage::OpenName => {
                self.push_name(byte);
                (Stage::OpenName, false)
            }
            Stage::OpenValue if byte == 0 => {
                self.name.clear();
                (Stage::OpenName, false)
            }
            Stage::OpenValue => (Stage::OpenValue, self.is_secret_value),
            Stage::End => (Stage::Body, byte != b','),
            Stage::Body => (Stage::Body, true),
        }
    }

    fn header(&mut self, header: Vec<u8>) -> (Stage, bool) {
        if self.coding == Coding::Uwsgi {
            let [_, low, high, _] = *header.as_slice() else {
                return (Stage::Header(header), false);
            };
            return (self.begin(u16::from_le_bytes([low, high]).into()), false);
        }
        let digits = header.strip_suffix(b":").map(std::str::from_utf8);
        let length = digits.and_then(|text| text.ok()?.parse().ok());
        match (length, header.last()) {
            (Some(length), _) => (self.begin(length), false),
            (None, Some(byte)) if byte.is_ascii_digit() && header.len() <= MAX_DIGITS => {
                (Stage::Header(header), false)
            }
            _ => (Stage::Body, true),
        }
    }

    fn begin(&mut self, length: usize) -> Stage {
        self.left = Some(length);
        match (length, self.coding) {
            (0, _) => self.behind(),
            (_, Coding::Scgi) => Stage::OpenName,
            _ => Stage::NameLength(Vec::new()),
        }
    }

    fn behind(&self) -> Stage {
        match self.coding {
            Coding::Scgi => Stage::End,
            Coding::FastCgi | Coding::Uwsgi => Stage::Body,
        }
    }

    fn name_length(&mut self, digits: Vec<u8>) -> Stage {
        let Some(length) = self.length(&digits) else {
            return Stage::NameLength(digits);
        };
        self.name.clear();
        match (self.coding, length) {
            (Coding::FastCgi, _) => Stage::ValueLength(Vec::new(), length),
            (_, 0) => self.after_name(0),
            _ => Stage::Name(length, 0),
        }
    }

    fn value_length(&mut self, digits: Vec<u8>, name: usize) -> Stage {
        match self.length(&digits) {
            None => Stage::ValueLength(digits, name),
            // FastCGI's name is still to come, uwsgi's was there already.
            Some(length) if name > 0 => Stage::Name(name, length),
            Some(length) => self.value(length),
        }
    }

    fn after_name(&mut self, value: usize) -> Stage {
        match self.coding {
            Coding::FastCgi => self.value(value),
            Coding::Uwsgi | Coding::Scgi => Stage::ValueLength(Vec::new(), 0),
        }
    }

    fn value(&mut self, length: usize) -> Stage {
        self.is_secret_value = is_secret_variable(&self.name);
        match length {
            0 => Stage::NameLength(Vec::new()),
            _ => Stage::Value(length),
        }
    }

    /// A length, once all its bytes are there.
    fn length(&self, digits: &[u8]) -> Option<usize> {
        match (self.coding, digits) {
            (Coding::FastCgi, [short @ 0..=127]) => Some((*short).into()),
            (Coding::FastCgi, [a, b, c, d]) => {
                Some((u32::from_be_bytes([*a, *b, *c, *d]) & 0x7fff_ffff) as usize)
            }
            (Coding::Uwsgi | Coding::Scgi, [low, high]) => Some(u16::from_le_bytes([*low, *high]).into()),
            _ => None,
        }
    }

    /// A name that is too long is kept so long that it is none of ours.
    fn push_name(&mut self, byte: u8) {
        if self.name.len() <= MAX_NAME {
            self.name.push(byte);
        }
    }
}

const MAX_DIGITS: usize = 10; // of a netstring's length
