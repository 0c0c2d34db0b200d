//! Sizes and durations as they are written in the file: `64KiB`, `30s`.

mod period;
mod size;

pub use period::{Period, PeriodError};
pub use size::{Size, SizeError};

/// Splits `64KiB` into its digits and its unit; blanks between them do not matter.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim())
}
