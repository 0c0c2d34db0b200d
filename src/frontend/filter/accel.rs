//! What applications ask their server for, in nginx's words and in those of lighttpd and Apache.

use std::num::NonZeroU64;

use super::Filter;
use crate::frontend::body::Body;
use crate::frontend::config::{Accel as Settings, Route};
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::protocol::fields::{FieldName, FieldNames, Fields, is_token};

/// Does what applications ask for.
pub(super) struct Accel {
    /// The fields that are heeded.
    heeded: FieldNames,
    settings: Settings,
}

impl Accel {
    /// Nothing where no application answers, or is heeded.
    pub(super) fn new(route: &Route) -> Option<Self> {
        let settings = &route.accel;
        if route.handler.upstream().is_none() || settings.heeded().is_empty() {
            return None;
        }
        let passed = FieldNames::of(&route.pass_headers).complement();
        Some(Self {
            heeded: settings.heeded().and(passed),
            settings: settings.clone(),
        })
    }

    /// How the client gets the answer, whichever that will be.
    fn keep(&self, present: FieldNames, exchange: &mut Exchange) {
        let has = |name| present.contains(name);
        if has(FieldName::XAccelLimitRate)
            && let Some(rate) = rate(&exchange.answer.fields)
        {
            exchange.kept().rate(NonZeroU64::new(rate));
        }
        if has(FieldName::XAccelCharset)
            && let Some(charset) = exchange.answer.fields.to_bytes(FieldName::XAccelCharset)
            && is_token(&charset)
        {
            exchange.kept().charset(charset);
        }
    }

    /// What is to be sent in place of the answer.
    fn instead(&self, fields: &Fields) -> Option<InternalUri> {
        let heeded = |name| fields.get(name).filter(|_| self.heeded.contains(name));
        if let Some(uri) = heeded(FieldName::XAccelRedirect) {
            return Some(InternalUri::said(uri));
        }
        let file = heeded(FieldName::XSendfile).or(heeded(FieldName::XLighttpdSendFile))?;
        Some(self.settings.file(file))
    }
}

impl Filter for Accel {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let present = exchange.answer.fields.present().and(self.heeded);
        if present.is_empty() || matches!(exchange.answer.body, Body::Tunnel(_)) {
            return None;
        }
        self.keep(present, exchange);
        let uri = self.instead(&exchange.answer.fields);
        if uri.is_some() {
            exchange.keep();
        }
        uri
    }
}

/// Bytes a second; zero: as many as the client takes. As with nginx, what is no number says nothing.
fn rate(fields: &Fields) -> Option<u64> {
    match fields.get(FieldName::XAccelLimitRate)? {
        b"off" => Some(0),
        digits => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}
