//! The interim answers to one request of HTTP/2 (RFC 9110, section 15.2): they wait until its stream sends them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::StatusCode;

use super::private_fields::PRIVATE;
use crate::protocol::fields::Fields;
use crate::upstream::Interim;

/// Bytes of fields that wait for a client; above it, more answers are dropped.
const MOST: usize = 16 * 1024;

/// Interim answers, in order.
#[derive(Debug, Default)]
pub(super) struct InterimAnswers(Mutex<Vec<(StatusCode, Fields)>>);

impl InterimAnswers {
    /// Asks for the body of the request.
    pub(super) fn invite(&self) {
        self.lock().push((StatusCode::CONTINUE, Fields::new()));
    }

    /// Those that are to be sent now.
    pub(super) fn take(&self) -> Vec<(StatusCode, Fields)> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(StatusCode, Fields)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interim for InterimAnswers {
    fn interim(&self, status: StatusCode, fields: &Fields) {
        let mut waiting = self.lock();
        // An answer without fields costs something, too.
        let held = |(_, fields): &(StatusCode, Fields)| 256 + fields.wire_len();
        if waiting.iter().map(held).sum::<usize>() < MOST {
            let mut fields = fields.clone();
            // As in final answers.
            fields.remove_all(PRIVATE);
            waiting.push((status, fields));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_wait_in_order_and_without_private_fields() {
        let answers = InterimAnswers::default();
        let fields = [("Link", "</a>"), ("X-Accel-Redirect", "/b")];
        answers.invite();
        answers.interim(StatusCode::EARLY_HINTS, &fields.into_iter().collect());
        let taken = answers.take();
        let statuses: Vec<_> = taken.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses, [100, 103]);
        assert_eq!(taken[1].1.len(), 1, "{taken:?}");
        assert!(answers.take().is_empty());
    }

    #[test]
    fn a_client_that_takes_none_has_few_of_them() {
        let answers = InterimAnswers::default();
        let value = "v".repeat(1000);
        let fields: Fields = [("Link", value.as_str())].into_iter().collect();
        for _ in 0..1000 {
            answers.interim(StatusCode::EARLY_HINTS, &fields);
        }
        assert!(answers.take().len() < 20);
    }
}
