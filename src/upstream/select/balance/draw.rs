//! Two different endpoints at random, by weight.

use std::sync::Arc;

use super::Pick;
use crate::upstream::model::endpoint::Endpoint;

/// One endpoint that may be chosen, and another one if there is.
pub(super) fn two(
    random: &mut fastrand::Rng,
    endpoints: &[Arc<Endpoint>],
    pick: &Pick<'_>,
) -> Option<(usize, Option<usize>)> {
    let one = draw(random, endpoints, pick, None)?;
    Some((one, draw(random, endpoints, pick, Some(one))))
}

/// One endpoint that may be chosen, in proportion to the shares; not the one at `but`.
fn draw(
    random: &mut fastrand::Rng,
    endpoints: &[Arc<Endpoint>],
    pick: &Pick<'_>,
    but: Option<usize>,
) -> Option<usize> {
    let candidates = || {
        let all = endpoints.iter().enumerate();
        all.filter(|(index, endpoint)| Some(*index) != but && pick.eligible(endpoint))
            .map(|(index, endpoint)| (index, u64::from(endpoint.share())))
    };
    let sum: u64 = candidates().map(|(_, share)| share).sum();
    if sum == 0 {
        return None;
    }
    let mut left = random.u64(0..sum);
    for (index, share) in candidates() {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return Some(index),
        }
    }
    None
}
