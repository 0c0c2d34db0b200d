//! Opens connections to endpoints, with TLS where they want it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

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

    /// Connects within `timeout`, with the handshake if there is one.
    pub async fn connect(
        &self,
        endpoint: &EndpointConfig,
        timeout: Duration,
    ) -> Result<Stream, ConnectError> {
        match endpoint.tls {
            false => self.connector.connect(&endpoint.address, timeout).await,
            // Boxed: a plain connection needs no room for it.
            true => match tokio::time::timeout(timeout, Box::pin(self.shake(endpoint, timeout))).await {
                Ok(shaken) => shaken,
                Err(_) => Err(ConnectError::Timeout),
            },
        }
    }

    async fn shake(&self, endpoint: &EndpointConfig, timeout: Duration) -> Result<Stream, ConnectError> {
        let tls = self.tls.load_full();
        let tls = tls.ok_or_else(|| ConnectError::Tls("nothing says how".to_owned()))?;
        let stream = self.connector.connect(&endpoint.address, timeout).await?;
        let shaken = tls.connect(stream, &endpoint.address).await;
        shaken.map_err(|error| ConnectError::Tls(error.to_string()))
    }
}
