//! Tables of settings, each declared once with the macro [`table!`].
//!
//! A declaration names the keys in their order. For each key it says what it means (the documentation comment, which
//! the reference page and editors show), the type of its value, the unit that it is written in, and where it goes in
//! the settings that a module below owns. Out of that follow reading with its complaints, the way back for
//! `check --print`, the JSON Schema and the reference page. Defaults are those of the settings, and stand nowhere
//! else.

mod nested;

use std::ops::Range;

use super::at::At;
use super::complaints::Complaints;
use super::layout::Layout;
use super::node::Table as Typed;
use super::shown::Entries;
use super::units::Unit;

pub(super) use nested::{ByName, FlagOrSection, Repeated, Section, Switch};

/// A declared table as it was typed.
pub(super) trait Table: Clone + Default {
    /// Reads what was typed; unknown keys and wrong values are complained about.
    fn read(typed: &Typed, complaints: &mut Complaints) -> Self;

    /// The keys that have values.
    fn show(&self) -> Entries;

    /// Takes out the keys that have no effect with `word`, a protocol or a kind, and says where they stood.
    fn leave_out(&mut self, word: &str) -> Vec<(&'static str, Range<usize>)>;

    /// What is declared.
    fn layout() -> Layout;
}

/// A typed value that belongs into a place of type `P`.
pub(super) trait Fill<P>: Sized {
    /// Puts it there.
    fn fill(&self, place: &mut P);

    /// The way back; `None`: nothing is there.
    fn of(place: &P) -> Option<Self>;
}

impl<T: Clone> Fill<T> for T {
    fn fill(&self, place: &mut T) {
        *place = self.clone();
    }

    fn of(place: &T) -> Option<Self> {
        Some(place.clone())
    }
}

impl<T: Clone> Fill<Option<T>> for T {
    fn fill(&self, place: &mut Option<T>) {
        *place = Some(self.clone());
    }

    fn of(place: &Option<T>) -> Option<Self> {
        place.clone()
    }
}

/// The value of `key`, where there is one that can be read.
pub(super) fn read<T>(
    table: &Typed,
    key: &str,
    unit: &impl Unit<T>,
    complaints: &mut Complaints,
) -> Option<At<T>> {
    let node = table.get(key)?;
    let value = unit.read(node, complaints);
    // A key whose value, or part of it, was not understood is not to be missed.
    if value.is_none() || complaints.is_damaged(node.span.clone()) && node.is_list() {
        complaints.damage(table.span.clone());
    }
    value.map(|value| At::new(node.span.clone(), value))
}

/// The value of a key that a table cannot do without.
pub(super) fn required<'a, T, V>(
    table: &At<T>,
    key: &str,
    value: Option<&'a At<V>>,
    example: &str,
    complaints: &mut Complaints,
) -> Option<&'a At<V>> {
    if value.is_none() && complaints.is_whole(table.span()) {
        complaints
            .error(table.span(), format!("`{key}` is missing"))
            .help(format!("add {example}"));
    }
    value
}

