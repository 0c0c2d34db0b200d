//! How long a connection goes on while its client wants it to.

use std::time::Duration;

/// The limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Requests, after which it ends; 0: any number.
    pub requests: usize,
    /// How long, after which it ends with the next answer; zero: for ever.
    pub lifetime: Duration,
}

impl KeepAlive {
    /// Whether a connection has had its requests, or its time.
    pub(super) fn is_spent(self, requests: usize, age: impl FnOnce() -> Duration) -> bool {
        let Self {
            requests: most,
            lifetime,
        } = self;
        most > 0 && requests >= most || !lifetime.is_zero() && age() >= lifetime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_limit_ends_a_connection_and_none_does_not() {
        let second = Duration::from_secs(1);
        let spent = |requests, lifetime, had, age| {
            let keep_alive = KeepAlive { requests, lifetime };
            keep_alive.is_spent(had, || age)
        };
        assert!(!spent(0, Duration::ZERO, 1_000_000, 1_000_000 * second));
        assert!(!spent(2, second, 1, second / 2));
        assert!(spent(2, Duration::ZERO, 2, Duration::ZERO));
        assert!(spent(0, second, 0, second));
    }
}
