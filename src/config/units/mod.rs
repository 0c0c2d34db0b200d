//! How values are written in the file: sizes, durations, numbers, names, texts and what they stand for.

mod checked;
mod list;
mod name;
mod number;
mod one_or_more;
mod path;
mod pattern;
mod period;
mod secret;
mod size;
mod template;
mod text;

pub(super) use checked::Checked;
pub(super) use list::List;
pub(super) use name::{Name, Named};
pub(super) use number::Number;
pub(super) use one_or_more::OneOrMore;
pub(super) use path::Absolute;
pub(super) use pattern::pattern;
pub(super) use period::{DEADLINE, Time};
pub use period::{Period, PeriodError};
pub(super) use secret::SecretText;
pub(super) use size::{ANY_SIZE, SizeWithin};
pub use size::{Size, SizeError};
pub(super) use template::{complain, log_template, template};
pub(super) use text::{Flag, Plain, Text};

use super::complaints::Complaints;
use super::layout::Form;
use super::node::Node;
use super::shown::Shown;

/// One way to write values of `T`.
pub(super) trait Unit<T> {
    /// What was typed, or `None` after a complaint. A value that is complained about may be returned all the same,
    /// so that one mistake hides no other.
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<T>;

    /// The value as TOML, which reads as the same value.
    fn show(&self, value: &T) -> Shown;

    /// What can be written.
    fn form(&self) -> Form;
}

impl<T, U: Unit<T>> Unit<T> for &U {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<T> {
        (**self).read(node, complaints)
    }

    fn show(&self, value: &T) -> Shown {
        (**self).show(value)
    }

    fn form(&self) -> Form {
        (**self).form()
    }
}

/// Splits `64KiB` into its digits and its unit; blanks between them do not matter.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim())
}
