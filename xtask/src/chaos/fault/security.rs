//! What happens to the gateway while its clients speak TLS.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{hang_up, replace};
use crate::chaos::damage::Damage;
use crate::chaos::identity::{Identity, visit};
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;

/// SIGHUP every second, as [`hang_up`].
pub(crate) fn hang_up_secured(site: &mut Site, pace: &Pace) -> Result<Damage> {
    outlived(site, pace, hang_up)
}

/// SIGUSR2 every ten seconds, as [`replace`].
pub(crate) fn replace_secured(site: &mut Site, pace: &Pace) -> Result<Damage> {
    outlived(site, pace, replace)
}

/// Another certificate every second, every other time with another kind of key. The gateway finds it by itself.
pub(crate) fn exchange_certificates(site: &mut Site, pace: &Pace) -> Result<Damage> {
    outlived(site, pace, |site, pace| {
        let identity = identity(site)?;
        let mut damage = Damage::none();
        pace.every(Duration::from_secs(1), |time| {
            let renewed = identity.renew(time % 2 == 0)?;
            let late = !is_shown(&renewed, identity, site)?;
            let complaint = late.then(|| format!("certificate {} is not served after {SOON:?}", time + 1));
            damage.complaints.extend(complaint);
            Ok(())
        })?;
        pace.until(1.0);
        Ok(damage)
    })
}

/// A fault that ends no session: a client goes on with that which it had before.
fn outlived(
    site: &mut Site,
    pace: &Pace,
    fault: impl FnOnce(&mut Site, &Pace) -> Result<Damage>,
) -> Result<Damage> {
    let client = identity(site)?.visitor()?;
    visit(site.addr(), &client)?;
    let mut damage = fault(site, pace)?;
    if !visit(site.addr(), &client)?.resumed {
        damage
            .complaints
            .push("the session of a client has ended".to_owned());
    }
    Ok(damage)
}

fn is_shown(certificate: &[u8], identity: &Identity, site: &Site) -> Result<bool> {
    let deadline = Instant::now() + SOON;
    while identity.shown(site.addr())? != certificate {
        if Instant::now() > deadline {
            return Ok(false);
        }
        sleep(AGAIN);
    }
    Ok(true)
}

fn identity(site: &Site) -> Result<&Identity> {
    site.identity.as_ref().context("the case has no TLS")
}

const SOON: Duration = Duration::from_secs(10); // the files are looked at ten times a second; a busy machine's
const AGAIN: Duration = Duration::from_millis(50);
