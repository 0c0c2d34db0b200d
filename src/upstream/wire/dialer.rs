//! Opens connections to endpoints, with TLS where they want it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::transport::tls::TlsConnector;
use crate::transport::{ConnectError, Stream, connect};
use crate::upstream::model::config::EndpointConfig;

/// What an upstream connects with.
#[derive(Debug, Default)]
pub struct Dialer {
    /// There as soon as an endpoint with TLS is; another one when its files are renewed.
    connector: ArcSwapOption<TlsConnector>,
}

impl Dialer {
    /// Connections from now on shake hands as `connector` says.
    pub fn secure(&self, connector: Option<Arc<TlsConnector>>) {
        self.connector.store(connector);
    }

    /// Connects within `timeout`, with the handshake if there is one.
    pub async fn connect(
        &self,
        endpoint: &EndpointConfig,
        timeout: Duration,
    ) -> Result<Stream, ConnectError> {
        match endpoint.tls {
            false => connect(&endpoint.address, timeout).await,
            // Boxed: a plain connection needs no room for it.
            true => match tokio::time::timeout(timeout, Box::pin(self.shake(endpoint, timeout))).await {
                Ok(shaken) => shaken,
                Err(_) => Err(ConnectError::Timeout),
            },
        }
    }

    async fn shake(&self, endpoint: &EndpointConfig, timeout: Duration) -> Result<Stream, ConnectError> {
        let connector = self.connector.load_full();
        let connector = connector.ok_or_else(|| ConnectError::Tls("nothing says how".to_owned()))?;
        let stream = connect(&endpoint.address, timeout).await?;
        let shaken = connector.connect(stream, &endpoint.address).await;
        shaken.map_err(|error| ConnectError::Tls(error.to_string()))
    }
}
