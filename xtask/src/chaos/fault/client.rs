//! Clients that are too many or too slow.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::chaos::damage::{Damage, Phases};
use crate::chaos::load::{Load, Plan};
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;
use crate::chaos::slow::Slow;

/// Two floods of requests that all come at once, besides the ordinary load.
pub(crate) fn flood(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    for (name, part) in [("flood-1", 0.1), ("flood-2", 0.5)] {
        pace.until(part);
        let plan = Plan {
            run: name.to_owned(),
            count: FLOOD,
            interval: Duration::ZERO,
        };
        damage.samples.extend(Load::start(site.addr(), plan).finish()?);
    }
    Ok(damage)
}

/// Slow uploaders and slow readers in the second and in the last quarter of the time.
pub(crate) fn slow(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    let mut phases = Phases::default();
    for (name, part) in [("slow-1", 0.25), ("slow-2", 0.75)] {
        let quiet = Instant::now();
        pace.until(part);
        phases.without.push(quiet..Instant::now());
        let slow = Slow::start(site.addr(), name.to_owned(), SLOW);
        slow.wait_under_way(pace.at(part + 0.25));
        let begin = Instant::now();
        pace.until(part + 0.25);
        phases.with.push(begin..Instant::now());
        damage.samples.extend(slow.finish()?);
    }
    damage.phases = Some(phases);
    Ok(damage)
}

const FLOOD: usize = 2000; // requests
const SLOW: usize = 1000; // of each
