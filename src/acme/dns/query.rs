//! What resolvers ask (RFC 1035, section 4.1; RFC 6891 for the sizes of answers).

use super::name::{LABEL, MOST, is_plain};

/// Bytes of a message's header.
pub(super) const HEADER: usize = 12;

/// Records behind the question that are looked through for the sizes that the asker takes, at most.
const ADDITIONAL: u16 = 8;

/// `OPT` (RFC 6891, section 6.1.1).
pub(super) const OPT: u16 = 41;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// The asker's number for it.
    pub id: u16,
    /// The asker wants us to ask others, which we do not; answers repeat it.
    pub recursion: bool,
    /// The name, as it stands there with its type and class: resolvers want the same letters back.
    pub(super) question: &'a [u8],
    /// The name in lower case; `None`: no host has such a name.
    pub name: Option<String>,
    /// The type of the records.
    pub kind: u16,
    /// Their class.
    pub class: u16,
    /// What the asker can do beyond RFC 1035.
    pub edns: Option<Edns>,
}

/// What the asker can do beyond RFC 1035.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// Bytes of an answer over UDP that it takes.
    pub size: u16,
    /// The version of the extension.
    pub version: u8,
}

/// Why a message is no query that could be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Nothing is said to it: an answer to an answer would go round in circles.
    Ignored,
    /// What is told to the asker.
    Told {
        /// The asker's number for it.
        id: u16,
        /// The kind of the message.
        opcode: u8,
        /// What is wrong.
        code: Code,
    },
}

/// What an answer says of the question (RFC 1035, section 4.1.1; RFC 6891, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It was answered.
    NoError,
    /// It cannot be understood.
    Format,
    /// It is no question.
    NotImplemented,
    /// It is not for us.
    Refused,
    /// A version of the extension that we do not know.
    Version,
}

impl<'a> Query<'a> {
    /// Reads a message.
    pub fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let (head, body) = message.split_at_checked(HEADER).ok_or(Malformed::Ignored)?;
        let mut head = Reader(head);
        let (Some(id), Some(flags)) = (head.number(), head.number()) else {
            return Err(Malformed::Ignored);
        };
        if flags & ANSWER != 0 {
            return Err(Malformed::Ignored);
        }
        let opcode = (flags >> 11) as u8 & 0xf;
        let told = |code| Malformed::Told { id, opcode, code };
        if opcode != 0 {
            return Err(told(Code::NotImplemented));
        }
        let counts = [(); 4].map(|()| head.number().unwrap_or(u16::MAX));
        let query = match counts {
            [1, 0, 0, additional @ 0..=ADDITIONAL] => Self::body(id, flags, body, additional),
            _ => None,
        };
        query.ok_or(told(Code::Format))
    }

    fn body(id: u16, flags: u16, body: &'a [u8], additional: u16) -> Option<Self> {
        let mut rest = Reader(body);
        let name = rest.name()?;
        let (kind, class) = (rest.number()?, rest.number()?);
        let question = &body[..body.len() - rest.0.len()];
        let mut edns = None;
        for _ in 0..additional {
            if let Some(found) = rest.record()?
                && edns.replace(found).is_some()
            {
                return None;
            }
        }
        Some(Self {
            id,
            recursion: flags & RECURSION != 0,
            question,
            name,
            kind,
            class,
            edns,
        })
    }
}

/// What is left of a message.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    }

    /// A name that stands there as a whole: nothing stands before a question that it could refer to. In lower case, if it may be a
    /// host's.
    fn name(&mut self) -> Option<Option<String>> {
        let mut name = Some(String::new());
        let mut length = 1;
        loop {
            let label = match usize::from(self.byte()?) {
                0 => return Some(name),
                count @ 1..=LABEL => self.take(count)?,
                _ => return None,
            };
            length += 1 + label.len();
            if length > MOST {
                return None;
            }
            name = name.filter(|_| label.iter().copied().all(is_plain));
            if let Some(name) = &mut name {
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
            }
        }
    }

    /// A record behind the question: `Some` for `OPT`. The names of others may refer to the question.
    fn record(&mut self) -> Option<Option<Edns>> {
        let is_root = self.referring_name()?;
        let (kind, class) = (self.number()?, self.number()?);
        let (_extended, version, _flags) = (self.byte()?, self.byte()?, self.number()?);
        let length = self.number()?;
        self.take(length.into())?;
        Some((kind == OPT && is_root).then_some(Edns { size: class, version }))
    }

    /// Passes a name; whether it is the root.
    fn referring_name(&mut self) -> Option<bool> {
        let mut is_root = true;
        // As many labels as fit into a name.
        for _ in 0..MOST / 2 + 1 {
            match usize::from(self.byte()?) {
                0 => return Some(is_root),
                count @ 1..=LABEL => self.take(count).map(|_| ())?,
                0xc0.. => return self.byte().map(|_| false),
                _ => return None,
            }
            is_root = false;
        }
        None
    }
}

