//! `[upstream.NAME] max_connections` and `auto`.

use std::time::Duration;

use super::health::TARGET;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::table::table;
use crate::config::units::{DEADLINE, Name, Named, Number, Unit};
use crate::protocol::Target;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::config::slots::{self, Ask, Slots};
use crate::upstream::model::profile::Profile;

table! {
    /// How `max_connections = "auto"` finds the number of workers out.
    pub(in crate::config) struct Auto for slots::Auto {
        /// What is asked: PHP-FPM's status page (`"status"`), FastCGI's GET_VALUES, or nothing. Default: `"status"` with
        /// a `status_path`, `"get_values"` for FastCGI of the profiles `php-cgi` and `generic`, else `"nobody"`.
        ask: Asked as Name => _,
        /// PHP-FPM's `pm.status_path`. Default: none.
        status_path: Target as TARGET => _,
        /// Time between two questions.
        interval: Duration as DEADLINE,
        /// Fewest slots.
        min: usize as SLOTS => least,
        /// Most slots.
        max: usize as SLOTS => most,
    }
    shown = Auto::shown;
}

/// What can be asked for the number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Asked {
    Nobody,
    GetValues,
    Status,
}

/// `max_connections` as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Wanted {
    /// The number of workers.
    Fixed(usize),
    /// `"auto"`: the number is found out.
    Auto,
}

impl Auto {
    fn shown(auto: &slots::Auto) -> Self {
        let (asked, path) = match &auto.ask {
            Ask::Nothing => (Asked::Nobody, None),
            Ask::GetValues => (Asked::GetValues, None),
            Ask::FpmStatus(path) => (Asked::Status, Some(path.clone())),
        };
        Self {
            ask: Some(At::nowhere(asked)),
            status_path: path.map(At::nowhere),
            ..Self::plain(auto)
        }
    }
}

/// The two keys that say `slots`.
pub(super) fn shown(slots: &Slots) -> (Option<At<Wanted>>, Option<At<Auto>>) {
    match slots {
        Slots::Unlimited => (None, None),
        Slots::Fixed(slots) => (Some(At::nowhere(Wanted::Fixed(*slots))), None),
        Slots::Auto(auto) => (
            Some(At::nowhere(Wanted::Auto)),
            Some(At::nowhere(Auto::shown(auto))),
        ),
    }
}

/// How many exchanges an endpoint takes at a time.
pub(super) fn check(
    wanted: Option<Wanted>,
    auto: Option<&At<Auto>>,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> Slots {
    if wanted == Some(Wanted::Auto) {
        let auto = auto.cloned().unwrap_or_default();
        return Slots::Auto(found_out(&auto, protocol, profile, complaints));
    }
    if let Some(auto) = auto {
        complaints
            .warning(
                auto.span(),
                "`auto` has no effect on a number of connections that is given",
            )
            .help("write max_connections = \"auto\"");
    }
    match wanted {
        Some(Wanted::Fixed(slots)) => Slots::Fixed(slots),
        Some(Wanted::Auto) | None => Slots::Unlimited,
    }
}

fn found_out(
    typed: &Auto,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> slots::Auto {
    let mut auto = slots::Auto::default();
    typed.apply_to(&mut auto);
    let (least, most) = (auto.least, auto.most);
    if least > most {
        let place = typed.min.as_ref().or(typed.max.as_ref()).map(At::span);
        complaints
            .error(
                place.unwrap_or_default(),
                format!("at least {least} and at most {most} cannot be"),
            )
            .help("`min` is not to be greater than `max`");
    }
    auto.least = least.min(most);
    auto.ask = ask(typed, protocol, profile, complaints);
    auto
}

/// php-cgi knows; PHP-FPM knows on its status page only; programs of libfcgi speak for one process, and uWSGI
/// does not answer at all (reference, section 1.8).
fn ask(typed: &Auto, protocol: ProtocolName, profile: Profile, complaints: &mut Complaints) -> Ask {
    let fastcgi = protocol == ProtocolName::FastCgi;
    let usual = match profile {
        _ if typed.status_path.is_some() => Asked::Status,
        Profile::PhpCgi | Profile::Generic if fastcgi => Asked::GetValues,
        _ => Asked::Nobody,
    };
    let asked = typed.ask.as_deref().copied().unwrap_or(usual);
    let place = typed.ask.as_ref().map(At::span);
    let place = place
        .or(typed.status_path.as_ref().map(At::span))
        .unwrap_or_default();
    let refusal = match (asked, &typed.status_path) {
        (Asked::Nobody, _) => return Ask::Nothing,
        (Asked::GetValues | Asked::Status, _) if !fastcgi => ("only FastCGI applications can be asked", SEEN),
        (Asked::GetValues, _) if profile == Profile::Uwsgi => (
            "uWSGI never answers GET_VALUES, and a worker would wait for more each time",
            SEEN,
        ),
        (Asked::GetValues, _) => return Ask::GetValues,
        (Asked::Status, Some(path)) => return Ask::FpmStatus((**path).clone()),
        (Asked::Status, None) => (
            "the path of the status page is missing",
            "add status_path = \"/fpm-status\", and to the pool of PHP-FPM: pm.status_path = /fpm-status",
        ),
    };
    complaints.error(place, refusal.0).help(refusal.1);
    Ask::Nothing
}

/// A number of workers, or `"auto"`.
pub(super) struct WantedSlots;

impl Unit<Wanted> for WantedSlots {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Wanted> {
        if matches!(&node.value, Value::Text(text) if text.trim() == "auto") {
            return Some(Wanted::Auto);
        }
        let expected = format!("{}, or \"auto\"", SLOTS.words());
        let slots = SLOTS.parse(node, &expected, complaints)?;
        Some(Wanted::Fixed(slots as usize))
    }

    fn show(&self, wanted: &Wanted) -> Shown {
        match wanted {
            Wanted::Fixed(slots) => Shown::plain(slots),
            Wanted::Auto => Shown::text("auto"),
        }
    }

    fn form(&self) -> Form {
        Form::Value {
            words: format!("number from {} to {}, or `\"auto\"`", SLOTS.0, SLOTS.1),
            schema: SLOTS.schema(r"^\s*([0-9]+|auto)\s*$|\$\{"),
        }
    }
}

impl Named for Asked {
    const KIND: &'static str = "source";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("nobody", Self::Nobody),
        ("get_values", Self::GetValues),
        ("status", Self::Status),
    ];
}

/// More workers than any machine runs, and within what a semaphore counts.
const SLOTS: Number = Number(1, 65_535);

const SEEN: &str = "leave it out: the number then follows from what is seen";
