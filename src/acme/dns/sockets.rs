//! The sockets of the responder.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Socket, Type};

/// Connections that wait in the kernel.
const BACKLOG: i32 = 64;

/// Ports that the system may choose until one is free for both.
const ATTEMPTS: usize = 16;

/// Sockets that are open, where more rights may be needed than later: ports below 1024.
#[derive(Debug)]
pub struct DnsSockets(Vec<(UdpSocket, TcpListener)>);

impl DnsSockets {
    /// Listens on each address, by UDP and TCP.
    ///
    /// # Errors
    ///
    /// When it cannot, with the address.
    pub fn bind(addresses: &[SocketAddr]) -> io::Result<Self> {
        let bound = addresses.iter().map(|address| {
            bind(*address).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot answer the DNS on {address}: {error}"),
                )
            })
        });
        bound.collect::<io::Result<_>>().map(Self)
    }

    /// The same sockets once more.
    ///
    /// # Errors
    ///
    /// When there are no descriptors left.
    pub fn duplicate(&self) -> io::Result<Self> {
        let sockets = self.0.iter();
        let both = sockets.map(|(socket, listener)| Ok((socket.try_clone()?, listener.try_clone()?)));
        both.collect::<io::Result<_>>().map(Self)
    }

    /// Where they listen, with real ports.
    pub fn addresses(&self) -> impl Iterator<Item = io::Result<SocketAddr>> + '_ {
        self.0.iter().map(|(socket, _)| socket.local_addr())
    }

    /// For packets and for connections, of each address.
    pub(super) fn into_both(self) -> impl Iterator<Item = (UdpSocket, TcpListener)> {
        self.0.into_iter()
    }
}

/// The same port for both, also where the system chooses it.
fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut attempts = match address.port() {
        0 => ATTEMPTS,
        _ => 1,
    };
    loop {
        attempts -= 1;
        match bind_both(address) {
            Err(_) if attempts > 0 => {}
            bound => return bound,
        }
    }
}

fn bind_both(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let socket = shared(address, Type::DGRAM)?;
    let socket = UdpSocket::from(socket);
    let listener = shared(socket.local_addr()?, Type::STREAM)?;
    listener.listen(BACKLOG)?;
    let listener = TcpListener::from(listener);
    socket.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    Ok((socket, listener))
}

/// A socket at an address that a process may share with the one that takes its place.
fn shared(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    socket.set_reuse_port(true)?;
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_had_is_named() {
        let error = DnsSockets::bind(&["192.0.2.1:53".parse().unwrap()]).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("cannot answer the DNS on 192.0.2.1:53: "),
            "{error}"
        );
    }
}
