//! `Date`, made once a second for a thread.

use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime};

/// `Mon, 30 Nov 2026 10:00:00 GMT` (RFC 9110, section 5.6.7).
#[derive(Clone, Copy)]
pub(super) struct Date([u8; LENGTH]);

const LENGTH: usize = 29;

impl Date {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

thread_local! {
    static LAST: RefCell<Option<(Instant, Date)>> = const { RefCell::new(None) };
}

/// The date now; `now` is what the caller has read of the clock.
pub(super) fn at(now: Instant) -> Date {
    LAST.with_borrow_mut(|last| match last {
        Some((until, date)) if now < *until => *date,
        _ => {
            let (date, left) = read();
            *last = Some((now + left, date));
            date
        }
    })
}

/// The date, and for how long it is right.
fn read() -> (Date, Duration) {
    let now = SystemTime::now();
    let mut date = [b' '; LENGTH];
    let text = httpdate::fmt_http_date(now);
    if text.len() == LENGTH {
        date.copy_from_slice(text.as_bytes());
    }
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into());
    (Date(date), left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_again_when_its_second_is_over() {
        let now = Instant::now();
        let first = at(now);
        assert!(httpdate::parse_http_date(std::str::from_utf8(first.as_bytes()).unwrap()).is_ok());
        assert_eq!(at(now).as_bytes(), first.as_bytes());
        std::thread::sleep(Duration::from_millis(1_010));
        assert_ne!(at(Instant::now()).as_bytes(), first.as_bytes());
    }
}
