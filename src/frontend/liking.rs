//! What a client would rather have: the ranges of `Accept` (RFC 9110, section 12.5.1).

use crate::protocol::fields::weight;

/// How much a client likes a media type. Ordered: quality first, exactness second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Liking {
    /// In thousandths.
    quality: u16,
    /// 1 for `*/*`, 2 for `type/*`, 3 for the type itself.
    exactness: u8,
}

impl Liking {
    /// The most exact range that covers the type decides; the best of several, which differ in parameters.
    pub(super) fn of(kind: &str, subtype: &str, accept: &str) -> Self {
        let ranges = accept.split(',').filter_map(|range| {
            let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
            let (own_kind, own_subtype) = name.trim().split_once('/')?;
            let same = own_kind.eq_ignore_ascii_case(kind);
            let exactness = match own_subtype {
                "*" if own_kind == "*" => 1,
                "*" if same => 2,
                own if same && own.eq_ignore_ascii_case(subtype) => 3,
                _ => return None,
            };
            let quality = weight(parameters.as_bytes());
            Some(Self { quality, exactness })
        });
        ranges
            .max_by_key(|range| (range.exactness, range.quality))
            .unwrap_or_default()
    }

    /// Whether the client takes it at all.
    pub(super) fn is_wanted(self) -> bool {
        self.quality > 0
    }

    /// Whether the client takes it, and knows its name.
    pub(super) fn is_named(self) -> bool {
        self.is_wanted() && self.exactness == 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_a_types_versions_counts() {
        let accept = "a/b;version=2;q=0.3, a/b;version=1;q=0.5, a/*;q=0.9";
        let liking = Liking::of("a", "b", accept);
        assert!(liking.is_named() && liking.quality == 500);
        assert!(!Liking::of("a", "c", accept).is_named());
    }
}
