//! Asks an endpoint, in its own protocol, whether it lives, and how many workers it has.
//!
//! One file per kind of question. A probe has a connection of its own, never one of the pool's, takes no slot and
//! waits in no queue; it ends at its deadline and holds at most 64 KiB. Whether one is to be made at all is
//! for `watch` to decide.

mod answer;
mod get_values;
mod request;
mod talk;
mod uwsgi_ping;
mod verdict;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Version};
use tokio::time::timeout;

pub use verdict::{Busy, Cause, Verdict};

use crate::protocol::fastcgi::Capabilities;
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::protocol::request::{Client, RequestId, Script};
use crate::protocol::{Protocol, RequestHead, Target};
use crate::upstream::model::config::health::{Probe, Request, Statuses};
use crate::upstream::model::config::{EndpointConfig, UpstreamConfig};
use crate::upstream::wire::{Announcement, Dialer, codec};
use answer::{ProbeAnswer, Wanted};

/// Asks the endpoints of one upstream.
pub struct Prober {
    protocol: Box<dyn Protocol>,
    announcement: Announcement,
    dialer: Arc<Dialer>,
}

impl Prober {
    /// For the endpoints of this upstream, with what it connects with. Opens no connection.
    pub fn new(config: &UpstreamConfig, dialer: Arc<Dialer>) -> Self {
        // A worker is free again as soon as it has answered.
        let config = UpstreamConfig {
            keep_alive: 0,
            ..config.clone()
        };
        Self {
            protocol: codec::make(&config),
            announcement: Announcement::own(config.proxy_protocol),
            dialer,
        }
    }

    /// Whether the endpoint lives, as far as it says within `limit`.
    pub async fn probe(&self, endpoint: &EndpointConfig, probe: &Probe, limit: Duration) -> Verdict {
        match probe {
            Probe::Connect => {
                let opening = talk::open_announced(&self.dialer, endpoint, &self.announcement);
                within(limit, opening).await.into()
            }
            Probe::GetValues => within(limit, get_values::ask(&self.dialer, endpoint))
                .await
                .into(),
            Probe::UwsgiPing => timeout(limit, uwsgi_ping::ask(&self.dialer, endpoint))
                .await
                .unwrap_or(Verdict::Silent),
            Probe::FpmPing(path) => {
                self.request(endpoint, &fpm_page(path, Some("pong")), limit)
                    .await
                    .0
            }
            Probe::Request(request) => self.request(endpoint, request, limit).await.0,
        }
    }

    /// What a FastCGI application says about itself, `Err` if nothing.
    pub async fn capabilities(
        &self,
        endpoint: &EndpointConfig,
        limit: Duration,
    ) -> Result<Capabilities, Verdict> {
        within(limit, get_values::ask(&self.dialer, endpoint)).await
    }

    /// The page of PHP-FPM's own at this path, `Err` if there is none.
    pub async fn fpm_page(
        &self,
        endpoint: &EndpointConfig,
        path: &Target,
        limit: Duration,
    ) -> Result<Bytes, Verdict> {
        match self.request(endpoint, &fpm_page(path, None), limit).await {
            (Verdict::Alive, answer) => Ok(answer.into_body()),
            (verdict, _) => Err(verdict),
        }
    }

    /// The status of the answer to this very request, `Err` if there is none within `limit`.
    pub async fn status(
        &self,
        endpoint: &EndpointConfig,
        head: &RequestHead,
        limit: Duration,
    ) -> Result<u16, Verdict> {
        let mut answer = ProbeAnswer::default();
        let asking = request::ask(
            self.protocol.as_ref(),
            (&self.dialer, endpoint, &self.announcement),
            head,
            &mut answer,
        );
        within(limit, asking).await?;
        answer.status.ok_or(Verdict::Silent)
    }

    async fn request(
        &self,
        endpoint: &EndpointConfig,
        request: &Request,
        limit: Duration,
    ) -> (Verdict, ProbeAnswer) {
        let wanted = Wanted {
            status: request.status.clone(),
            busy: request.busy_status.clone(),
            body: request.body.clone(),
        };
        let head = head(request);
        let mut answer = ProbeAnswer::default();
        let asking = request::ask(
            self.protocol.as_ref(),
            (&self.dialer, endpoint, &self.announcement),
            &head,
            &mut answer,
        );
        let asked = within(limit, asking).await;
        let verdict = match (answer.judge(&wanted), asked) {
            // The text that is missing may have been on its way.
            (Some(Verdict::Dead(Cause::Body)), Err(Verdict::Silent)) | (None, Ok(())) => Verdict::Silent,
            (Some(verdict), _) | (None, Err(verdict)) => verdict,
        };
        (verdict, answer)
    }
}

/// A file is asked for by its name; anything else gets the path as what is below its mount.
fn head(request: &Request) -> RequestHead {
    let path = Bytes::copy_from_slice(request.path.path());
    let script = match &request.script {
        Some(file) => Script {
            name: path,
            filename: Some(Bytes::copy_from_slice(file.as_bytes())),
            ..Script::default()
        },
        None => Script {
            path_info: path.clone(),
            path_info_encoded: path,
            ..Script::default()
        },
    };
    let mut fields = Fields::new();
    if let Some(host) = FieldValue::new(&request.host) {
        fields.append(FieldName::Host, host);
    }
    fields.append(FieldName::UserAgent, "bridgehead-health");
    RequestHead {
        method: if request.head_only {
            Method::HEAD
        } else {
            Method::GET
        },
        target: request.path.clone(),
        version: Version::HTTP_11,
        fields,
        client: Client::default(),
        script,
        server_name: None,
        host: None,
        content_length: None,
        chunked: false,
        upgrade: false,
        trailers: false,
        extra: Vec::new().into(),
        routed: None,
        id: RequestId(fastrand::u64(..)),
    }
}

/// A page that PHP-FPM makes itself. It wants some `SCRIPT_FILENAME`, which need not exist (reference,
/// section 1.14).
fn fpm_page(path: &Target, body: Option<&str>) -> Request {
    Request {
        head_only: false,
        path: path.clone(),
        host: Bytes::from_static(b"localhost"),
        script: Some(String::from_utf8_lossy(path.path()).into_owned()),
        status: Statuses::fine(),
        busy_status: Statuses::default(),
        body: body.map(str::to_owned),
    }
}

/// The same as `asking`, silent at the limit.
async fn within<T>(limit: Duration, asking: impl Future<Output = Result<T, Verdict>>) -> Result<T, Verdict> {
    timeout(limit, asking).await.unwrap_or(Err(Verdict::Silent))
}

impl<T> From<Result<T, Verdict>> for Verdict {
    fn from(asked: Result<T, Verdict>) -> Self {
        asked.map_or_else(|verdict| verdict, |_| Self::Alive)
    }
}

#[cfg(test)]
mod tests;
