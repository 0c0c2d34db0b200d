//! The sockets of the responder.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Socket, Type};

/// Connections that wait in the kernel.
const BACKLOG: i32 = 64;

/// Ports that the system may choose until one is free for both.
const ATTEMPTS: usize = 16;

/// Sockets that are open, where more rights may be needed than later: ports below 1024.
#[derive(Debug, Default)]
pub struct DnsSockets(Vec<DnsSocket>);

/// Those of one address.
#[derive(Debug)]
pub struct DnsSocket {
    /// As configured.
    pub address: SocketAddr,
    /// What comes by UDP.
    pub packets: UdpSocket,
    /// What comes by TCP.
    pub connections: TcpListener,
}

impl DnsSockets {
    /// Listens on each address, by UDP and TCP: with the sockets of the process before, where it has left some.
    ///
    /// # Errors
    ///
    /// When it cannot, with the address.
    pub fn open(addresses: &[SocketAddr], mut left: Self) -> io::Result<Self> {
        let opened = addresses.iter().map(|address| {
            let found = left.0.iter().position(|socket| socket.address == *address);
            if let Some(found) = found {
                return Ok(left.0.swap_remove(found));
            }
            DnsSocket::bind(*address).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot answer the DNS on {address}: {error}"),
                )
            })
        });
        opened.collect::<io::Result<_>>().map(Self)
    }

    /// The same sockets once more.
    ///
    /// # Errors
    ///
    /// When there are no descriptors left.
    pub fn duplicate(&self) -> io::Result<Self> {
        let sockets = self.0.iter().map(DnsSocket::duplicate);
        sockets.collect::<io::Result<_>>().map(Self)
    }

    /// Where they listen, as configured.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.0.iter().map(|socket| socket.address)
    }
}

impl FromIterator<DnsSocket> for DnsSockets {
    fn from_iter<I: IntoIterator<Item = DnsSocket>>(sockets: I) -> Self {
        Self(sockets.into_iter().collect())
    }
}

impl IntoIterator for DnsSockets {
    type Item = DnsSocket;
    type IntoIter = std::vec::IntoIter<DnsSocket>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl DnsSocket {
    fn duplicate(&self) -> io::Result<Self> {
        Ok(Self {
            address: self.address,
            packets: self.packets.try_clone()?,
            connections: self.connections.try_clone()?,
        })
    }

    /// The same port for both, also where the system chooses it.
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let mut attempts = match address.port() {
            0 => ATTEMPTS,
            _ => 1,
        };
        loop {
            attempts -= 1;
            match Self::bind_both(address) {
                Err(_) if attempts > 0 => {}
                bound => return bound,
            }
        }
    }

    fn bind_both(address: SocketAddr) -> io::Result<Self> {
        let packets = UdpSocket::from(bound(address, Type::DGRAM)?);
        let connections = bound(packets.local_addr()?, Type::STREAM)?;
        connections.listen(BACKLOG)?;
        let connections = TcpListener::from(connections);
        packets.set_nonblocking(true)?;
        connections.set_nonblocking(true)?;
        Ok(Self {
            address,
            packets,
            connections,
        })
    }
}

/// A socket that is no other process's.
fn bound(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    fn ports(sockets: DnsSockets) -> Vec<(u16, u16)> {
        let sockets = sockets.into_iter().map(|socket| {
            let packets = socket.packets.local_addr().unwrap();
            (packets.port(), socket.connections.local_addr().unwrap().port())
        });
        sockets.collect()
    }

    #[test]
    fn packets_and_connections_come_to_the_same_port() {
        let sockets = DnsSockets::open(&[any(), any()], DnsSockets::default()).unwrap();
        assert_eq!(sockets.addresses().collect::<Vec<_>>(), [any(), any()]);
        assert!(
            ports(sockets)
                .iter()
                .all(|(packets, connections)| packets == connections)
        );
    }

    #[test]
    fn what_is_left_is_taken_for_the_address_that_it_was_opened_for() {
        let before = DnsSockets::open(&[any()], DnsSockets::default()).unwrap();
        let left = ports(before.duplicate().unwrap());
        let after = DnsSockets::open(&["127.0.0.2:0".parse().unwrap(), any()], before).unwrap();
        assert_eq!(ports(after)[1], left[0]);
    }

    #[test]
    fn an_address_that_cannot_be_had_is_named() {
        let address = ["192.0.2.1:53".parse().unwrap()];
        let error = DnsSockets::open(&address, DnsSockets::default()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("cannot answer the DNS on 192.0.2.1:53: "),
            "{error}"
        );
    }

    #[test]
    fn an_address_is_not_shared() {
        let first = DnsSockets::open(&[any()], DnsSockets::default()).unwrap();
        let address = SocketAddr::new(any().ip(), ports(first.duplicate().unwrap())[0].0);
        assert!(DnsSockets::open(&[address], DnsSockets::default()).is_err());
    }
}
