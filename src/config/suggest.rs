//! "Did you mean": the known word that is nearest to a typed one.

/// The candidate that `typed` was probably meant to be.
pub(super) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| {
            (
                distance(&typed, &candidate.to_ascii_lowercase().replace('-', "_")),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= tolerance(candidate))
        .min_by_key(|(distance, _)| *distance)
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

/// One wrong letter in three is a slip; more is another word.
fn tolerance(word: &str) -> usize {
    (word.len() / 3).max(1)
}

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
        assert_eq!(nearest("que", keys), None);
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
