//! What must be true of the accounts between any two calls.

use std::collections::BTreeSet;

use super::{Charge, Fair, RESTING};

impl Fair {
    /// `waiting`: the keys and tickets of the requests in the queue.
    pub(in super::super) fn check_invariants(&self, waiting: BTreeSet<(u64, u64)>) {
        let accounts = || self.accounts.iter();
        let tickets =
            accounts().flat_map(|(key, account)| account.waiting.iter().map(|ticket| (*key, *ticket)));
        assert_eq!(
            tickets.collect::<BTreeSet<_>>(),
            waiting,
            "other requests wait than the accounts know"
        );
        let running: usize = accounts().map(|(_, account)| account.running).sum();
        assert_eq!(running, self.clock.running, "an exchange without an account");
        let active = accounts().filter(|(_, account)| account.is_active());
        assert_eq!(active.count(), self.clock.active, "keys that nothing is known of");
        let crowds = accounts().map(|(key, account)| (account.waiting.len(), *key));
        assert_eq!(
            crowds.filter(|(count, _)| *count > 0).collect::<BTreeSet<_>>(),
            self.crowds
        );
        let turns = accounts().filter_map(|(_, account)| account.turn);
        assert_eq!(turns.collect::<BTreeSet<_>>(), self.turns);
        for (key, account) in accounts() {
            let waits = !account.waiting.is_empty();
            assert_eq!(
                account.turn.is_some() || account.is_capped,
                waits,
                "{key} waits without a turn"
            );
            assert!(
                account.is_active() || account.is_resting,
                "{key} is never forgotten"
            );
        }
        let resting = accounts().filter(|(_, account)| account.is_resting).count();
        assert_eq!(resting, self.resting.len());
        assert!(resting <= RESTING + 1, "keys without bound");
    }

    /// Checks that the exchanges under way are those of these charges that began since the account did.
    pub(in super::super) fn check_running(&self, charges: impl Iterator<Item = Charge>) {
        let own = charges.filter(|charge| charge.epoch == self.epoch);
        assert_eq!(own.count(), self.clock.running, "a charge leaked");
    }
}
