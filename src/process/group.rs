//! The members of a process group.

use std::fs;

/// Whether a group has running processes other than the one that leads it.
pub(super) fn has_others(leader: u32) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.any(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        pid != leader && group_of(&stat) == Some(leader)
    })
}

/// The group of a process that runs, from its line of proc_pid_stat(5): `pid (name) state parent group …`. The name may
/// have parentheses and blanks in it.
fn group_of(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    let state = words.next()?;
    let group = words.nth(1)?;
    group.parse().ok().filter(|_| !matches!(state, "Z" | "X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_anything() {
        assert_eq!(group_of("7 (a) b (c) S 1 42 42 0"), Some(42));
        assert_eq!(group_of("7 (a) Z 1 42 42 0"), None);
        assert_eq!(group_of(""), None);
    }
}
