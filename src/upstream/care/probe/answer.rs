//! The answer to a request of ours as far as it has come, and whether it is the wanted one.

use bytes::{Bytes, BytesMut};

use super::talk::MAX_ANSWER;
use super::verdict::{Busy, Cause, Verdict};
use crate::upstream::model::config::health::Statuses;

/// What is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Statuses that mean "alive".
    pub(super) status: Statuses,
    /// Statuses that mean "full".
    pub(super) busy: Statuses,
    /// Text that the body has to hold.
    pub(super) body: Option<String>,
}

/// What has come.
#[derive(Debug, Default)]
pub(super) struct ProbeAnswer {
    /// Once the head is complete.
    pub(super) status: Option<u16>,
    /// At most [`MAX_ANSWER`] bytes of it.
    body: BytesMut,
}

impl ProbeAnswer {
    /// More of the body; what is too much is not kept.
    pub(super) fn push(&mut self, piece: &Bytes) {
        let room = MAX_ANSWER.saturating_sub(self.body.len());
        self.body.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// Whether no more of the body is kept.
    pub(super) fn is_full(&self) -> bool {
        self.body.len() >= MAX_ANSWER
    }

    /// The body, when the whole answer came and it is the wanted one.
    pub(super) fn into_body(self) -> Bytes {
        self.body.freeze()
    }

    /// What it means. `None` while the head is not there.
    pub(super) fn judge(&self, wanted: &Wanted) -> Option<Verdict> {
        let status = self.status?;
        let verdict = if wanted.busy.contains(status) {
            Verdict::Busy(Busy::Status(status))
        } else if !wanted.status.contains(status) {
            Verdict::Dead(Cause::Status(status))
        } else if !wanted
            .body
            .as_ref()
            .is_none_or(|text| self.holds(text.as_bytes()))
        {
            Verdict::Dead(Cause::Body)
        } else {
            Verdict::Alive
        };
        Some(verdict)
    }

    fn holds(&self, text: &[u8]) -> bool {
        text.is_empty() || self.body.windows(text.len()).any(|window| window == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: Option<u16>, body: &'static [u8]) -> String {
        let wanted = Wanted {
            status: Statuses::fine(),
            busy: "503".parse().unwrap(),
            body: Some("pong".to_owned()),
        };
        let mut answer = ProbeAnswer {
            status,
            ..ProbeAnswer::default()
        };
        answer.push(&Bytes::from_static(body));
        format!("{:?}", answer.judge(&wanted))
    }

    #[test]
    fn status_and_body_are_looked_at() {
        assert_eq!(judged(None, b""), "None");
        assert_eq!(judged(Some(200), b"a pong b"), "Some(Alive)");
        assert_eq!(judged(Some(200), b"pon"), "Some(Dead(Body))");
        assert_eq!(judged(Some(503), b"pong"), "Some(Busy(Status(503)))");
        assert_eq!(judged(Some(404), b"pong"), "Some(Dead(Status(404)))");
    }

    #[test]
    fn no_more_is_kept_than_is_listened_to() {
        let mut answer = ProbeAnswer::default();
        answer.push(&Bytes::from(vec![b'x'; MAX_ANSWER - 1]));
        assert!(!answer.is_full());
        answer.push(&Bytes::from(vec![b'x'; MAX_ANSWER]));
        assert!(answer.is_full());
        assert_eq!(answer.into_body().len(), MAX_ANSWER);
    }
}
