//! What happens to one of two endpoints while the other one lives.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::chaos::damage::Damage;
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;

/// One of two servers dies and comes back after ten seconds, or two fifths of a shorter case.
pub(crate) fn stop(site: &mut Site, pace: &Pace) -> Result<Damage> {
    pace.until(0.25);
    site.backends[1].kill();
    sleep(STOPPED.min(pace.length().mul_f64(0.4)));
    site.backends[1].restart()?;
    Ok(Damage::interrupted(site.slots()))
}

/// One endpoint takes requests and never answers. What is under way there when the first deadline passes is lost, and
/// as much each time that the endpoint is tried again.
pub(crate) fn silent(site: &mut Site, pace: &Pace) -> Result<Damage> {
    pace.until(1.0);
    Ok(Damage {
        unanswered: site.slots() * tries(pace),
        ..Damage::default()
    })
}

/// One endpoint dies in the middle of every answer, which it can do to as many as are under way there when the first
/// one fails, and each time that it is tried again.
pub(crate) fn dying(site: &mut Site, pace: &Pace) -> Result<Damage> {
    pace.until(1.0);
    let scripted = site.scripted.as_ref().context("no scripted endpoint")?;
    Ok(Damage::interrupted(
        scripted.connections().min(site.slots() * tries(pace)),
    ))
}

/// How often an endpoint that always fails is used: at first, and after each `fail_timeout`.
fn tries(pace: &Pace) -> usize {
    1 + pace.length().as_secs().div_ceil(FAIL_TIMEOUT) as usize
}

const STOPPED: Duration = Duration::from_secs(10);
const FAIL_TIMEOUT: u64 = 10; // seconds; the default of Bridgehead
