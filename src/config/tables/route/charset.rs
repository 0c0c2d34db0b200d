//! Names of character encodings.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;
use crate::protocol::fields::is_token;

/// What text is encoded in, for `Content-Type`.
pub(super) const CHARSET: Text<String> = Text {
    words: "name of an encoding",
    read,
    show: String::clone,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    if !is_token(typed.as_bytes()) {
        complaints
            .error(typed.span(), "not the name of an encoding")
            .help("write it as in Content-Type: \"utf-8\"");
    }
    Some(typed.to_string())
}
