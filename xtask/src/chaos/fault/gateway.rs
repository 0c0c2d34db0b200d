//! What the operator does to the gateway itself.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use testbed::Signal;

use crate::chaos::damage::Damage;
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;

/// SIGHUP every second, each with a new configuration: every time another route, every other time another upstream.
pub(crate) fn hang_up(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let times = pace.every(Duration::from_secs(1), |time| {
        site.reconfigure(time + 1)?;
        site.signal(Signal::HUP)
    })?;
    pace.until(1.0);
    let mut damage = Damage::none();
    let generation = site.generation()?;
    if generation != times {
        damage.complaints.push(format!(
            "the configuration is number {generation} after {times} reloads"
        ));
    }
    Ok(damage)
}

/// SIGUSR2 every ten seconds. Each time another process has to answer soon.
pub(crate) fn replace(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    pace.every(Duration::from_secs(10), |_| {
        let before = site.pid()?;
        if let Err(error) = site.signal(Signal::USR2) {
            damage.complaints.push(format!("{error:#}"));
            return Ok(());
        }
        let end = Instant::now() + READY;
        while site.pid().is_ok_and(|pid| pid == before) && Instant::now() < end {
            sleep(Duration::from_millis(10));
        }
        if site.pid().is_ok_and(|pid| pid == before) {
            damage
                .complaints
                .push(format!("no successor of {before} after {READY:?}"));
        }
        Ok(())
    })?;
    Ok(damage)
}

const READY: Duration = Duration::from_secs(3);
