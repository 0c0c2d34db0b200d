//! `redirect` of a route.

use http::StatusCode;

use super::handler::{HandlerTable, Place};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{required, table};
use crate::config::tables::status_code::Status;
use crate::config::units::{Number, Text, template};
use crate::frontend::config::Redirect as Settings;
use crate::variables::Template;

table! {
    /// A redirect.
    pub(in crate::config) struct Redirect for Settings {
        /// Target: `"https://host/path"`, `"/path"`, both with variables: `"https://$host$request_uri"`. To a host alone,
        /// `"https://host"`, the request's path and query are appended. Required.
        to: Template as TARGET,
        /// Status of the answer: 301, 302, 303, 307 or 308.
        status: StatusCode as Status(Number(301, 308)),
    }
}

impl HandlerTable for Redirect {
    type Settings = Settings;

    fn check(typed: &At<Self>, _place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let example = "to = \"https://www.example\"";
        required(typed, "to", typed.to.as_ref(), example, complaints);
        if let Some(status) = &typed.status
            && (304..=306).contains(&status.as_u16())
        {
            complaints
                .error(status.span(), format!("{} is not a redirect", status.as_u16()))
                .help("write 301, 302, 303, 307 or 308");
        }
        let mut redirect = Settings::default();
        typed.apply_to(&mut redirect);
        Some(redirect)
    }
}

const TARGET: Text<Template> = Text {
    words: "URL or path",
    read: target,
    show: Template::to_string,
};

fn target(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    let url = ["http://", "https://"].iter().any(|scheme| {
        typed
            .strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    if !(url || typed.starts_with(['/', '$'])) || mistaken_target(typed) {
        complaints
            .error(typed.span(), "not a target for a redirect")
            .help("write \"https://host/path\" or \"/path\", with %-escapes for special characters");
    }
    template(typed, complaints)
}

/// Whether a text has a character that no URI has.
pub(super) fn mistaken_target(text: &str) -> bool {
    !text.bytes().all(|byte| matches!(byte, b'!'..=b'~'))
}
