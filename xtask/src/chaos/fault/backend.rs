//! What happens to the only server there is.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use testbed::Kind;

use crate::chaos::damage::Damage;
use crate::chaos::pace::Pace;
use crate::chaos::site::Site;

/// `kill -9` of one worker after the other, and every fifth time of all at once. A worker has one exchange;
/// a thread worker of Gunicorn accepts more than it works on.
pub(crate) fn kill_workers(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let backend = &site.backends[0];
    let mut killed = 0;
    pace.every(Duration::from_millis(300), |time| {
        pace.let_end(CALM);
        let workers = backend.workers();
        let count = if time % 5 == 4 { workers.len() } else { 1 };
        for id in workers.into_iter().cycle().skip(time).take(count) {
            // The server may have ended it meanwhile; such a worker breaks nothing.
            killed += usize::from(backend.kill_worker(id).is_ok());
        }
        Ok(())
    })?;
    Ok(match backend.kind() {
        Kind::GunicornHttp => Damage::interrupted(killed * site.slots()),
        _ => Damage::interrupted(killed),
    })
}

/// `kill -9` of the master and of all that it leaves, as systemd does, a moment of silence, and a new start on a new
/// socket file. The processes do not end at the same instant, and the listening socket ends with the last of them:
/// what takes the place of the first broken exchanges may be broken too.
pub(crate) fn kill_master(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let backend = &mut site.backends[0];
    let times = pace.every(Duration::from_secs(6), |_| {
        backend.kill();
        sleep(DEAD);
        backend.restart()
    })?;
    Ok(Damage::interrupted(times * 2 * site.slots()))
}

/// The server's own reload. uWSGI and Gunicorn let their workers finish; PHP-FPM does not unless
/// `process_control_timeout` is set, and that is 0 as it comes.
pub(crate) fn reload(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let backend = &site.backends[0];
    let times = pace.every(Duration::from_secs(6), |_| backend.reload())?;
    Ok(match backend.kind() {
        Kind::PhpFpm => Damage::interrupted(times * site.slots()),
        _ => Damage::none(),
    })
}

/// The name of the socket vanishes and comes back, the server behind it lives on.
pub(crate) fn remove_socket(site: &mut Site, pace: &Pace) -> Result<Damage> {
    let socket = site.backends[0].socket();
    let away = socket.with_extension("away");
    pace.every(Duration::from_secs(2), |_| {
        fs::rename(&socket, &away).context("cannot move the socket away")?;
        sleep(AWAY);
        fs::rename(&away, &socket).context("cannot move the socket back")
    })?;
    Ok(Damage::none())
}

const CALM: usize = 50; // requests that end between two kills, as they do in 0.2 s
const DEAD: Duration = Duration::from_millis(300);
const AWAY: Duration = Duration::from_millis(700);
