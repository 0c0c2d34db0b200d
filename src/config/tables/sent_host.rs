//! What HTTP applications get as `Host`.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::{Text, template};
use crate::protocol::Authority;
use crate::variables::Template;

/// A host with or without a port, or a template of one.
pub(super) const SENT_HOST: Text<Template> = Text {
    words: "host, with variables",
    read,
    show: Template::to_string,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    let host = template(typed, complaints)?;
    let is_host = |text: String| Authority::parse(text.as_bytes()).is_some();
    if !host.constant().is_none_or(is_host) {
        complaints
            .error(typed.span(), "not a host as clients send it")
            .help(
                "write \"app.example\", \"localhost:8384\", or a text with variables such as \"$host:8384\"",
            );
    }
    Some(host)
}
