//! `buffering` of a route.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{ANY_SIZE, Flag, SizeWithin};
use crate::frontend::config::{Buffering as Settings, Limits};
use crate::upstream::UpstreamConfig as Upstream;

table! {
    /// What is held back, and where.
    pub(in crate::config) struct Buffering for Settings {
        /// Take the whole request body before a worker is taken. With `false`, a body whose length the client does not
        /// say is still taken first where the server has to be told it: uwsgi, SCGI, and `chunked_body = false`.
        request: bool as Flag,
        /// Take answers off their workers as fast as those write, and not at the pace of the client. Event streams, and
        /// answers with `X-Accel-Buffering: no`, are passed on as they come all the same.
        response: bool as Flag,
        /// Bytes of a body, of either direction, held in memory; the rest goes to disk.
        memory: usize as MEMORY,
        /// Bytes of a body, of either direction, that may go to disk. A request above is refused with 507, an answer
        /// waits for its client.
        disk: u64 as ANY_SIZE,
    }
}

/// Complains about bodies that are allowed and find no room.
pub(super) fn check(
    typed: Option<&At<Buffering>>,
    buffering: &Settings,
    limits: &Limits,
    complaints: &mut Complaints,
) {
    let room = buffering.disk.saturating_add(buffering.memory as u64);
    let Some(typed) = typed.filter(|_| room < limits.body && buffering.request) else {
        return;
    };
    complaints
        .warning(
            typed.span(),
            "request bodies are allowed to be larger than what can be held of them",
        )
        .help("lower limits.body, or raise buffering.memory or buffering.disk");
}

/// Says that not all bodies are passed on as they come.
pub(super) fn tell_of_lengths(
    typed: Option<&At<Buffering>>,
    upstream: Option<&Upstream>,
    complaints: &mut Complaints,
) {
    let streams = typed.and_then(|typed| typed.request.as_ref());
    let Some((streams, upstream)) = streams.filter(|request| !***request).zip(upstream) else {
        return;
    };
    if !upstream.unknown_length() {
        complaints
            .warning(
                streams.span(),
                format!(
                    "`{}` has to be told the length of a body: one that does not say it is held until it is complete",
                    upstream.name
                ),
            )
            .help("bodies with a Content-Length are passed on as they come; those in chunks are not");
    }
}

/// Memory for one body: a gibibyte, and a handful of requests would take all of it.
const MEMORY: SizeWithin = SizeWithin {
    least: 0,
    most: 1 << 30,
};
