//! FastCGI records, and the answers that they make.

use super::{Answer, End, Head, Style};

/// A record that has arrived as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Should be 1.
    pub version: u8,
    /// The record's type.
    pub kind: u8,
    /// 0 for management records.
    pub id: u16,
    /// Without the padding.
    pub content: &'a [u8],
    /// Bytes that were skipped behind the content.
    pub padding: u8,
    /// Should be 0, and is ignored.
    pub reserved: u8,
    /// Where the header starts, in bytes from the start of the connection.
    pub offset: usize,
}

/// The whole records in `bytes`, and what is left behind the last.
pub fn records(bytes: &[u8]) -> (Vec<Record<'_>>, &[u8]) {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some((record, after)) = record(rest, bytes.len() - rest.len()) {
        records.push(record);
        rest = after;
    }
    (records, rest)
}

/// The id of the last BEGIN_REQUEST that has arrived.
pub fn last_request(bytes: &[u8]) -> Option<u16> {
    let (records, _) = records(bytes);
    let begins = records.iter().rev().find(|record| record.kind == BEGIN_REQUEST);
    begins.map(|record| record.id)
}

fn record(bytes: &[u8], offset: usize) -> Option<(Record<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<8>()?;
    let [version, kind, id1, id0, length1, length0, padding, reserved] = *header;
    let length = usize::from(u16::from_be_bytes([length1, length0]));
    let (content, rest) = rest.split_at_checked(length)?;
    let (_, rest) = rest.split_at_checked(usize::from(padding))?;
    let id = u16::from_be_bytes([id1, id0]);
    Some((
        Record {
            version,
            kind,
            id,
            content,
            padding,
            reserved,
            offset,
        },
        rest,
    ))
}

/// What the records say about requests, in the order in which the answers begin. An END_REQUEST ends the answer of
/// its id; whatever follows with this id begins another.
pub fn answers(bytes: &[u8], closed: bool) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    let (records, _) = records(bytes);
    for record in records
        .iter()
        .filter(|record| matches!(record.kind, END | STDOUT | STDERR))
    {
        let open = answers
            .iter()
            .position(|answer| answer.id == record.id && answer.end.is_none());
        let at = open.unwrap_or_else(|| {
            answers.push(Answer {
                id: record.id,
                ..Answer::default()
            });
            answers.len() - 1
        });
        add(&mut answers[at], record);
    }
    for answer in &mut answers {
        finish(answer, closed);
    }
    answers
}

fn add(answer: &mut Answer, record: &Record<'_>) {
    match record.kind {
        STDOUT if record.content.is_empty() => answer.stdout_ended = true,
        STDOUT => answer.stdout.extend_from_slice(record.content),
        STDERR if record.content.is_empty() => answer.stderr_ended = true,
        STDERR => answer.stderr.extend_from_slice(record.content),
        _ => answer.end = end(record.content),
    }
}

fn finish(answer: &mut Answer, closed: bool) {
    answer.complete = answer.end.is_some();
    answer.cut = closed && !answer.complete;
    if let Some((head, length)) = Head::parse(&answer.stdout, Style::Cgi) {
        answer.body = answer.stdout[length..].to_vec();
        answer.head = Some(head);
    }
}

/// A short body counts as zeros: whether it is whole is another question.
fn end(content: &[u8]) -> Option<End> {
    let byte = |at: usize| content.get(at).copied().unwrap_or(0);
    let app_status = u32::from_be_bytes([byte(0), byte(1), byte(2), byte(3)]);
    Some(End {
        app_status,
        protocol_status: byte(4),
    })
}

/// A name and its value.
pub type Pair<'a> = (&'a [u8], &'a [u8]);

/// Name-value pairs; `None` when they are not whole.
pub fn pairs(bytes: &[u8]) -> Option<Vec<Pair<'_>>> {
    let (pairs, rest) = leading_pairs(bytes);
    rest.is_empty().then_some(pairs)
}

/// The whole name-value pairs at the start of `bytes`, and what is left behind the last.
pub fn leading_pairs(bytes: &[u8]) -> (Vec<Pair<'_>>, &[u8]) {
    let (mut pairs, mut rest) = (Vec::new(), bytes);
    while let Some((found, after)) = pair(rest) {
        pairs.push(found);
        rest = after;
    }
    (pairs, rest)
}

fn pair(bytes: &[u8]) -> Option<(Pair<'_>, &[u8])> {
    let (name_length, rest) = length(bytes)?;
    let (value_length, rest) = length(rest)?;
    let (name, rest) = rest.split_at_checked(name_length)?;
    let (value, rest) = rest.split_at_checked(value_length)?;
    Some(((name, value), rest))
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes.first()? {
        short @ 0..=127 => Some((short.into(), &bytes[1..])),
        _ => {
            let (four, rest) = bytes.split_first_chunk::<4>()?;
            Some(((u32::from_be_bytes(*four) & 0x7fff_ffff) as usize, rest))
        }
    }
}

const END: u8 = 3;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

const BEGIN_REQUEST: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"\x01\x06\x00\x01\x00\x09\x01\x00\
        A: b\n\nxyz\
        _\x01\x07\x00\x01\x00\x02\x00\x00no\
        \x01\x06\x00\x01\x00\x00\x00\x00\
        \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x09\x00\x00\x00\x00";

    #[test]
    fn records_make_an_answer() {
        let answers = answers(ANSWER, false);
        let [answer] = answers.as_slice() else {
            panic!("{answers:?}")
        };
        assert_eq!(
            (answer.status(), answer.body.as_slice()),
            (Some(200), &b"xyz"[..])
        );
        assert_eq!(
            (answer.stderr.as_slice(), answer.stdout_ended, answer.stderr_ended),
            (&b"no"[..], true, false)
        );
        assert_eq!(
            answer.end,
            Some(End {
                app_status: 9,
                protocol_status: 0
            })
        );
        assert!(answer.complete && !answer.cut);
    }

    #[test]
    fn what_is_cut_short_is_left_over() {
        for cut in 0..ANSWER.len() {
            let (whole, rest) = records(&ANSWER[..cut]);
            assert!(whole.len() < 4);
            assert!(!rest.is_empty() || [0, 18, 28, 36].contains(&cut), "{cut}");
            assert!(answers(&ANSWER[..cut], true).iter().all(|answer| answer.cut));
        }
    }

    #[test]
    fn pairs_are_whole_or_not_at_all() {
        assert_eq!(
            pairs(b"\x01\x80\0\0\x02Abc\x00\x00"),
            Some(vec![(&b"A"[..], &b"bc"[..]), (b"", b"")])
        );
        assert_eq!(pairs(b"\x01\x02Ab"), None);
        assert_eq!(pairs(b"\x01\x80\0"), None);
    }
}
