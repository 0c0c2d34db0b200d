//! What is expected of a body: the same, except for what says when it was made.

use std::ops::Range;

use super::quote::content;

/// How exactly bodies are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// As they were, except for times.
    Same,
    /// Not at all.
    Any,
    /// By their lengths: they are blanked.
    Lengths,
}

/// The key of an expectation, if there is one.
pub(super) fn expectation(body: &[u8], bodies: Bodies) -> Option<String> {
    let length = body.len();
    let whole = match bodies {
        Bodies::Any => return None,
        Bodies::Lengths => return Some(format!("body = {{ length = {length} }}")),
        Bodies::Same => content(body),
    };
    let times = times(body);
    Some(match (times.first(), times.last()) {
        (Some(first), Some(last)) => {
            let (start, end) = (
                &body[..first.start.min(EDGE)],
                &body[last.end.max(length.saturating_sub(EDGE))..],
            );
            format!(
                "body = {{ starts = {}, ends = {} }}",
                content(start),
                content(end)
            )
        }
        _ if whole.len() > MAX_BODY => {
            let (start, end) = (&body[..EDGE.min(length)], &body[length.saturating_sub(EDGE)..]);
            let (start, end) = (content(start), content(end));
            format!("body = {{ length = {length}, starts = {start}, ends = {end} }}")
        }
        _ => format!("body = {whole}"),
    })
}

/// Where numbers stand that look like seconds since 1970, with or without decimals.
fn times(body: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skip) = body
        .get(at..)
        .and_then(|rest| rest.iter().position(u8::is_ascii_digit))
    {
        let start = at + skip;
        let run = |from: usize| {
            body[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let digits = run(start);
        let mut end = start + digits;
        if body.get(end) == Some(&b'.') {
            end += 1 + run(end + 1);
        }
        // From 2020 to 2033; milliseconds and microseconds have more digits.
        let is_time =
            matches!(digits, 10 | 13 | 16) && body[start] == b'1' && matches!(body[start + 1], b'6'..=b'9');
        if is_time {
            found.push(start..end);
        }
        at = end;
    }
    found
}

const MAX_BODY: usize = 16 << 10; // characters of an expected body
const EDGE: usize = 256; // bytes of a longer one, at each end

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_left_out_and_other_numbers_stay() {
        let same = |body: &[u8]| expectation(body, Bodies::Same).expect("an expectation");
        assert_eq!(same(b"n 12345"), "body = \"n 12345\"");
        let body = b"a 1795252480.66, b 1795252481 c";
        assert_eq!(same(body), "body = { starts = \"a \", ends = \" c\" }");
        assert_eq!(same(b"1795252480."), "body = { starts = \"\", ends = \"\" }");
        assert!(same(&[b"x", &[0; 20_000][..]].concat()).contains("length = 20001"));
        assert_eq!(
            expectation(b"abc", Bodies::Lengths).as_deref(),
            Some("body = { length = 3 }")
        );
        assert_eq!(expectation(b"abc", Bodies::Any), None);
    }
}
