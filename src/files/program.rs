//! Files that are programs.

/// Endings of names that are programs. Whatever the route, they are never sent as text: they hold passwords. They are those
/// that Debian's and PHP's own configurations give to PHP, those of old versions included.
const PROGRAMS: [&[u8]; 5] = [b".php", b".phtml", b".phar", b".phps", b".pht"];

/// Whether a name is one of a program; `A` to `Z` count as lower case, other letters are only themselves. The number of a
/// version may follow `.php`.
pub(super) fn is_program(name: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', name) else {
        return false;
    };
    let ending = &name[dot..];
    let unnumbered = match ending.len() {
        5 if ending[4].is_ascii_digit() => &ending[..4],
        _ => ending,
    };
    let is = |known: &[u8]| ending.eq_ignore_ascii_case(known);
    unnumbered.eq_ignore_ascii_case(PROGRAMS[0]) || PROGRAMS.into_iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_endings() {
        for name in [
            "a.php", "a.PHP", ".php", "a.b.php", "a.php3", "a.php5", "a.Php7", "a.phtml", "a.pht", "a.phps",
            "a.phar",
        ] {
            assert!(is_program(name.as_bytes()), "{name}");
        }
        for name in [
            "a",
            "a.txt",
            "php",
            "a.php.txt",
            "a.php55",
            "a.phpx",
            "a.phtml5",
            "a.ph",
        ] {
            assert!(!is_program(name.as_bytes()), "{name}");
        }
    }
}
