//! `listing` of `files`.

use crate::config::table::{Switch, table};
use crate::config::units::{Name, Named, Number};
use crate::files::{Listing as Settings, Order, Sort};

table! {
    /// What is in a directory that has no index: a page, or JSON as nginx writes it for clients that would rather have
    /// `application/json`. Hidden files and programs are not in it, directories come first. Default: `false`.
    pub(in crate::config) struct Listing for Settings {
        /// Entries of a directory that are listed, at most.
        limit: usize as Number(1, 1_000_000),
        /// What they are sorted by, unless the client says so: `?sort=size&order=desc`.
        sort: Sort as Name,
        /// What comes first: the least (`"asc"`) or the greatest (`"desc"`).
        order: Order as Name,
    }
}

impl Listing {
    /// The setting as it would be typed.
    pub(super) fn shown(listing: Option<&Settings>) -> Switch<Self> {
        match listing {
            None => Switch::Off,
            Some(usual) if *usual == Settings::default() => Switch::On,
            Some(own) => Switch::Own(Self::plain(own)),
        }
    }

    /// What was typed.
    pub(super) fn settings(typed: &Switch<Self>) -> Option<Settings> {
        let mut settings = Settings::default();
        match typed {
            Switch::Off => return None,
            Switch::On => {}
            Switch::Own(own) => own.apply_to(&mut settings),
        }
        Some(settings)
    }
}

impl Named for Sort {
    const KIND: &'static str = "column";
    const NAMES: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("time", Self::Time), ("size", Self::Size)];
}

impl Named for Order {
    const KIND: &'static str = "order";
    const NAMES: &'static [(&'static str, Self)] = &[("asc", Self::Ascending), ("desc", Self::Descending)];
}
