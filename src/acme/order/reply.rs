//! What a reply of the directory means.

use std::time::Duration;

use crate::acme::failure::{Cause, Failure};
use crate::acme::http::Reply;
use crate::acme::message::Problem;

/// What a directory says, unless it refuses.
pub(super) fn read<T: serde::de::DeserializeOwned>(reply: &Reply, asked: &'static str) -> Result<T, Failure> {
    accepted(reply, asked)?;
    serde_json::from_slice(&reply.body).map_err(|error| senseless(&error.to_string()))
}

pub(super) fn accepted(reply: &Reply, asked: &'static str) -> Result<(), Failure> {
    if reply.is_good() {
        return Ok(());
    }
    let problem = Box::new(reply.problem());
    Err(Failure {
        cause: Cause::Refused { asked, problem },
        retry_after: reply.retry_after,
    })
}

/// Whether the directory may do better in a moment.
pub(super) fn is_unable(reply: &Reply) -> bool {
    let soon = reply.retry_after.is_none_or(|pause| pause <= LONGEST);
    matches!(reply.status, 500 | 502..=504) && soon
}

/// `alreadyReplaced` and its relatives: RFC 9773, section 5. The certificate is wanted all the same.
pub(super) fn is_about_replacing(problem: &Problem) -> bool {
    problem.word() == "alreadyReplaced" || problem.detail.contains("replace")
}

pub(super) fn senseless(what: &str) -> Failure {
    Cause::Senseless(what.to_owned()).into()
}

/// What a directory wants to be waited for within one order, at most.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
