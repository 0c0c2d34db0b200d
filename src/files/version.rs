//! One version of a file, as the times on its disk tell it from others.

use std::time::{Duration, SystemTime};

use rustix::fs::Stat;

/// What tells one version of a file from another on the same machine. The time of the last change of its inode is none that
/// a program can set: a copy in the place of another one differs in it, whatever its own times are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    place: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The coarsest times of a file system: FAT has seconds that are even.
const COARSEST: Duration = Duration::from_secs(2);

impl Version {
    /// That of what the system says this of.
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            place: (stat.st_dev, stat.st_ino),
            size: stat.st_size.unsigned_abs(),
            modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime, stat.st_ctime_nsec as i64),
        }
    }

    /// Bytes of the contents.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Last change of the contents.
    pub(super) fn modified(&self) -> SystemTime {
        time(self.modified)
    }

    /// Whether the last change was so long ago that another one would show in the times, however coarse those are.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let is_past = |stamp| {
            let age = now.duration_since(time(stamp));
            age.is_ok_and(|age| age >= COARSEST)
        };
        is_past(self.modified) && is_past(self.changed)
    }
}

/// Seconds since 1970, which may be before it, and nanoseconds behind that.
fn time((seconds, nanoseconds): (i64, i64)) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let whole = match seconds {
        0.. => SystemTime::UNIX_EPOCH + distance,
        _ => SystemTime::UNIX_EPOCH - distance,
    };
    whole + Duration::from_nanos(nanoseconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use rustix::fs::fstat;

    use super::*;

    #[test]
    fn a_version_is_settled_when_both_of_its_times_are_old() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let version = Version::of(&fstat(&file).unwrap());
        assert_eq!((version.size(), version.modified()), (3, SystemTime::UNIX_EPOCH));
        // It was changed just now, whatever its time says.
        assert!(!version.is_settled(SystemTime::now()));
        assert!(version.is_settled(SystemTime::now() + 2 * COARSEST));
        file.set_modified(SystemTime::now() + 9 * COARSEST).unwrap();
        let version = Version::of(&fstat(&file).unwrap());
        assert!(!version.is_settled(SystemTime::now() + 2 * COARSEST));
    }

    #[test]
    fn a_copy_in_its_place_with_the_same_times_is_another_version() {
        let dir = tempfile::tempdir().unwrap();
        let stat = |name: &str| {
            let file = fs::File::options().write(true).open(dir.path().join(name));
            let file = file.unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            Version::of(&fstat(&file).unwrap())
        };
        for name in ["one", "other"] {
            fs::write(dir.path().join(name), name.len().to_string()).unwrap();
        }
        assert_ne!(stat("one"), stat("other"));
    }

    #[test]
    fn a_time_before_1970_is_one() {
        let half = Duration::from_millis(500);
        assert_eq!(
            time((-2, 500_000_000)),
            SystemTime::UNIX_EPOCH - Duration::from_secs(2) + half
        );
    }
}