/// Declares a table.
///
/// ```text
/// table! {
///     /// What the table is about.
///     pub struct Queue for upstream::config::Queue {
///         /// What the key means.
///         size: usize as Number(0, 10_000),                            // goes to `size` of the settings
///         /// Its default is no value of the settings, and said here (or `Required.`). Default: for ever.
///         timeout: Duration as DEADLINE => limits.timeout,             // goes to another place
///         /// Has an effect with some protocols only.
///         modifier: u8 as Number(0, 255) => _; only &["uwsgi"],        // goes nowhere by itself
///     }
///     usual = Queue::usual;   // fn() -> Settings: the defaults, unless they are `Default::default()`
///     shown = Queue::shown;   // fn(&Settings) -> Self: completes `Queue::plain` with what goes nowhere by itself
///     example = "…";          // TOML for the reference page, which is tested
/// }
/// ```
macro_rules! table {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $(for $settings:path)? {
            $(
                $(#[doc = $key_doc:literal])*
                $key:ident: $type:ty as $unit:expr $(=> $($place:tt).+)? $(; only $only:expr)?
            ),* $(,)?
        }
        $(usual = $usual:expr;)?
        $(shown = $shown:expr;)?
        $(example = $example:literal;)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default)]
        $vis struct $name {
            $(
                $(#[doc = $key_doc])*
                $vis $key: Option<$crate::config::at::At<$type>>,
            )*
        }

        impl $crate::config::table::Table for $name {
            fn read(
                typed: &$crate::config::node::Table,
                complaints: &mut $crate::config::complaints::Complaints,
            ) -> Self {
                typed.refuse_unknown(&[$($crate::config::layout::plain(stringify!($key))),*], complaints);
                Self {
                    $($key: $crate::config::table::read::<$type>(
                        typed,
                        $crate::config::layout::plain(stringify!($key)),
                        &$unit,
                        complaints,
                    ),)*
                }
            }

            fn show(&self) -> $crate::config::shown::Entries {
                let mut entries = $crate::config::shown::Entries::new();
                $(
                    if let Some(value) = &self.$key {
                        let shown = $crate::config::units::Unit::<$type>::show(&$unit, value);
                        entries.push(($crate::config::layout::plain(stringify!($key)).to_owned(), shown));
                    }
                )*
                entries
            }

            fn leave_out(&mut self, word: &str) -> Vec<(&'static str, std::ops::Range<usize>)> {
                let mut left_out = Vec::new();
                $(
                    let only: &[&str] = table!(@only $($only)?);
                    if !only.is_empty() && !only.contains(&word)
                        && let Some(value) = self.$key.take()
                    {
                        left_out.push(($crate::config::layout::plain(stringify!($key)), value.span()));
                    }
                )*
                left_out
            }

            fn layout() -> $crate::config::layout::Layout {
                let usual = table!(@usual $name [$($settings)?] [$($usual)?]);
                let default = |key: &str| {
                    let found = usual.iter().find(|(name, _)| name == key);
                    found.map(|(_, value)| value.to_string())
                };
                $crate::config::layout::Layout {
                    name: stringify!($name),
                    doc: concat!($($doc),*).trim(),
                    example: table!(@example $($example)?),
                    keys: vec![
                        $($crate::config::layout::Key::new(
                            stringify!($key),
                            concat!($($key_doc),*),
                            $crate::config::units::Unit::<$type>::form(&$unit),
                            default($crate::config::layout::plain(stringify!($key))),
                            table!(@only $($only)?),
                        ),)*
                    ],
                }
            }
        }

        table!(@settings $name [$($settings)?] [$($shown)?] { $($key $(=> $($place).+)?,)* });
    };

    (@settings $name:ident [] [] { $($keys:tt)* }) => {};
    // Every key goes to the field of its name: then every field has its key, or this does not compile.
    (@settings $name:ident [$settings:path] $shown:tt { $($key:ident,)* }) => {
        const _: fn(&$settings) = |settings| {
            let $settings { $($key: _),* } = settings;
        };
        table!(@places $name [$settings] $shown { $($key,)* });
    };
    (@settings $name:ident [$settings:path] $shown:tt { $($keys:tt)* }) => {
        table!(@places $name [$settings] $shown { $($keys)* });
    };

    (@places $name:ident [$settings:path] [$($shown:expr)?] {
        $($key:ident $(=> $($place:tt).+)?,)*
    }) => {
        impl $name {
            /// Puts what was typed into the places that are told with the keys.
            pub(in crate::config) fn apply_to(&self, settings: &mut $settings) {
                $(table!(@fill self settings $key $(=> $($place).+)?);)*
            }

            /// The keys whose places are told with them.
            pub(in crate::config) fn plain(settings: &$settings) -> Self {
                Self {
                    $($key: table!(@of settings $key $(=> $($place).+)?),)*
                }
            }
        }

        impl $crate::config::table::Fill<$settings> for $name {
            fn fill(&self, settings: &mut $settings) {
                self.apply_to(settings);
            }

            fn of(settings: &$settings) -> Option<Self> {
                Some(table!(@shown settings [$($shown)?]))
            }
        }
    };

    (@of $settings:ident $key:ident => _) => { None };
    (@of $settings:ident $key:ident => $($place:tt).+) => {
        $crate::config::table::Fill::of(&$settings.$($place).+).map($crate::config::at::At::nowhere)
    };
    (@of $settings:ident $key:ident) => { table!(@of $settings $key => $key) };

    (@fill $typed:ident $settings:ident $key:ident => _) => {};
    (@fill $typed:ident $settings:ident $key:ident => $($place:tt).+) => {
        if let Some(value) = &$typed.$key {
            $crate::config::table::Fill::fill(&**value, &mut $settings.$($place).+);
        }
    };
    (@fill $typed:ident $settings:ident $key:ident) => { table!(@fill $typed $settings $key => $key) };

    (@shown $settings:ident []) => { Self::plain($settings) };
    (@shown $settings:ident [$shown:expr]) => { $shown($settings) };

    (@usual $name:ident [] []) => { $crate::config::shown::Entries::new() };
    (@usual $name:ident [$settings:path] []) => {
        table!(@usual $name [$settings] [<$settings>::default])
    };
    (@usual $name:ident [$settings:path] [$usual:expr]) => {
        <$name as $crate::config::table::Fill<$settings>>::of(&$usual())
            .map_or_else(Vec::new, |usual| $crate::config::table::Table::show(&usual))
    };

    (@example) => { "" };
    (@example $example:literal) => { $example };

    (@only) => { &[] };
    (@only $only:expr) => { $only };
}

pub(super) use table;

#[cfg(test)]
mod tests;
