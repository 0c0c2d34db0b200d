//! How many exchanges an endpoint takes at a time.

use std::time::Duration;

use crate::protocol::Target;

/// Slots of one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Slots {
    /// As many as there are requests.
    #[default]
    Unlimited,
    /// So many.
    Fixed(usize),
    /// As many as the endpoint says it has, or seems to have.
    Auto(Auto),
}

/// How the number of workers is found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Auto {
    /// What is asked. Where nothing is, or the answer says too little, the number follows from what is seen.
    pub ask: Ask,
    /// Never fewer slots, at least 1.
    pub least: usize,
    /// Never more slots.
    pub most: usize,
    /// Between two questions.
    pub interval: Duration,
}

/// What knows the number of workers.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Nothing is asked.
    Nothing,
    /// FastCGI GET_VALUES. php-cgi knows; PHP-FPM leaves it out; what is linked with libfcgi speaks for one
    /// process only (reference, section 1.8).
    GetValues,
    /// PHP-FPM's `pm.status_path`.
    FpmStatus(Target),
}

impl Slots {
    /// Slots before anything is known.
    pub fn first(&self) -> usize {
        match self {
            Self::Unlimited => usize::MAX,
            Self::Fixed(slots) => *slots,
            Self::Auto(auto) => auto.first(),
        }
    }

    /// Slots that there can ever be.
    pub fn most(&self) -> usize {
        match self {
            Self::Unlimited | Self::Fixed(_) => self.first(),
            Self::Auto(auto) => auto.most,
        }
    }
}

impl Auto {
    /// Fewest slots, unless configured.
    pub const LEAST: usize = 1;
    /// Most slots, unless configured: pools with more workers are configured with care.
    pub const MOST: usize = 1_024;
    /// Between two questions, unless configured: the status page costs a worker and, in a big pool, time.
    pub const INTERVAL: Duration = Duration::from_secs(60);

    /// Slots before anything is known.
    pub fn first(&self) -> usize {
        FIRST.clamp(self.least, self.most)
    }
}

impl Default for Auto {
    fn default() -> Self {
        Self {
            ask: Ask::Nothing,
            least: Self::LEAST,
            most: Self::MOST,
            interval: Self::INTERVAL,
        }
    }
}

impl Ask {
    /// The word for it in the file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Nothing => "nobody",
            Self::GetValues => "get_values",
            Self::FpmStatus(_) => "status",
        }
    }
}

/// Small pools have four workers: two too many wait in a backlog for a moment, two too few are soon found.
const FIRST: usize = 4;