const ANSWER: u16 = 0x8000;

const RECURSION: u16 = 0x0100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `dig +noedns TXT _acme-challenge.Shop.example`, and the same with EDNS.
    const PLAIN: &[u8] = b"\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x0f_acme-challenge\x04Shop\x07example\x00\x00\x10\x00\x01";

    fn with_edns(size: u16, version: u8) -> Vec<u8> {
        let mut message = PLAIN.to_vec();
        message[11] = 1;
        message.extend_from_slice(&[0, 0, 41]);
        message.extend_from_slice(&size.to_be_bytes());
        message.extend_from_slice(&[0, version, 0x80, 0, 0, 4, 0, 10, 0, 0]);
        message
    }

    #[test]
    fn a_question_is_read_in_lower_case_and_kept_as_it_came() {
        let query = Query::parse(PLAIN).unwrap();
        assert_eq!(query.name.as_deref(), Some("_acme-challenge.shop.example"));
        assert_eq!((query.id, query.kind, query.class), (0x1234, 16, 1));
        assert_eq!(query.question, &PLAIN[HEADER..]);
        assert!(query.recursion && query.edns.is_none());
    }

    #[test]
    fn the_size_of_an_answer_is_what_the_asker_takes() {
        let edns = |message: &[u8]| Query::parse(message).unwrap().edns;
        assert_eq!(
            edns(&with_edns(1232, 0)),
            Some(Edns {
                size: 1232,
                version: 0
            })
        );
        assert_eq!(edns(&with_edns(0, 1)), Some(Edns { size: 0, version: 1 }));
    }

    #[test]
    fn every_piece_of_a_question_is_none() {
        for end in 0..PLAIN.len() {
            let wanted = match end {
                0..HEADER => Malformed::Ignored,
                _ => Malformed::Told {
                    id: 0x1234,
                    opcode: 0,
                    code: Code::Format,
                },
            };
            assert_eq!(Query::parse(&PLAIN[..end]), Err(wanted), "{end}");
        }
    }

    #[test]
    fn what_is_no_question_is_not_answered_as_one() {
        let changed = |at: usize, byte: u8| {
            let mut message = PLAIN.to_vec();
            message[at] = byte;
            Query::parse(&message).map(|_| ()).unwrap_err()
        };
        let told = |opcode, code| Malformed::Told {
            id: 0x1234,
            opcode,
            code,
        };
        // An answer.
        assert_eq!(changed(2, 0x81), Malformed::Ignored);
        // NOTIFY.
        assert_eq!(changed(2, 4 << 3), told(4, Code::NotImplemented));
        // None, and two questions; an answer in a question; more records than are looked through.
        for (at, byte) in [(5, 0), (5, 2), (7, 1), (9, 1), (11, 9), (10, 1)] {
            assert_eq!(changed(at, byte), told(0, Code::Format), "{at} {byte}");
        }
        // A label that refers to another one, and one of a kind that does not exist.
        for byte in [0xc0, 0x40, 0x80] {
            assert_eq!(changed(HEADER, byte), told(0, Code::Format));
        }
        // Two `OPT`.
        let mut twice = with_edns(1232, 0);
        let opt = twice[PLAIN.len()..].to_vec();
        twice.extend(opt);
        twice[11] = 2;
        assert_eq!(Query::parse(&twice), Err(told(0, Code::Format)));
    }

    #[test]
    fn names_that_no_host_has_are_read_and_have_no_text() {
        let query = |name: &[u8]| {
            let mut message = PLAIN[..HEADER].to_vec();
            message.extend_from_slice(name);
            message.extend_from_slice(b"\x00\x10\x00\x01");
            Query::parse(&message).map(|query| query.name)
        };
        assert_eq!(query(b"\x03a.b\x07example\x00"), Ok(None));
        assert_eq!(query(b"\x01\x00\x00"), Ok(None));
        assert_eq!(query(b"\x00"), Ok(Some(String::new())));
        let longest = [&[63; 64][..]; 3].concat();
        assert_eq!(query(&[&longest[..], &[61; 62][..], &[0]].concat()), Ok(None));
        assert!(query(&[&longest[..], &[62; 63][..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Query::parse(&bytes);
        }

        #[test]
        fn no_change_of_a_question_makes_it_panic(at in 0..PLAIN.len() + 15, byte: u8, end in 0..PLAIN.len() + 16) {
            let mut message = with_edns(1232, 0);
            if let Some(place) = message.get_mut(at) {
                *place = byte;
            }
            message.truncate(end);
            if let Ok(query) = Query::parse(&message) {
                prop_assert!(query.question.len() <= MOST + 4);
            }
        }
    }
}
