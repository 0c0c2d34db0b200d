use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until something holds that no event tells of: what another process writes, closes or ends.
///
/// # Panics
///
/// With `what`, when it does not hold after twenty seconds: uWSGI takes some of them to reload on a busy machine.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        sleep(AGAIN);
    }
}

const LIMIT: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(5);
