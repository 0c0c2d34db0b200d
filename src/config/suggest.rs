//! "Did you mean": the known word that is nearest to a typed one.

/// The candidate that `typed` was probably meant to be.
pub(super) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = plain(typed);
    candidates
        .into_iter()
        .filter_map(|candidate| Some((effort(&typed, &plain(candidate))?, candidate)))
        .min_by_key(|(effort, _)| *effort)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` and `c`, each in backquotes.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace('-', "_")
}

/// How much has to be forgiven to take one word for the other; `None` when it is too much.
fn effort(typed: &str, candidate: &str) -> Option<usize> {
    if is_shortened(typed, candidate) || is_shortened(candidate, typed) {
        return Some(0);
    }
    // One wrong letter in three is a slip; more is another word.
    let tolerance = (candidate.len() / 3).max(1);
    Some(distance(typed, candidate)).filter(|distance| *distance <= tolerance)
}

/// Whether `short` is `long` with letters left out behind the first: `fcgi` for `fastcgi`.
fn is_shortened(short: &str, long: &str) -> bool {
    let mut letters = long.chars();
    short.len() >= SHORTEST
        && short.get(..1) == long.get(..1)
        && short.chars().all(|c| letters.any(|l| l == c))
}

/// Letters that say something about a word.
const SHORTEST: usize = 4;

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood() {
        let keys = ["endpoints", "max_connections", "keep_alive", "queue"];
        assert_eq!(nearest("endpionts", keys), Some("endpoints"));
        assert_eq!(nearest("keepalive", keys), Some("keep_alive"));
        assert_eq!(nearest("Max-Connections", keys), Some("max_connections"));
        assert_eq!(nearest("fcgi", ["scgi", "fastcgi"]), Some("fastcgi"));
        assert_eq!(nearest("warning", ["info", "warn"]), Some("warn"));
    }

    #[test]
    fn other_words_are_left_alone() {
        assert_eq!(nearest("cache", ["queue", "timeouts"]), None);
        assert_eq!(nearest("x", ["php"]), None);
        assert_eq!(nearest("", []), None);
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
