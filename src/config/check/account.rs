//! Names of users and groups. Whether they exist is known where the gateway runs, not where its file is checked.

use crate::config::complaints::Complaints;
use crate::config::file::At;

/// The name of a user or group, as the system would take it.
pub(super) fn check(typed: Option<&At<String>>, what: &str, complaints: &mut Complaints) -> Option<String> {
    let typed = typed?;
    // What would end or split a line of passwd(5) or group(5).
    let strange = |c: char| c == ':' || c == '/' || c.is_whitespace() || c.is_control();
    if typed.is_empty() || typed.contains(strange) {
        complaints
            .error(typed.span(), format!("not the name of a {what}"))
            .help(format!(
                "write the {what}'s name or number, such as \"www-data\" or \"33\""
            ));
    }
    Some(typed.to_string())
}
