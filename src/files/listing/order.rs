//! What comes first in a listing.

use std::cmp::Ordering;

use super::Item;

/// What items are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The bytes of their names.
    #[default]
    Name,
    /// When they were changed.
    Time,
    /// Their sizes.
    Size,
}

/// Which of them comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The least.
    #[default]
    Ascending,
    /// The greatest.
    Descending,
}

/// What a query asks for, `sort=time&order=desc`; else what there is.
pub(super) fn asked(query: Option<&[u8]>, (sort, order): (Sort, Order)) -> (Sort, Order) {
    let variables = query.unwrap_or_default().split(|byte| *byte == b'&');
    variables.fold((sort, order), |(sort, order), variable| match variable {
        b"sort=name" => (Sort::Name, order),
        b"sort=time" => (Sort::Time, order),
        b"sort=size" => (Sort::Size, order),
        b"order=asc" => (sort, Order::Ascending),
        b"order=desc" => (sort, Order::Descending),
        _ => (sort, order),
    })
}

/// Directories come first.
pub(super) fn sort(items: &mut [Item], sort: Sort, order: Order) {
    items.sort_by(|one, other| {
        let by_kind = other.is_directory.cmp(&one.is_directory);
        let ordering = by(sort, one, other);
        by_kind.then(match order {
            Order::Ascending => ordering,
            Order::Descending => ordering.reverse(),
        })
    });
}

fn by(sort: Sort, one: &Item, other: &Item) -> Ordering {
    let by_name = one.name.cmp(&other.name);
    match sort {
        Sort::Name => by_name,
        Sort::Time => one.modified.cmp(&other.modified).then(by_name),
        Sort::Size => one.size.cmp(&other.size).then(by_name),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn directories_come_first_and_the_rest_as_it_is_asked_for() {
        let item = |name: &str, is_directory, size, age| Item {
            name: name.into(),
            is_directory,
            size,
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(age),
        };
        let mut items = [
            item("c", false, 1, 3),
            item("z", true, 0, 9),
            item("a", false, 2, 2),
            item("b", false, 1, 1),
        ];
        for (query, expected) in [
            ("", "zabc"),
            ("sort=name&order=desc", "zcba"),
            ("sort=time", "zbac"),
            ("sort=size", "zbca"),
            ("x=y&order=desc&sort=size", "zacb"),
            ("sort=colour&order=none", "zabc"),
        ] {
            let (by, order) = asked(Some(query.as_bytes()), (Sort::Name, Order::Ascending));
            sort(&mut items, by, order);
            let names = items.iter().flat_map(|item| item.name.clone()).collect();
            assert_eq!(String::from_utf8(names).unwrap(), expected, "{query}");
        }
        let usual = (Sort::Size, Order::Descending);
        assert_eq!(asked(None, usual), usual);
    }
}
