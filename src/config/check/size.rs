//! Sizes with bounds.

use std::ops::RangeInclusive;

use crate::config::complaints::Complaints;
use crate::config::file::At;
use crate::config::units::Size;

/// A size of something in memory that is within `bounds`.
pub(super) fn within(
    typed: Option<&At<Size>>,
    default: usize,
    bounds: RangeInclusive<u64>,
    complaints: &mut Complaints,
) -> usize {
    let Some(typed) = typed else { return default };
    let (least, most) = (Size(*bounds.start()), Size(*bounds.end()));
    if typed.0 < least.0 {
        complaints.error(typed.span(), format!("too small: at least {least}"));
    } else if typed.0 > most.0 {
        complaints.error(typed.span(), format!("too large: at most {most}"));
    }
    usize::try_from(typed.0).unwrap_or(usize::MAX)
}

/// Heads: the first read takes up to 8 KiB, and a head of more than 16 MiB is an attack.
pub(super) const HEAD: RangeInclusive<u64> = 8 * 1024..=16 * 1024 * 1024;

/// Memory for one body: a gibibyte, and a handful of requests would take all of it.
pub(super) const MEMORY: RangeInclusive<u64> = 0..=1 << 30;
