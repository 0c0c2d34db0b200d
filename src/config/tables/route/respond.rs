//! `respond` of a route.

use bytes::Bytes;
use http::StatusCode;

use super::handler::{HandlerTable, Place};
use super::status_code::Status;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Number, Text};
use crate::frontend::config::Respond as Settings;

table! {
    /// A fixed answer.
    pub(in crate::config) struct Respond for Settings {
        /// Status of the answer; 444: none, the connection is closed without one.
        status: StatusCode as Status(Number(200, 599)),
        /// Body, sent as `text/plain; charset=utf-8`.
        body: Bytes as BODY,
    }
}

impl HandlerTable for Respond {
    type Settings = Settings;

    fn check(typed: &At<Self>, _place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let mut respond = Settings::default();
        typed.apply_to(&mut respond);
        let status = respond.status.as_u16();
        let body = typed.body.as_ref().filter(|body| !body.is_empty());
        if let (Some(body), 204 | 205 | 304 | 444) = (body, status) {
            complaints.error(body.span(), format!("an answer with status {status} has no body"));
        }
        Some(respond)
    }
}

const BODY: Text<Bytes> = Text {
    words: "string",
    read: |typed, _| Some(Bytes::from(typed.to_string())),
    show: |body| String::from_utf8_lossy(body).into_owned(),
};
