//! Clients that are too many or too slow.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::chaos::configuration::{SEND_TIMEOUT, UNBUFFERED};
use crate::chaos::damage::{Damage, Phases};
use crate::chaos::flooding::{Flooding, KINDS};
use crate::chaos::load::{HALF, Load, Plan};
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;
use crate::chaos::slow::Slow;
use crate::chaos::stalled::{self, Stalled};

/// Two floods of requests that all come at once, besides the ordinary load.
pub(crate) fn flood(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    for (name, part) in [("flood-1", 0.1), ("flood-2", 0.5)] {
        pace.until(part);
        let plan = Plan {
            run: name.to_owned(),
            count: FLOOD,
            interval: Duration::ZERO,
            long: false,
            fresh: HALF,
        };
        damage.samples.extend(Load::start(site.target()?, plan).finish()?);
    }
    Ok(damage)
}

/// Slow uploaders and slow readers in the second and in the last quarter of the time; of a short case in its second
/// half, for they need seconds to begin.
pub(crate) fn slow(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let rounds = rounds(pace);
    let half = 0.5 / f64::from(rounds);
    let mut damage = Damage::none();
    let mut phases = Phases::default();
    for round in 0..rounds {
        let begin = f64::from(round) * 2.0 * half;
        let quiet = Instant::now();
        pace.until(begin + half);
        phases.without.push(quiet..Instant::now());
        let slow = Slow::start(site.addr(), format!("slow-{round}"), SLOW);
        let missing = slow.wait_under_way(SILENCE);
        if missing > 0 {
            damage.complaints.push(format!(
                "{missing} slow clients are not served, the others hold the workers"
            ));
        }
        // What came while they arrived is still being worked off.
        pace.settle(FEW, begin + 2.0 * half);
        let all = Instant::now();
        pace.until(begin + 2.0 * half);
        phases.with.push(all..Instant::now());
        damage.samples.extend(slow.finish()?);
    }
    damage.phases.push(phases);
    Ok(damage)
}

/// Clients of HTTP/2 that take nothing, more of them than there are slots, twice, or once if the case is short: of
/// answers that the gateway buffers, and of others, each of which has a worker until its stream is reset.
pub(crate) fn stall(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    for round in 0..rounds(pace) {
        pace.until(0.1 + 0.4 * f64::from(round));
        let start = |name, path, clients| {
            let plan = stalled::Plan {
                run: format!("{name}-{round}"),
                path,
                clients,
                limit: Duration::from_secs(SEND_TIMEOUT) + LATE,
            };
            Stalled::start(site.addr(), plan)
        };
        let buffered = start("stalled", "/ledger", STALLED);
        let unbuffered = start("pinning", UNBUFFERED, PINNING);
        damage.complaints.extend(buffered.finish()?);
        damage.complaints.extend(unbuffered.finish()?);
    }
    Ok(damage)
}

/// Floods of HTTP/2 frames in the second half of the time.
pub(crate) fn attack(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    let mut phases = Phases::default();
    let quiet = Instant::now();
    pace.until(0.5);
    phases.without.push(quiet..Instant::now());
    let flooding = Flooding::all(site.addr());
    let attacked = Instant::now();
    pace.until(0.95);
    phases.with.push(attacked..Instant::now());
    damage.complaints = flooding.finish().complaints;
    damage.phases.push(phases);
    Ok(damage)
}

/// The same, one kind after the other, each beside the ordinary load alone: what that costs in time and in memory.
pub(crate) fn attack_in_turn(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let mut damage = Damage::none();
    let share = 1.0 / (KINDS.len() + 1) as f64;
    let quiet = Instant::now();
    pace.until(share);
    let without = quiet..Instant::now();
    for (place, kind) in KINDS.into_iter().enumerate() {
        let before = site.gateway.rss();
        let attacked = Instant::now();
        let flooding = Flooding::start(site.addr(), kind);
        let end = (place + 2) as f64 * share;
        let mut most = before;
        for look in 1..=LOOKS {
            pace.until(end - share * f64::from(LOOKS - look) / f64::from(LOOKS));
            most = most.max(site.gateway.rss());
        }
        let with = attacked..Instant::now();
        let finished = flooding.finish();
        let grown = most.saturating_sub(before);
        if grown > MOST_GROWTH {
            let complaint = format!("{kind}: {} MiB more memory", grown / MIB);
            damage.complaints.push(complaint);
        }
        damage.complaints.extend(finished.complaints);
        damage.phases.push(Phases {
            kind,
            more: format!(
                "; {} connections, {:.1} MiB more memory at most",
                finished.connections,
                grown as f64 / MIB as f64
            ),
            most: Some(MOST_SLOWER),
            without: vec![without.clone()],
            with: vec![with],
        });
    }
    Ok(damage)
}

fn rounds(pace: &Pace) -> u32 {
    if pace.length() < SHORT { 1 } else { 2 }
}

const FLOOD: usize = 2000; // requests
const LOOKS: u32 = 20; // at the memory, during each attack
const MIB: u64 = 1024 * 1024;
const MOST_GROWTH: u64 = 64 * MIB; // by any attack
const MOST_SLOWER: f64 = 1.5; // times the ordinary p99, beside any attack
const SLOW: usize = 1000; // of each
const STALLED: usize = 8; // clients of three streams each
const PINNING: usize = 2; // the same: each round of four streams keeps all workers for as long as it may
const LATE: Duration = Duration::from_secs(4); // a busy machine's; the default of the deadline is a minute
const SHORT: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(15); // without slow clients that begin; all of them need about two
const FEW: usize = 4; // requests of the ordinary load; two workers have about one
