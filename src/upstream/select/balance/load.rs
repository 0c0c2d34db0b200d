//! How busy an endpoint is for its weight.

use std::cmp::Ordering;

use crate::upstream::model::endpoint::Endpoint;

/// Exchanges under way divided by the share, compared without rounding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    in_flight: u128,
    share: u128,
}

impl Load {
    /// The load now.
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        Self {
            in_flight: endpoint.in_flight() as u128,
            share: u128::from(endpoint.share()),
        }
    }
}

/// a / b < c / d is a * d < c * b: a count of 64 bits times a share of 32 never overflows.
impl Ord for Load {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.in_flight * other.share).cmp(&(other.in_flight * self.share))
    }
}

impl PartialOrd for Load {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Load {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Load {}
