//! `max_connections` and `auto`.

use super::{deadline, health};
use crate::config::complaints::Complaints;
use crate::config::file::{Asked, At, Auto as Typed, Section, Slots as Number, Upstream};
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::config::slots::{Ask, Auto, Slots};
use crate::upstream::model::profile::Profile;

/// How many exchanges an endpoint takes at a time.
pub(super) fn check(
    typed: &Upstream,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> Slots {
    let wanted = typed.max_connections.as_deref().copied();
    match (wanted, &typed.auto) {
        (Some(Number::Auto), auto) => Slots::Auto(self::auto(auto.as_ref(), protocol, profile, complaints)),
        (other, auto) => {
            if let Some(auto) = auto {
                complaints
                    .warning(
                        auto.span(),
                        "`auto` has no effect on a number of connections that is given",
                    )
                    .help("write max_connections = \"auto\"");
            }
            match other {
                Some(Number::Fixed(slots)) => Slots::Fixed(slots as usize),
                Some(Number::Auto) | None => Slots::Unlimited,
            }
        }
    }
}

fn auto(
    typed: Option<&Section<Typed>>,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> Auto {
    let empty = Section::default();
    let typed = typed.unwrap_or(&empty);
    let count = |typed: &Option<At<super::super::file::Number<1, 65_535>>>, default| {
        typed.as_ref().map_or(default, |count| count.count())
    };
    let (least, most) = (count(&typed.min, Auto::LEAST), count(&typed.max, Auto::MOST));
    if least > most {
        let place = typed.min.as_ref().or(typed.max.as_ref()).map(At::span);
        complaints
            .error(
                place.unwrap_or_default(),
                format!("at least {least} and at most {most} cannot be"),
            )
            .help("`min` is not to be greater than `max`");
    }
    Auto {
        ask: ask(typed, protocol, profile, complaints),
        least: least.min(most),
        most,
        interval: deadline::positive(typed.interval.as_ref(), Auto::INTERVAL, complaints),
    }
}

/// php-cgi knows; PHP-FPM knows on its status page only; programs of libfcgi speak for one process, and uWSGI
/// does not answer at all (reference, section 1.8).
fn ask(typed: &Typed, protocol: ProtocolName, profile: Profile, complaints: &mut Complaints) -> Ask {
    let fastcgi = protocol == ProtocolName::FastCgi;
    let usual = match profile {
        _ if typed.status_path.is_some() => Asked::Status,
        Profile::PhpCgi | Profile::Generic if fastcgi => Asked::GetValues,
        _ => Asked::Nobody,
    };
    let asked = typed.ask.as_ref().map_or(usual, |asked| asked.0);
    let place = typed.ask.as_ref().map(At::span);
    let place = place
        .or(typed.status_path.as_ref().map(At::span))
        .unwrap_or_default();
    match asked {
        Asked::Nobody => Ask::Nobody,
        Asked::GetValues | Asked::Status if !fastcgi => {
            complaints
                .error(place, "only FastCGI applications can be asked")
                .help("leave it out: the number then follows from what is seen");
            Ask::Nobody
        }
        Asked::GetValues if profile == Profile::Uwsgi => {
            complaints
                .error(
                    place,
                    "uWSGI never answers GET_VALUES, and a worker would wait for more each time",
                )
                .help("leave it out: the number then follows from what is seen");
            Ask::Nobody
        }
        Asked::GetValues => Ask::GetValues,
        Asked::Status if typed.status_path.is_none() => {
            complaints
                .error(place, "the path of the status page is missing")
                .help("add status_path = \"/fpm-status\", and to the pool of PHP-FPM: pm.status_path = /fpm-status");
            Ask::Nobody
        }
        Asked::Status => Ask::FpmStatus(health::path(typed.status_path.as_ref(), complaints)),
    }
}
