//! Files that are programs.

/// Endings of names that are programs. Whatever the route, they are never sent as text: they hold passwords.
const PROGRAMS: [&[u8]; 3] = [b".php", b".phtml", b".phar"];

/// Whether a name is one of a program; `A` to `Z` count as lower case, other letters are only themselves.
pub(super) fn is_program(name: &[u8]) -> bool {
    let ends_with = |suffix: &&[u8]| {
        let start = name.len().saturating_sub(suffix.len());
        name[start..].eq_ignore_ascii_case(suffix)
    };
    PROGRAMS.iter().any(ends_with)
}
