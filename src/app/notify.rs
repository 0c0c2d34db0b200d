//! What the service manager is told (sd_notify(3)). Says nothing where none asked for it.

use std::time::Duration;

use sd_notify::NotifyState;

/// Requests are answered.
pub(super) fn ready() {
    send(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] follows, whatever comes of it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no time for the service manager"),
    }
}

/// No more connections are accepted.
pub(super) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Another process goes on in our place. To be told by us: the manager listens to no other process.
pub(super) fn replaced_by(pid: u32) {
    send(&[NotifyState::MainPid(pid), NotifyState::Ready]);
}

/// We are alive.
pub(super) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// How often that is to be told; half of what the manager waits, as it recommends.
pub(super) fn heartbeat() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
