//! Which authorities can issue certificates for a name.

use std::net::IpAddr;

/// How far a name reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public authorities can prove it.
    Public,
    /// It means something within a machine or a network only (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`): the local
    /// authority is the one for it.
    Local,
    /// No public authority issues for it, and the constraints of the local one do not allow it: a single label.
    Nowhere,
}

/// The names, and all below them, that the local authority may issue for.
pub(super) const LOCAL: [&str; 5] = ["localhost", "local", "internal", "test", "home.arpa"];

/// The networks that it may issue for, and the bits of their addresses that count (RFC 1918, RFC 4193, RFC 6598, RFC 3927).
pub(super) const NETWORKS: [(&str, u8); 9] = [
    ("127.0.0.0", 8),
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("100.64.0.0", 10),
    ("::1", 128),
    ("fc00::", 7),
    ("fe80::", 10),
];

impl Reach {
    /// Of a host: `shop.example`, `*.example`, `127.0.0.1`, `[::1]`, in any case.
    pub fn of(host: &str) -> Self {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = plain.parse::<IpAddr>() {
            return match is_local(address.to_canonical()) {
                true => Self::Local,
                false => Self::Public,
            };
        }
        let name = host.strip_prefix("*.").unwrap_or(&host);
        let below = |suffix: &str| {
            let above = name.strip_suffix(suffix);
            above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
        };
        match LOCAL.iter().any(|suffix| below(suffix)) {
            true => Self::Local,
            false if name.contains('.') => Self::Public,
            false => Self::Nowhere,
        }
    }
}

fn is_local(address: IpAddr) -> bool {
    let mut networks = NETWORKS.iter();
    networks.any(|(network, bits)| {
        network
            .parse()
            .is_ok_and(|network| is_in(address, network, *bits))
    })
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits.into()
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits.into()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reaches_as_far_as_its_end_says() {
        for (host, reach) in [
            ("localhost", Reach::Local),
            ("App.Localhost.", Reach::Local),
            ("printer.local", Reach::Local),
            ("*.corp.internal", Reach::Local),
            ("shop.test", Reach::Local),
            ("nas.home.arpa", Reach::Local),
            ("shop.example", Reach::Public),
            ("*.shop.example", Reach::Public),
            ("notlocal", Reach::Nowhere),
            ("mylocalhost", Reach::Nowhere),
            ("shop.mylocal", Reach::Public),
            ("arpa", Reach::Nowhere),
            ("127.0.0.1", Reach::Local),
            ("[::1]", Reach::Local),
            ("::1", Reach::Local),
            ("172.31.255.255", Reach::Local),
            ("172.32.0.0", Reach::Public),
            ("::ffff:10.0.0.1", Reach::Local),
            ("fd00::1", Reach::Local),
            ("2001:db8::1", Reach::Public),
            ("192.0.2.1", Reach::Public),
            ("", Reach::Nowhere),
        ] {
            assert_eq!(Reach::of(host), reach, "{host}");
        }
    }
}
