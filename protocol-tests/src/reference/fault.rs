//! Faults: one at a time, listed in one table for each side with the case that catches it.

use std::fmt::Debug;
use std::str::FromStr;

use crate::protocol::Protocol;

/// What can be wrong with a reference implementation.
pub trait Fault: Copy + Debug + Eq + 'static {
    /// All of them, in the order of the source.
    const TABLE: &'static [Entry<Self>];

    /// The line of the table with this name.
    fn find(name: &str) -> Option<&'static Entry<Self>> {
        Self::TABLE.iter().find(|entry| entry.name() == name)
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry<F> {
    /// What is seeded.
    pub fault: F,
    /// What the implementation speaks when the case is played.
    pub protocol: Protocol,
    /// The case that catches it.
    pub case: &'static str,
    /// What is wrong, in a sentence.
    pub about: &'static str,
}

impl<F: Debug> Entry<F> {
    /// The name on command lines: `NoStdoutEnd` is `no-stdout-end`.
    pub fn name(&self) -> String {
        let mut name = String::new();
        for (at, letter) in format!("{:?}", self.fault).chars().enumerate() {
            if at > 0 && letter.is_ascii_uppercase() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}

/// At most one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeded<F>(Option<F>);

impl<F: Fault> Seeded<F> {
    /// A correct implementation.
    pub const NONE: Self = Self(None);

    /// Whether this is what is wrong.
    pub fn is(self, fault: F) -> bool {
        self.0 == Some(fault)
    }
}

impl<F> From<F> for Seeded<F> {
    fn from(fault: F) -> Self {
        Self(Some(fault))
    }
}

impl<F: Fault> FromStr for Seeded<F> {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let entry = F::find(name).ok_or_else(|| format!("`{name}` is no fault: --faults lists them"))?;
        Ok(entry.fault.into())
    }
}

/// Declares a side's faults: `/// What is wrong.` before `Name: Protocol, "CASE";`
macro_rules! faults {
    ($(#[doc = $doc:literal])* $vis:vis $name:ident { $($(#[doc = $about:literal])+ $fault:ident: $protocol:ident, $case:literal;)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[doc = $about])+ $fault,)*
        }

        impl $crate::reference::Fault for $name {
            const TABLE: &'static [$crate::reference::Entry<Self>] = &[
                $($crate::reference::Entry {
                    fault: Self::$fault,
                    protocol: $crate::protocol::Protocol::$protocol,
                    case: $case,
                    about: concat!($($about),+),
                },)*
            ];
        }
    };
}
pub(crate) use faults;

#[cfg(test)]
mod tests {
    use super::*;

    faults! {
        /// For this test.
        Sample {
            /// Nothing works.
            NothingWorks: Scgi, "SS-01";
        }
    }

    #[test]
    fn faults_are_found_by_their_names() {
        let seeded: Seeded<Sample> = "nothing-works".parse().expect("it is in the table");
        assert!(seeded.is(Sample::NothingWorks) && !Seeded::NONE.is(Sample::NothingWorks));
        assert_eq!(Sample::TABLE[0].about.trim(), "Nothing works.");
        assert!("other".parse::<Seeded<Sample>>().is_err());
    }
}
