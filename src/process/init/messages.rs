//! What the gateway tells its service manager, heard on the way.

use std::io;
use std::mem::MaybeUninit;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};

use rustix::io::IoSliceMut;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::Pid;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// The variable that names the socket of a service manager.
pub(super) const SOCKET: &str = "NOTIFY_SOCKET";

/// The messages of the gateway.
pub(super) struct Messages {
    socket: UnixDatagram,
    name: String,
    /// Where they go on to, if there is a manager above.
    manager: Option<std::ffi::OsString>,
}

impl Messages {
    /// Hears from now on, at a name that no other has. To be called inside a tokio runtime.
    pub(super) fn open() -> io::Result<Self> {
        let name = format!("bridgehead/init/{:016x}", fastrand::u64(..));
        let socket = StdDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        socket.set_nonblocking(true)?;
        // The kernel says whose each message is.
        set_socket_passcred(&socket, true)?;
        Ok(Self {
            socket: UnixDatagram::from_std(socket)?,
            name: format!("@{name}"),
            manager: std::env::var_os(SOCKET),
        })
    }

    /// The name, as the variable has it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the gateway, process `main`, says which process goes on in its place. Its other messages go on.
    pub(super) async fn successor(&self, main: Pid) -> io::Result<Pid> {
        loop {
            self.socket.readable().await?;
            let (sender, text) = match self.socket.try_io(Interest::READABLE, || receive(&self.socket)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                received => received?,
            };
            if sender != Some(main) {
                continue;
            }
            let (ours, others): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with(MAIN));
            self.pass_on(&others);
            let pid = ours.first().and_then(|line| line[MAIN.len()..].parse().ok());
            if let Some(pid) = pid.and_then(Pid::from_raw) {
                return Ok(pid);
            }
        }
    }

    fn pass_on(&self, lines: &[&str]) {
        let Some(manager) = &self.manager else { return };
        let message = lines.join("\n");
        let name = manager.to_string_lossy();
        // A manager that does not hear is none.
        let _ = StdDatagram::unbound().and_then(|socket| match name.strip_prefix('@') {
            Some(name) => socket.send_to_addr(message.as_bytes(), &SocketAddr::from_abstract_name(name)?),
            None => socket.send_to(message.as_bytes(), manager),
        });
    }
}

/// A message, and the process that has sent it.
fn receive(socket: &UnixDatagram) -> io::Result<(Option<Pid>, String)> {
    let mut text = [0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut text)],
        &mut control,
        RecvFlags::empty(),
    )?;
    let sender = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(credentials) => Some(credentials.pid),
        _ => None,
    });
    Ok((
        sender,
        String::from_utf8_lossy(&text[..received.bytes]).into_owned(),
    ))
}

const MAIN: &str = "MAINPID=";

/// Bytes of a message.
const MAX_MESSAGE: usize = 4096;
