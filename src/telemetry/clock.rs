//! The time as logs write it, read from the system and formatted once a second.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwap, Guard};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Tells the wall time of instants; keeps the text of the last second. When the system's clock is set, it follows
/// within a second.
#[derive(Debug)]
pub struct Clock {
    zone: TimeZone,
    last: ArcSwap<Stamp>,
}

/// One second in words.
#[derive(Debug)]
pub struct Stamp {
    /// When the system's clock was read.
    read: Instant,
    /// How much of the second was over then.
    over: Duration,
    /// When the second ends.
    end: Instant,
    /// Seconds since 1970.
    pub second: u64,
    /// `10/Oct/2000:13:55:36 -0700`, in local time.
    pub combined: String,
    /// `2000-10-10T13:55:36-07:00`, in local time.
    pub iso8601: String,
    /// `2000-10-10T20:55:36`, in universal time, without fraction and zone.
    pub utc: String,
}

impl Clock {
    /// For a time zone; [`TimeZone::system`] reads the system's.
    pub fn new(zone: TimeZone) -> Self {
        let stamp = Stamp::now(&zone);
        Self {
            zone,
            last: ArcSwap::from_pointee(stamp),
        }
    }

    /// The text for the second that `now` is in, which has just been read.
    pub fn stamp(&self, now: Instant) -> Guard<Arc<Stamp>> {
        let last = self.last.load();
        // Another thread may have made the stamp after `now`: then it is that much late.
        if now < last.end {
            return last;
        }
        // Two threads may both format; a late one only costs the next caller another round.
        let stamp = Arc::new(Stamp::now(&self.zone));
        self.last.store(Arc::clone(&stamp));
        Guard::from_inner(stamp)
    }
}

impl Stamp {
    /// The second that the system's clock shows.
    fn now(zone: &TimeZone) -> Self {
        Self::new(Instant::now(), SystemTime::now(), zone)
    }

    /// The second of `time`, which it is at the instant `read`.
    pub fn new(read: Instant, time: SystemTime, zone: &TimeZone) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let over = Duration::from_nanos(since.subsec_nanos().into());
        let second = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let time = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let local = time.to_zoned(zone.clone());
        Self {
            read,
            over,
            end: read + (Duration::from_secs(1) - over),
            second: since.as_secs(),
            combined: local.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            iso8601: local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            utc: time.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }

    /// How many milliseconds of the second are over at an instant within it.
    pub fn millis(&self, now: Instant) -> u32 {
        let over = self.over + now.saturating_duration_since(self.read);
        over.subsec_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(millis: u64) -> Stamp {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        Stamp::new(Instant::now(), time, &TimeZone::fixed(jiff::tz::offset(-7)))
    }

    #[test]
    fn a_second_is_written_in_local_and_in_universal_time() {
        let stamp = stamp(971_211_336_999);
        assert_eq!(stamp.combined, "10/Oct/2000:13:55:36 -0700");
        assert_eq!(stamp.iso8601, "2000-10-10T13:55:36-07:00");
        assert_eq!(stamp.utc, "2000-10-10T20:55:36");
        assert_eq!(stamp.second, 971_211_336);
    }

    #[test]
    fn a_second_is_formatted_once() {
        let clock = Clock::new(TimeZone::UTC);
        let first = clock.stamp(Instant::now());
        assert!(Arc::ptr_eq(
            &first,
            &clock.stamp(first.end - Duration::from_nanos(1))
        ));
        let next = clock.stamp(first.end);
        assert!(!Arc::ptr_eq(&first, &next));
        assert!(
            Arc::ptr_eq(&next, &clock.stamp(first.read)),
            "late, and soon over"
        );
    }

    #[test]
    fn milliseconds_go_on_from_where_the_clock_was_read() {
        let stamp = stamp(971_211_336_042);
        let after = |millis| stamp.millis(stamp.read + Duration::from_millis(millis));
        assert_eq!([after(0), after(1), after(957)], [42, 43, 999]);
        assert_eq!(stamp.end - stamp.read, Duration::from_millis(958));
        assert_eq!(stamp.millis(stamp.read - Duration::from_millis(1)), 42);
    }

    #[test]
    fn impossible_clocks_do_no_harm() {
        let at = |time| Stamp::new(Instant::now(), time, &TimeZone::UTC).utc;
        assert_eq!(
            at(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
            "1970-01-01T00:00:00"
        );
        assert_eq!(
            at(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50)),
            "9999-12-30T22:00:00"
        );
    }
}
