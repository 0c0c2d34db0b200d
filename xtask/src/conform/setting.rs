//! How a target is set up for a case: most take it as it comes, some ask for a special one.

use bridgehead_conform::notation::Case;

/// A way to start a target, and the capability that it has by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    /// Workers enough for every case.
    Ordinary,
    /// One worker is all there is.
    Single,
    /// A request may take three seconds.
    Harakiri,
    /// TCP, and our address may not enter.
    Denied,
}

impl Setting {
    /// The one that a case needs.
    pub(super) fn of(case: &Case) -> Self {
        let special = [Self::Single, Self::Harakiri, Self::Denied];
        let wanted = special
            .into_iter()
            .find(|setting| case.needs.iter().any(|need| need == setting.word()));
        wanted.unwrap_or(Self::Ordinary)
    }

    /// The capability; empty for the ordinary setting.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ordinary => "",
            Self::Single => "single",
            Self::Harakiri => "harakiri",
            Self::Denied => "denied",
        }
    }

    /// Worker processes: a case holds three connections at most.
    pub(super) fn workers(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Ordinary | Self::Harakiri | Self::Denied => 4,
        }
    }
}
