//! What requests are hashed by.

use crate::protocol::RequestHead;
use crate::upstream::model::config::Balance;
use crate::upstream::select::balance::ip_key;

/// What a request is hashed by under an algorithm that hashes. `None` when there is nothing to hash: the endpoints have
/// their turns.
pub fn of(balance: &Balance, head: &RequestHead) -> Option<u64> {
    match balance {
        Balance::Hash(hash) => hash.key.hash(head).map(u64::from),
        Balance::IpHash => Some(ip_key(
            head.client.remote.as_ref().map(|remote| remote.address.ip()),
        )),
        Balance::RoundRobin | Balance::LeastConn | Balance::RandomTwo | Balance::Ewma => None,
    }
}
