//! Deadlines: some may be zero, most may not.

use std::time::Duration;

use crate::config::complaints::Complaints;
use crate::config::file::At;
use crate::config::units::Period;

/// A deadline that leaves time to meet it.
pub(super) fn positive(
    typed: Option<&At<Period>>,
    default: Duration,
    complaints: &mut Complaints,
) -> Duration {
    let Some(typed) = typed else { return default };
    if typed.0.is_zero() {
        complaints
            .error(typed.span(), "a deadline of zero would be missed every time")
            .help("for a deadline that is never missed write \"365d\"");
    }
    typed.0
}

/// A time that may be zero.
pub(super) fn any(typed: Option<&At<Period>>, default: Duration) -> Duration {
    typed.map_or(default, |typed| typed.0)
}
