//! What a process says of itself: sd_notify(3), heard by us.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use tokio::net::UnixDatagram;

/// A socket for the messages of one process (`NOTIFY_SOCKET`). The file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Notifications {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Notifications {
    /// Hears at `path`, from a process of the user and group with these numbers. To be called inside a tokio runtime.
    pub(super) fn open(path: PathBuf, owner: Option<(u32, u32)>) -> io::Result<Self> {
        // That of a process before it.
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path)?;
        let notifications = Self { socket, path };
        fs::set_permissions(&notifications.path, Permissions::from_mode(0o600))?;
        if let Some((user, group)) = owner {
            chown(&notifications.path, Some(user), Some(group))?;
        }
        Ok(notifications)
    }

    /// Waits until the process says that it is ready.
    pub(super) async fn ready(&self) -> io::Result<()> {
        let mut message = [0; MAX_MESSAGE];
        loop {
            let length = self.socket.recv(&mut message).await?;
            if says_ready(&message[..length]) {
                return Ok(());
            }
        }
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn says_ready(message: &[u8]) -> bool {
    message
        .split(|byte| *byte == b'\n')
        .any(|line| line == b"READY=1")
}

/// Bytes of a message that are looked at.
const MAX_MESSAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_says_that_it_is_ready_among_other_things() {
        let dir = tempfile::tempdir().unwrap();
        let heard = Notifications::open(dir.path().join("notify"), None).unwrap();
        let speaks = std::os::unix::net::UnixDatagram::unbound().unwrap();
        for message in ["STATUS=Processes active: 0", "X=1\nREADY=1\n"] {
            speaks.send_to(message.as_bytes(), &heard.path).unwrap();
        }
        heard.ready().await.unwrap();
        assert!(!says_ready(b"READY=10"));
    }
}
