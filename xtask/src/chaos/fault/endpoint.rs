//! What happens to one of two endpoints while the other one lives.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use crate::chaos::configuration::{FAIL_TIMEOUT, HEAD_TIMEOUT};
use crate::chaos::damage::Damage;
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;

/// One of two servers dies and comes back after ten seconds, or two fifths of a shorter case. About what
/// that breaks see [`kill_master`](super::kill_master).
pub(crate) fn stop(site: &mut Site, pace: &Pace) -> Result<Damage> {
    pace.until(0.25);
    site.backends[1].kill();
    sleep(STOPPED.min(pace.length().mul_f64(0.4)));
    site.backends[1].restart()?;
    Ok(Damage::interrupted(2 * site.slots()))
}

/// One endpoint takes requests and never answers. What is under way there when the first deadline passes is lost, and
/// one request each time that the endpoint is tried again.
pub(crate) fn silent(site: &mut Site, pace: &Pace) -> Result<Damage> {
    pace.until(1.0);
    Ok(Damage {
        unanswered: site.slots() + tries(pace, FAIL_TIMEOUT + HEAD_TIMEOUT),
        ..Damage::default()
    })
}

/// One endpoint dies in the middle of every answer, which it can do to as many as are under way there when the first
/// one fails, and each time that it is tried again: a good head seems to say that it is well.
pub(crate) fn dying(site: &mut Site, pace: &Pace) -> Result<Damage> {
    pace.until(1.0);
    Ok(Damage::interrupted(
        site.slots() * (1 + tries(pace, FAIL_TIMEOUT)),
    ))
}

/// How often an endpoint that fails is tried again when that happens every `period` seconds; once by what is still
/// waiting at the end.
fn tries(pace: &Pace, period: u64) -> usize {
    pace.length().as_secs().div_ceil(period) as usize + 1
}

const STOPPED: Duration = Duration::from_secs(10);
