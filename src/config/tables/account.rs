//! Names of users and groups. Whether they exist is known where the gateway runs, not where its file is checked.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;

/// The name or number of a user, as the system would take it.
pub(super) const USER: Text<String> = Text {
    words: "user",
    read: |typed, complaints| read(typed, "user", complaints),
    show: String::clone,
};

/// The name or number of a group, as the system would take it.
pub(super) const GROUP: Text<String> = Text {
    words: "group",
    read: |typed, complaints| read(typed, "group", complaints),
    show: String::clone,
};

fn read(typed: &At<String>, what: &str, complaints: &mut Complaints) -> Option<String> {
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
