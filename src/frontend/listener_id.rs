//! Which listener a connection came through.

use crate::transport::Address;

/// A listener, through reloads: its address, and how many before it have the same one. Only those can whose port the
/// system chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerId {
    address: Address,
    nth: usize,
}

impl ListenerId {
    /// The next listener at an address, behind those that there are.
    pub(super) fn behind<'a>(others: impl Iterator<Item = &'a Address>, address: &Address) -> Self {
        Self {
            nth: others.filter(|other| *other == address).count(),
            address: address.clone(),
        }
    }

    /// Those of a configuration, in their order.
    pub(super) fn all<'a>(
        addresses: impl Iterator<Item = &'a Address> + Clone,
    ) -> impl Iterator<Item = Self> {
        let each = addresses.clone().enumerate();
        each.map(move |(number, address)| Self::behind(addresses.clone().take(number), address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_with_one_address_are_told_apart_by_their_order() {
        let listeners = ["127.0.0.1:0", "[::1]:80", "127.0.0.1:0"];
        let listeners = listeners.map(|address| address.parse().unwrap());
        let ids: Vec<_> = ListenerId::all(listeners.iter()).collect();
        assert_eq!(ids.iter().map(|id| id.nth).collect::<Vec<_>>(), [0, 0, 1]);
        assert_ne!(ids[0], ids[2]);
    }
}
