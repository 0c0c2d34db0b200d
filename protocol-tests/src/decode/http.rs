//! HTTP/1 in words, both directions.

use super::message::{Kind, Messages};
use super::remark::Remarks;
use crate::trace::Origin;

/// Requests and their answers.
#[derive(Debug)]
pub(super) struct Http {
    requests: Messages,
    answers: Messages,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            requests: Messages::new(Kind::Requests),
            answers: Messages::new(Kind::Answers),
        }
    }
}

impl Http {
    pub(super) fn feed(&mut self, from: Origin, input: &[u8], out: &mut Remarks) {
        match from {
            Origin::Client => {
                for method in self.requests.feed(input, out) {
                    self.answers.announce(method == b"HEAD");
                }
            }
            Origin::Server => {
                self.answers.feed(input, out);
            }
        }
    }

    pub(super) fn lose(&mut self, from: Origin) {
        match from {
            Origin::Client => self.requests.lose(),
            Origin::Server => self.answers.lose(),
        }
    }

    pub(super) fn end(&mut self, from: Origin, whole: bool, out: &mut Remarks) {
        match from {
            Origin::Client => self.requests.end(whole, out),
            Origin::Server => {
                self.answers.end(whole, out);
                if self.requests.count() > self.answers.count() {
                    out.blame("the server has left without an answer");
                }
            }
        }
    }
}
