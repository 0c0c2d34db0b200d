//! A conversation with a directory: signed requests, each with a fresh nonce.

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::http::{Http, HttpError, Reply, Request};
use super::jose::{AccountKey, KeyError};
use super::message::{Directory, Problem};

/// How often a request is sent again because its nonce is not taken: that is ordinary (RFC 8555, section 6.5), and pebble
/// does it on purpose.
const NONCES: usize = 20;

/// What is known of a directory, and the nonce that its last answer brought along.
#[derive(Debug)]
pub(super) struct Client {
    http: Http,
    pub(super) directory: Directory,
    nonce: Option<String>,
}

/// Whose requests they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer<'a> {
    pub(super) key: &'a AccountKey,
    /// The URL of the account, once it has one.
    pub(super) account: Option<&'a str>,
}

/// Why a directory does not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// It does not answer.
    #[error("{url}: {cause}")]
    Http {
        /// What was asked.
        url: String,
        /// Why.
        cause: HttpError,
    },
    /// It answers with something else.
    #[error("{url}: not understood (status {status}): {why}")]
    Malformed {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// There is no key to sign with.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Client {
    /// Asks a directory where everything is.
    pub(super) async fn open(http: Http, url: &str) -> Result<Self, ClientError> {
        let mut client = Self {
            http,
            directory: Directory::default(),
            nonce: None,
        };
        let reply = client.send(Method::GET, url, None).await?;
        client.directory = reply.json(url)?;
        Ok(client)
    }

    /// Sends a signed request; no payload: POST-as-GET. Any answer is one, those that refuse included.
    pub(super) async fn post(
        &mut self,
        signer: Signer<'_>,
        url: &str,
        payload: Option<&Value>,
    ) -> Result<Reply, ClientError> {
        let mut tries = 0;
        loop {
            let nonce = self.take_nonce().await?;
            let body = signer.key.sign(url, &nonce, signer.account, payload)?;
            let reply = self.send(Method::POST, url, Some(body)).await?;
            let refused = reply.status == 400 && reply.problem().word() == "badNonce";
            tries += 1;
            if !refused || tries == NONCES {
                return Ok(reply);
            }
        }
    }

    /// Asks without a signature.
    pub(super) async fn get(&mut self, url: &str) -> Result<Reply, ClientError> {
        self.send(Method::GET, url, None).await
    }

    async fn take_nonce(&mut self) -> Result<String, ClientError> {
        if let Some(nonce) = self.nonce.take() {
            return Ok(nonce);
        }
        let url = self.directory.new_nonce.clone();
        let reply = self.send(Method::HEAD, &url, None).await?;
        self.nonce.take().ok_or_else(|| ClientError::Malformed {
            url,
            status: reply.status,
            why: "there is no Replay-Nonce".to_owned(),
        })
    }

    async fn send(&mut self, method: Method, url: &str, body: Option<Vec<u8>>) -> Result<Reply, ClientError> {
        let body = body.map(Into::into);
        let reply = self.http.send(Request { method, url, body }).await;
        let mut reply = reply.map_err(|cause| ClientError::Http {
            url: url.to_owned(),
            cause,
        })?;
        if reply.nonce.is_some() {
            self.nonce = reply.nonce.take();
        }
        Ok(reply)
    }
}

impl Reply {
    /// What it says, unless it refuses.
    pub(super) fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T, ClientError> {
        let failed = |why: String| ClientError::Malformed {
            url: url.to_owned(),
            status: self.status,
            why,
        };
        if !self.is_good() {
            return Err(failed(self.problem().to_string()));
        }
        serde_json::from_slice(&self.body).map_err(|error| failed(error.to_string()))
    }

    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Why it refuses. Proxies in between say it in a way of their own.
    pub(super) fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| Problem {
            detail: format!("status {}", self.status),
            ..Problem::default()
        })
    }
}
