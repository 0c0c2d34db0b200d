//! What the operator does to the gateway itself.

use std::time::Duration;

use anyhow::Result;
use testbed::Signal;

use crate::chaos::damage::Damage;
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;

/// SIGHUP every second, each with a new configuration: every time another route, every other time another upstream.
pub(crate) fn hang_up(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let times = pace.every(Duration::from_secs(1), |time| {
        site.reconfigure(time + 1)?;
        site.gateway.signal(Signal::HUP)
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

/// SIGUSR2 every ten seconds. Each time another process takes over.
pub(crate) fn replace(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    pace.every(Duration::from_secs(10), |_| {
        let replaced = site
            .gateway
            .signal(Signal::USR2)
            .and_then(|()| site.gateway.follow());
        damage
            .complaints
            .extend(replaced.err().map(|error| error.to_string()));
        Ok(())
    })?;
    Ok(damage)
}
