//! Options behind the address of an endpoint: `weight=2 backup`.

use std::time::Duration;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::units::{Period, PeriodError};
use crate::upstream::model::config::EndpointConfig;

/// Sets what `word` says.
pub(super) fn set<A>(
    endpoint: &mut EndpointConfig<A>,
    word: &str,
    typed: &At<String>,
    complaints: &mut Complaints,
) {
    let mut option = Typed {
        word,
        text: typed,
        complaints,
    };
    match word.split_once('=') {
        None if word == "backup" => endpoint.backup = true,
        None if word == "drain" => endpoint.drain = true,
        None if word == "down" => endpoint.down = true,
        Some(("weight", number)) => {
            endpoint.weight = option.number(number, 1..=MAX_WEIGHT, "a weight").unwrap_or(1);
        }
        Some(("max_connections", number)) => {
            let slots = option.number(number, 1..=MAX_SLOTS, "`max_connections`");
            endpoint.max_connections = slots.map(|slots| slots as usize);
        }
        Some(("max_fails", number)) => {
            let fails = option.number(number, 0..=MAX_FAILS, "`max_fails`");
            endpoint.max_fails = fails.unwrap_or(endpoint.max_fails);
        }
        Some(("fail_timeout", time)) => {
            endpoint.fail_timeout = option.time(time).unwrap_or(endpoint.fail_timeout);
            if endpoint.fail_timeout.is_zero() {
                option.wrong("a time of zero remembers no failure", "write max_fails=0");
            }
        }
        Some(("slow_start", time)) => endpoint.slow_start = option.time(time).unwrap_or_default(),
        _ => option.unknown(),
    }
}

/// An option as it was typed.
struct Typed<'a> {
    word: &'a str,
    text: &'a At<String>,
    complaints: &'a mut Complaints,
}

impl Typed<'_> {
    fn number(&mut self, number: &str, within: std::ops::RangeInclusive<u32>, what: &str) -> Option<u32> {
        let parsed = number.parse().ok().filter(|number| within.contains(number));
        if parsed.is_none() {
            let place = self.complaints.part(self.text.span(), self.word);
            let (least, most) = within.into_inner();
            self.complaints
                .error(place, format!("{what} is a whole number from {least} to {most}"));
        }
        parsed
    }

    fn time(&mut self, time: &str) -> Option<Duration> {
        let parsed: Result<Period, PeriodError> = time.parse();
        match parsed {
            Ok(period) => Some(period.0),
            Err(error) => {
                self.wrong(&error.to_string(), &error.help());
                None
            }
        }
    }

    fn wrong(&mut self, message: &str, help: &str) {
        let place = self.complaints.part(self.text.span(), self.word);
        self.complaints.error(place, message).help(help);
    }

    fn unknown(&mut self) {
        let name = self.word.split('=').next().unwrap_or(self.word);
        if NAMES.contains(&name) {
            return match self.word == name {
                true => self.wrong(&format!("`{name}` needs a value"), &format!("write {name}=VALUE")),
                false => self.wrong(&format!("`{name}` has no value"), &format!("write {name} alone")),
            };
        }
        let help = match (suggest::nearest(name, NAMES), name) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, "max_conns") => "write max_connections=".to_owned(),
            (None, _) => format!("the options are {}", suggest::list(NAMES)),
        };
        self.wrong(&format!("unknown option `{name}` of an endpoint"), &help);
    }
}

const NAMES: [&str; 8] = [
    "weight",
    "backup",
    "drain",
    "down",
    "max_connections",
    "max_fails",
    "fail_timeout",
    "slow_start",
];

/// No site needs shares finer than a thousandth, and sums of weights stay small.
const MAX_WEIGHT: u32 = 1_000;

/// More workers than any machine runs.
const MAX_SLOTS: u32 = 65_535;

/// More failures than this are no accident any more.
const MAX_FAILS: u32 = 1_000_000;
