//! Opens connections to endpoints, with TLS where they want it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::announcement::Announcement;
use crate::transport::tls::TlsConnector;
use crate::transport::{ConnectError, Connector, Stream};
use crate::upstream::model::config::EndpointConfig;

/// What an upstream connects with.
#[derive(Debug, Default)]
pub struct Dialer {
    connector: Connector,
    /// There as soon as an endpoint with TLS is; another one when its files are renewed.
    tls: ArcSwapOption<TlsConnector>,
}

impl Dialer {
    /// What makes the connections, of those with TLS, too.
    pub fn new(connector: Connector) -> Self {
        Self {
            connector,
            ..Self::default()
        }
    }

    /// What makes the connections.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Connections from now on shake hands as `tls` says.
    pub fn secure(&self, tls: Option<Arc<TlsConnector>>) {
        self.tls.store(tls);
    }

    /// Connects where that takes no time; `None` says that [`connect`](Self::connect) has to.
    pub fn connect_now(&self, endpoint: &EndpointConfig) -> Option<Stream> {
        match endpoint.tls {
            false => self.connector.connect_now(&endpoint.address),
            true => None,
        }
    }

    /// Connects within `timeout`, with what comes in front of the first request: the announcement, then the handshake.
    pub async fn connect(
        &self,
        endpoint: &EndpointConfig,
        announcement: &Announcement,
        timeout: Duration,
    ) -> Result<Stream, ConnectError> {
        if !endpoint.tls && announcement.is_empty() {
            return self.connector.connect(&endpoint.address, timeout).await;
        }
        // Boxed: a plain connection needs no room for it.
        let opening = Box::pin(self.open(endpoint, announcement, timeout));
        let opened = tokio::time::timeout(timeout, opening).await;
        opened.unwrap_or(Err(ConnectError::Timeout))
    }

    async fn open(
        &self,
        endpoint: &EndpointConfig,
        announcement: &Announcement,
        timeout: Duration,
    ) -> Result<Stream, ConnectError> {
        let mut stream = self.connector.connect(&endpoint.address, timeout).await?;
        announcement.say(&mut stream).await?;
        match endpoint.tls {
            true => self.shake(stream, endpoint).await,
            false => Ok(stream),
        }
    }

    async fn shake(&self, stream: Stream, endpoint: &EndpointConfig) -> Result<Stream, ConnectError> {
        let tls = self.tls.load_full();
        let tls = tls.ok_or_else(|| ConnectError::Tls("nothing says how".to_owned()))?;
        let shaken = tls.connect(stream, &endpoint.address).await;
        shaken.map_err(|error| ConnectError::Tls(error.to_string()))
    }
}
