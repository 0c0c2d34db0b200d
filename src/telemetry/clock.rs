//! The time as logs write it, formatted once a second.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Formats times; keeps the text of the last second.
#[derive(Debug)]
pub struct Clock {
    zone: TimeZone,
    last: ArcSwap<Stamp>,
}

/// One second in words.
#[derive(Debug, Default)]
pub struct Stamp {
    second: i64,
    /// `10/Oct/2000:13:55:36 -0700`, in local time.
    pub combined: String,
    /// `2000-10-10T20:55:36`, in universal time, without fraction and zone.
    pub utc: String,
}

impl Clock {
    /// For a time zone; [`TimeZone::system`] reads the system's.
    pub fn new(zone: TimeZone) -> Self {
        let stamp = Stamp::new(0, &zone);
        Self {
            zone,
            last: ArcSwap::from_pointee(stamp),
        }
    }

    /// The text for the second that `time` is in.
    pub fn stamp(&self, time: SystemTime) -> Guard<Arc<Stamp>> {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let second = since.as_secs() as i64;
        let last = self.last.load();
        if last.second == second {
            return last;
        }
        // Two threads may both format; a late one only costs the next caller another round.
        let stamp = Arc::new(Stamp::new(second, &self.zone));
        self.last.store(Arc::clone(&stamp));
        Guard::from_inner(stamp)
    }
}

impl Stamp {
    fn new(second: i64, zone: &TimeZone) -> Self {
        let time = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        Self {
            second,
            combined: time
                .to_zoned(zone.clone())
                .strftime("%d/%b/%Y:%H:%M:%S %z")
                .to_string(),
            utc: time.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_formatted_once() {
        let clock = Clock::new(TimeZone::fixed(jiff::tz::offset(-7)));
        let at = |millis| clock.stamp(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let first = at(971_211_336_000);
        assert_eq!(first.combined, "10/Oct/2000:13:55:36 -0700");
        assert_eq!(first.utc, "2000-10-10T20:55:36");
        assert!(Arc::ptr_eq(&first, &at(971_211_336_999)));
        assert_eq!(at(971_211_337_000).combined, "10/Oct/2000:13:55:37 -0700");
        assert_eq!(at(971_211_336_000).combined, "10/Oct/2000:13:55:36 -0700");
    }

    #[test]
    fn impossible_clocks_do_no_harm() {
        let clock = Clock::new(TimeZone::UTC);
        let before = clock.stamp(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(before.utc, "1970-01-01T00:00:00");
        let after = clock.stamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50));
        assert_eq!(after.utc, "9999-12-30T22:00:00");
    }
}
