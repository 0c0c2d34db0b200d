//! `balance`.

use crate::config::complaints::Complaints;
use crate::config::file::At;
use crate::config::suggest;
use crate::upstream::config::Balance;

/// The algorithm with that name.
pub(super) fn check(typed: Option<&At<String>>, complaints: &mut Complaints) -> Balance {
    let Some(typed) = typed else {
        return Balance::default();
    };
    let name = typed.split_whitespace().next().unwrap_or_default();
    match name {
        "round_robin" if name == typed.as_str() => {}
        name if NAMES.contains(&name) && name != "round_robin" => {
            complaints
                .error(
                    typed.span(),
                    format!("balancing by `{name}` is not available yet"),
                )
                .help("write \"round_robin\"");
        }
        _ => {
            let complaint =
                complaints.error(typed.span(), format!("unknown balancing algorithm `{}`", **typed));
            complaint.help(match suggest::nearest(name, NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", suggest::list(NAMES)),
            });
        }
    }
    Balance::RoundRobin
}

/// Every algorithm of the configuration contract.
const NAMES: [&str; 6] = [
    "round_robin",
    "least_conn",
    "random_two",
    "ip_hash",
    "hash",
    "ewma",
];
