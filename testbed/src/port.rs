//! Ports for servers that have to be told a number.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// An address with a port that is free for TCP and UDP. It lies below those that the kernel gives out for port 0
/// (ip(7), `ip_local_port_range`), so no socket of another test gets it before the server is up or while it is away.
///
/// # Errors
///
/// When every port is taken.
pub fn free_address(ip: IpAddr) -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run at once begin in different places.
    let start = process::id().wrapping_mul(STRIDE) % u32::from(COUNT);
    for _ in 0..COUNT {
        let nth = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = (start + nth) % u32::from(COUNT);
        let address = SocketAddr::from((ip, FIRST + offset as u16));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port of {ip} is free")
}

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const STRIDE: u32 = 97; // ports; more than a test takes

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn ports_differ_and_lie_below_those_of_the_kernel() {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let kernel: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        let first = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
        let second = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_ne!(first, second);
        assert!(first.port() < kernel && second.port() < kernel);
    }
}
