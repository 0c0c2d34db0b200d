//! What the operator does to the gateway itself.

use std::time::Duration;

use anyhow::Result;
use testbed::Signal;

use crate::chaos::damage::Damage;
use crate::chaos::load::{HALF, Load, Plan};
use crate::chaos::pace::Pace;
use crate::chaos::relay::Relay;
use crate::chaos::site::Site;

/// SIGHUP every second, each with a new configuration: every time another route, every other time another upstream.
pub(crate) fn hang_up(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let times = pace.every(Duration::from_secs(1), |time| reload(site, time + 1))?;
    pace.until(1.0);
    let mut damage = Damage::none();
    damage.complaints.extend(outdated(site, times)?);
    Ok(damage)
}

/// The same, each with another upstream, while more requests come at once than have slots: old and new requests are
/// under way at every reload, and others wait. The relay counts what the server would see of that.
pub(crate) fn change_upstream(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut bursts = Vec::new();
    let times = pace.every(Duration::from_secs(1), |time| {
        bursts.push(Load::start(site.target()?, burst(time, site.slots())));
        reload(site, time + 1)
    })?;
    pace.until(1.0);
    let mut damage = Damage::none();
    damage.complaints.extend(outdated(site, times)?);
    for burst in bursts {
        damage.samples.extend(burst.finish()?);
    }
    let most = site.relay.as_ref().map_or(0, Relay::most);
    if most != site.slots() {
        let slots = site.slots();
        let complaint = format!("{most} connections at once to a server of {slots} slots, by its own count");
        damage.complaints.push(complaint);
    }
    Ok(damage)
}

fn reload(site: &Site, generation: usize) -> Result<()> {
    site.reconfigure(generation)?;
    site.gateway.signal(Signal::HUP)
}

/// Whether the last configuration is not in force.
fn outdated(site: &Site, times: usize) -> Result<Option<String>> {
    let generation = site.generation()?;
    let complaint = || format!("the configuration is number {generation} after {times} reloads");
    Ok((generation != times).then(complaint))
}

fn burst(time: usize, slots: usize) -> Plan {
    Plan {
        run: format!("burst-{time}"),
        count: BURST * slots,
        interval: Duration::ZERO,
        long: true,
        fresh: HALF,
    }
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

const BURST: usize = 6; // requests for each slot
