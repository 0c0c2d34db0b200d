//! Answers that are not in records: uwsgi's and SCGI's, and HTTP's own.

use super::{Answer, Head, Style};

/// How the end of an answer is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// What the head looks like.
    pub style: Style,
    /// Whether `Transfer-Encoding: chunked` counts: only in HTTP.
    pub chunked: bool,
    /// Whether the answers are to HEAD, and end with their heads.
    pub bodyless: bool,
}

/// The answers in `bytes`, one after another. `closed`: nothing more comes; `reset`: and that was no orderly end.
pub fn answers(bytes: &[u8], framing: Framing, closed: bool, reset: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (answer, used) = answer(rest, framing, closed, reset);
        rest = rest.get(used..).unwrap_or_default();
        answers.push(answer);
    }
    answers
}

/// One answer and how many bytes it took.
fn answer(bytes: &[u8], framing: Framing, closed: bool, reset: bool) -> (Answer, usize) {
    let (interim, start) = interim(bytes, framing);
    let mut answer = Answer {
        interim,
        ..Answer::default()
    };
    let bytes_of_it = &bytes[start..];
    let Some((head, head_length)) = Head::parse(bytes_of_it, framing.style) else {
        answer.stdout = bytes_of_it.to_vec();
        answer.cut = closed;
        return (answer, bytes.len());
    };
    let rest = &bytes_of_it[head_length..];
    let (body, used, complete) = match &head {
        Ok(head) => body(head, rest, framing, closed && !reset),
        Err(_) => (rest.to_vec(), rest.len(), closed),
    };
    answer.stdout = bytes_of_it[..head_length + used].to_vec();
    answer.head = Some(head);
    answer.body = body;
    answer.complete = complete;
    answer.cut = closed && !complete;
    (answer, start + head_length + used)
}

/// The statuses of 1xx answers at the start, and where the final one begins. 101 is final.
fn interim(bytes: &[u8], framing: Framing) -> (Vec<u16>, usize) {
    let (mut found, mut start) = (Vec::new(), 0);
    while let Some((Ok(head), length)) = Head::parse(&bytes[start..], framing.style) {
        if framing.style != Style::Http || !(100..200).contains(&head.status) || head.status == 101 {
            break;
        }
        found.push(head.status);
        start += length;
    }
    (found, start)
}

/// The body, how many bytes it takes, and whether it is complete.
fn body(head: &Head, rest: &[u8], framing: Framing, ended: bool) -> (Vec<u8>, usize, bool) {
    let forbidden = framing.chunked && matches!(head.status, 204 | 304);
    if framing.bodyless || forbidden {
        return (Vec::new(), 0, true);
    }
    let coding = |value: &[u8]| value.to_ascii_lowercase().ends_with(b"chunked");
    if framing.chunked && head.values("transfer-encoding").any(coding) {
        return dechunk(rest);
    }
    match content_length(head) {
        Some(length) => {
            let used = rest.len().min(length);
            (rest[..used].to_vec(), used, used == length)
        }
        None => (rest.to_vec(), rest.len(), ended),
    }
}

fn content_length(head: &Head) -> Option<usize> {
    let text = head.values("content-length").next()?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// RFC 9112, section 7.1. A wrong chunk makes the body end there, incomplete.
pub(super) fn dechunk(bytes: &[u8]) -> (Vec<u8>, usize, bool) {
    let mut body = Vec::new();
    let mut at = 0;
    while let Some((size, start)) = chunk_size(bytes, at) {
        if size == 0 {
            return match trailer_end(bytes, start) {
                Some(end) => (body, end, true),
                None => (body, bytes.len(), false),
            };
        }
        let end = start.saturating_add(size);
        let Some(content) = bytes.get(start..end) else {
            body.extend_from_slice(&bytes[start.min(bytes.len())..]);
            break;
        };
        body.extend_from_slice(content);
        if bytes.get(end..end + 2) != Some(b"\r\n") {
            break;
        }
        at = end + 2;
    }
    (body, bytes.len(), false)
}

fn chunk_size(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let line = line(bytes, at)?;
    let text = std::str::from_utf8(line.split(|byte| *byte == b';').next()?).ok()?;
    let size = usize::from_str_radix(text.trim(), 16).ok()?;
    Some((size, at + line.len() + 2))
}

fn trailer_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let line = line(bytes, at)?;
        at += line.len() + 2;
        if line.is_empty() {
            return Some(at);
        }
    }
}

/// The line at `at` without its CR LF.
pub(super) fn line(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: Framing = Framing {
        style: Style::Http,
        chunked: true,
        bodyless: false,
    };
    const UWSGI: Framing = Framing {
        style: Style::Either,
        chunked: false,
        bodyless: false,
    };

    fn bodies(text: &str, framing: Framing, closed: bool) -> Vec<(String, bool, bool)> {
        let answers = answers(text.as_bytes(), framing, closed, false);
        let view = |answer: &Answer| {
            (
                String::from_utf8_lossy(&answer.body).into(),
                answer.complete,
                answer.cut,
            )
        };
        answers.iter().map(view).collect()
    }

    #[test]
    fn chunks_end_an_http_answer() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(bodies(text, HTTP, false), [("abc".into(), true, false)]);
        for cut in 48..text.len() {
            let seen = bodies(&text[..cut], HTTP, true);
            assert!(
                seen.iter().all(|(_, complete, cut)| !complete && *cut),
                "{cut}: {seen:?}"
            );
        }
    }

    #[test]
    fn a_length_ends_an_answer_and_another_may_follow() {
        let text =
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nb";
        assert_eq!(
            bodies(text, UWSGI, true),
            [("a".into(), true, false), ("b".into(), false, true)]
        );
    }

    #[test]
    fn without_a_length_closing_is_the_end() {
        assert_eq!(
            bodies("HTTP/1.1 200 OK\r\n\r\nab", UWSGI, false),
            [("ab".into(), false, false)]
        );
        assert_eq!(
            bodies("Status: 201\n\nab", UWSGI, true),
            [("ab".into(), true, false)]
        );
    }

    #[test]
    fn interim_answers_are_set_apart() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n";
        let answers = answers(text, HTTP, false, false);
        assert_eq!(answers.len(), 1);
        assert_eq!(
            (answers[0].interim.as_slice(), answers[0].status()),
            (&[100][..], Some(204))
        );
    }
}
