//! What the service manager is told (sd_notify(3)). Says nothing where none asked for it. The library makes the messages;
//! it sends them to paths only.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
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
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let message: String = states.iter().map(|state| format!("{state}\n")).collect();
    if let Err(error) = deliver(&place, message.as_bytes()) {
        tracing::warn!(socket = %place.display(), %error, "the service manager cannot be told");
    }
}

/// To a path, or to a name in the abstract name space, which begins with `@`.
fn deliver(place: &OsStr, message: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    match place.as_bytes() {
        [b'@', name @ ..] => socket.send_to_addr(message, &SocketAddr::from_abstract_name(name)?)?,
        _ => socket.send_to(message, place)?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_is_told_at_a_path_or_at_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = SocketAddr::from_abstract_name(path.as_os_str().as_bytes()).unwrap();
        let mut at_name = OsStr::new("@").to_owned();
        at_name.push(&path);
        for (listens, place) in [
            (UnixDatagram::bind(&path).unwrap(), path.as_os_str()),
            (UnixDatagram::bind_addr(&name).unwrap(), &at_name),
        ] {
            deliver(place, b"READY=1\n").unwrap();
            let mut bytes = [0; 16];
            let count = listens.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..count], b"READY=1\n");
        }
    }
}
