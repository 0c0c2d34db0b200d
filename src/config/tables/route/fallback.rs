//! `else` of handlers.

use super::rewrite::TARGET;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;
use crate::frontend::config::Fallback;

/// The name of a route, or a path of ours.
pub(super) const FALLBACK: Text<Fallback> = Text {
    words: "`\"@NAME\"` or path",
    read,
    show: |fallback| match fallback {
        Fallback::Route(name) => format!("@{name}"),
        Fallback::Target(to) => to.to_string(),
    },
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<Fallback> {
    match typed.strip_prefix('@') {
        Some(name) => Some(Fallback::Route(name.to_owned())),
        None => (TARGET.read)(typed, complaints).map(Fallback::Target),
    }
}
