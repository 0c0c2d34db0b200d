//! `respond` of a route.

use http::StatusCode;

use super::handler::{HandlerTable, Place};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::tables::status_code::Status;
use crate::config::units::{Number, Text, template};
use crate::frontend::config::Respond as Settings;
use crate::protocol::fields::FieldValue;
use crate::variables::Template;

table! {
    /// A fixed answer.
    pub(in crate::config) struct Respond for Settings {
        /// Status of the answer; 444: none, the connection is closed without one.
        status: StatusCode as Status(Number(200, 599)),
        /// Body, with variables: `"$host is here\\n"`; two dollars are one.
        body: Template as BODY,
        /// Media type of the body.
        content_type: String as CONTENT_TYPE,
    }
}

impl HandlerTable for Respond {
    type Settings = Settings;

    fn check(typed: &At<Self>, _place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let mut respond = Settings::default();
        typed.apply_to(&mut respond);
        let status = respond.status.as_u16();
        let body = typed.body.as_ref().filter(|body| !body.as_str().is_empty());
        if let (Some(body), 204 | 205 | 304 | 444) = (body, status) {
            complaints.error(body.span(), format!("an answer with status {status} has no body"));
        }
        Some(respond)
    }
}

const BODY: Text<Template> = Text {
    words: "string, with variables",
    read: template,
    show: Template::to_string,
};

const CONTENT_TYPE: Text<String> = Text {
    words: "media type",
    read: content_type,
    show: String::clone,
};

fn content_type(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let is_type = typed.split_once('/').is_some_and(|(kind, _)| !kind.is_empty());
    if !is_type || FieldValue::new(typed.as_bytes()).is_none() {
        complaints
            .error(typed.span(), "not a media type")
            .help("write \"text/html; charset=utf-8\"");
    }
    Some(typed.to_string())
}
