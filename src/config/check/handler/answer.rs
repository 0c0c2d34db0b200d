//! `files`, `redirect`, `respond` and `status`: what needs no application.

use bytes::Bytes;
use http::StatusCode;

use super::Check;
use crate::config::check::{field, network, path};
use crate::config::file::{self, At, Section};
use crate::frontend::config::{Files, Redirect, Respond, Status};

impl Check<'_> {
    pub(super) fn files(&mut self, typed: &Section<file::Files>) -> Files {
        let root = self.required(typed, "root", typed.root.as_ref(), "root = \"/srv/www/static\"");
        Files {
            root: root
                .map(|root| path::absolute(root, "the directory", self.complaints))
                .unwrap_or_default(),
            index: self.index(typed.index.as_ref(), "index.html"),
        }
    }

    pub(super) fn redirect(&mut self, typed: &Section<file::Redirect>) -> Redirect {
        let to = self.required(typed, "to", typed.to.as_ref(), "to = \"https://www.example\"");
        if let Some(to) = to {
            self.target(to);
        }
        let status = typed.status.as_ref().map_or(302, |status| status.0);
        if let (Some(typed), 304..=306) = (&typed.status, status) {
            self.complaints
                .error(typed.span(), format!("{status} is not a redirect"))
                .help("write 301, 302, 303, 307 or 308");
        }
        Redirect {
            to: to.map(|to| to.to_string()).unwrap_or_default(),
            status: code(status),
        }
    }

    pub(super) fn respond(&mut self, typed: &Section<file::Respond>) -> Respond {
        let status = typed.status.as_ref().map_or(200, |status| status.0);
        let body = typed.body.as_ref().filter(|body| !body.is_empty());
        if let (Some(body), 204 | 205 | 304) = (body, status) {
            self.complaints
                .error(body.span(), format!("an answer with status {status} has no body"));
        }
        Respond {
            status: code(status),
            body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
        }
    }

    pub(super) fn status(&mut self, typed: &Section<file::Status>) -> Status {
        let default = Status::default();
        let networks = typed.allow.as_ref().map(|allow| {
            let networks = allow.iter();
            networks
                .filter_map(|typed| network::check(typed, self.complaints))
                .collect()
        });
        Status {
            format: typed.format.map_or(default.format, |format| format.0),
            allow: networks.unwrap_or(default.allow),
        }
    }

    fn target(&mut self, typed: &At<String>) {
        let url = ["http://", "https://"].iter().any(|scheme| {
            typed
                .strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        let plain = |byte: u8| matches!(byte, b'!'..=b'~');
        if !(url || typed.starts_with('/')) || !typed.bytes().all(plain) {
            self.complaints
                .error(typed.span(), "not a target for a redirect")
                .help("write \"https://host/path\" or \"/path\", with %-escapes for special characters");
        }
        field::refuse_variables(typed, self.complaints);
    }
}

/// A status that is within its range by its type.
fn code(status: u32) -> StatusCode {
    u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}
