//! Parts of a file: `Range` (RFC 9110, section 14.2).

use std::ops::Range;

/// What of a file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it. Also the answer to what is no range of bytes, and to more of them than may be.
    Whole,
    /// These bytes, never none.
    Part(Range<u64>),
    /// Several parts, none of which touch each other, in the order in which they were asked for.
    Parts(Vec<Range<u64>>),
    /// 416: nothing of it.
    Unsatisfiable,
}

impl Asked {
    /// What the value of `Range` asks for of `len` bytes, with `most` ranges at most.
    ///
    /// Parts that overlap or touch each other become one (section 15.3.7.2): no byte is sent twice.
    pub(super) fn read(range: &[u8], len: u64, most: usize) -> Self {
        let unit = range.split_at_checked(6);
        let Some((_, list)) = unit.filter(|(unit, _)| unit.eq_ignore_ascii_case(b"bytes=")) else {
            return Self::Whole;
        };
        let mut parts = Vec::new();
        // An empty element is none (section 5.6.1.2), and counts all the same.
        for (count, spec) in list.split(|byte| *byte == b',').enumerate() {
            if count >= most {
                return Self::Whole;
            }
            match spec.trim_ascii() {
                b"" => {}
                spec => match part(spec, len) {
                    None => return Self::Whole,
                    Some(part) if part.is_empty() => {}
                    Some(part) => add(&mut parts, part),
                },
            }
        }
        match parts.len() {
            0 if list.trim_ascii().is_empty() => Self::Whole,
            0 => Self::Unsatisfiable,
            1 => Self::Part(parts.swap_remove(0)),
            _ => Self::Parts(parts),
        }
    }
}

/// Section 14.1.2. Empty: it cannot be satisfied. `None`: it is no range.
fn part(spec: &[u8], len: u64) -> Option<Range<u64>> {
    let hyphen = memchr::memchr(b'-', spec)?;
    let (first, last) = (&spec[..hyphen], &spec[hyphen + 1..]);
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, len.min(last.saturating_add(1))),
        (Some(first), None) if last.is_empty() => (first, len),
        (None, Some(suffix)) if first.is_empty() => (len.saturating_sub(suffix), len),
        _ => return None,
    };
    Some(start.min(end)..end)
}

/// Adds a part, and what it touches of the others to it.
fn add(parts: &mut Vec<Range<u64>>, mut part: Range<u64>) {
    let mut place = parts.len();
    while let Some(at) = parts.iter().position(|other| touch(other, &part)) {
        let other = parts.remove(at);
        part = part.start.min(other.start)..part.end.max(other.end);
        place = place.min(at);
    }
    parts.insert(place.min(parts.len()), part);
}

fn touch(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start <= other.end && other.start <= one.end
}

/// Digits only; what exceeds 64 bits is beyond the end of every file.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::Asked::{Part, Parts, Unsatisfiable, Whole};
    use super::*;

    fn asked(range: &str) -> Asked {
        Asked::read(range.as_bytes(), 100, 4)
    }

    #[test]
    fn ranges_of_bytes_are_understood_and_anything_else_gives_the_whole() {
        for (range, expected) in [
            ("bytes=0-0", Part(0..1)),
            ("bytes=0-99", Part(0..100)),
            ("bytes=10-", Part(10..100)),
            ("BYTES=10-19", Part(10..20)),
            ("bytes=90-1000", Part(90..100)),
            ("bytes=90-99999999999999999999999", Part(90..100)),
            ("bytes=-1", Part(99..100)),
            ("bytes=-1000", Part(0..100)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=100-, 200-300", Unsatisfiable),
            ("bytes=5-4", Whole),
            ("bytes=0-1,5-4", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=--1", Whole),
            ("bytes=", Whole),
            ("bytes", Whole),
            ("lines=0-1", Whole),
            ("", Whole),
        ] {
            assert_eq!(asked(range), expected, "{range}");
        }
    }

    #[test]
    fn parts_keep_their_order_and_those_that_touch_are_one() {
        for (range, expected) in [
            ("bytes=0-1,5-6", Parts(vec![0..2, 5..7])),
            ("bytes=50-59 , 0-9", Parts(vec![50..60, 0..10])),
            ("bytes=0-1,,5-6", Parts(vec![0..2, 5..7])),
            ("bytes=0-1,5-6,200-", Parts(vec![0..2, 5..7])),
            ("bytes=0-1,2-3", Part(0..4)),
            ("bytes=0-9,5-14", Part(0..15)),
            ("bytes=0-0,4-4,2-2,1-3", Part(0..5)),
            ("bytes=0-0,-1", Parts(vec![0..1, 99..100])),
            ("bytes=20-29,0-9,25-39", Parts(vec![20..40, 0..10])),
            ("bytes=0-,-1", Part(0..100)),
        ] {
            assert_eq!(asked(range), expected, "{range}");
        }
    }

    #[test]
    fn more_ranges_than_may_be_give_the_whole() {
        assert_eq!(
            asked("bytes=0-0,2-2,4-4,6-6"),
            Parts(vec![0..1, 2..3, 4..5, 6..7])
        );
        assert_eq!(asked("bytes=0-0,2-2,4-4,6-6,8-8"), Whole);
        assert_eq!(asked("bytes=0-0,,,,"), Whole);
        assert_eq!(Asked::read(b"bytes=0-0", 100, 0), Whole);
    }

    #[test]
    fn parts_of_random_ranges_have_the_same_bytes_once() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let ranges: Vec<(u64, u64)> = (0..random.usize(1..12))
                .map(|_| (random.u64(0..120), random.u64(0..30)))
                .collect();
            let specs: Vec<String> = ranges
                .iter()
                .map(|(start, more)| format!("{start}-{}", start + more))
                .collect();
            let range = format!("bytes={}", specs.join(","));
            let parts = match Asked::read(range.as_bytes(), 100, 16) {
                Part(part) => vec![part],
                Parts(parts) => parts,
                Unsatisfiable => vec![],
                Whole => panic!("{range}"),
            };
            let mut sent = [0; 100];
            for byte in parts.into_iter().flatten() {
                sent[byte as usize] += 1;
            }
            for (at, times) in sent.iter().enumerate() {
                let wanted = ranges
                    .iter()
                    .any(|(start, more)| (*start..=start + more).contains(&(at as u64)));
                assert_eq!(*times, i32::from(wanted), "{range} at {at}");
            }
        }
    }
    #[test]
    fn whatever_is_asked_for_no_part_is_beyond_the_end_or_touches_another() {
        let mut random = fastrand::Rng::with_seed(8);
        let alphabet = b"0123456789999--,, ab=\xff";
        for _ in 0..20_000 {
            let length = random.usize(0..30);
            let mut range = b"bytes=".to_vec();
            range.extend((0..length).map(|_| alphabet[random.usize(0..alphabet.len())]));
            let parts = match Asked::read(&range, 100, 8) {
                Part(part) => vec![part],
                Parts(parts) => parts,
                Unsatisfiable | Whole => continue,
            };
            for (at, part) in parts.iter().enumerate() {
                assert!(part.start < part.end && part.end <= 100, "{range:?}");
                assert!(!parts[..at].iter().any(|other| touch(other, part)), "{range:?}");
            }
        }
    }
}
