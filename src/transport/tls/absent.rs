//! The names of TLS in a program without it: what cannot be made.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{BackendTls, HandshakeError, ListenerTls, Negotiated, TlsConfig, TlsError, TlsFinding};
use crate::telemetry::CertificateValidity;
use crate::transport::{Address, Stream};

/// No connection has TLS.
#[derive(Debug)]
pub enum TlsStream {}

/// None of its directions.
#[derive(Debug)]
pub enum TlsReadHalf {}

/// Neither of them.
#[derive(Debug)]
pub enum TlsWriteHalf {}

/// Nothing accepts it.
#[derive(Debug)]
pub enum TlsAcceptor {}

/// Nothing connects with it.
#[derive(Debug)]
pub enum TlsConnector {}

impl TlsConnector {
    /// Shakes hands.
    pub async fn connect(&self, _stream: Stream, _address: &Address) -> Result<Stream, HandshakeError> {
        match *self {}
    }
}

/// No client gets as far.
pub enum Hello {}

/// What a client begins with.
pub enum Opening {
    /// A handshake.
    Tls(Box<Hello>),
    /// Plain text.
    Clear(Stream, BytesMut),
}

/// No file is read.
#[derive(Clone, Debug, Default)]
pub struct Material(());

/// What another look at the files has shown.
#[derive(Debug)]
pub struct Refreshed {
    /// What they hold now.
    pub material: Material,
    /// How much of it is new.
    pub renewed: usize,
    /// Why the rest is not.
    pub errors: Vec<TlsError>,
}

/// Knows what is to be shown to directories.
pub trait AlpnChallenges: std::fmt::Debug + Send + Sync {
    /// There is nothing.
    fn certificate(&self, name: &str) -> Option<Vec<u8>>;
}

/// No keys.
#[derive(Clone, Debug)]
pub struct TlsContext(());

impl Material {
    /// Refuses listeners and backends with TLS.
    pub fn load<'a>(
        &self,
        mut listeners: impl Iterator<Item = &'a ListenerTls>,
        mut backends: impl Iterator<Item = &'a BackendTls>,
    ) -> Result<Self, TlsError> {
        match listeners.next().is_some() || backends.next().is_some() {
            true => Err(TlsError::Absent),
            false => Ok(Self(())),
        }
    }

    /// There is none.
    pub fn connector(&self, _tls: &BackendTls) -> Option<Arc<TlsConnector>> {
        None
    }

    /// There are none.
    pub fn certificates(&self) -> Vec<CertificateValidity> {
        Vec::new()
    }

    /// No handshake comes.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// None needs random numbers.
    pub fn seed(&self) {}

    /// Nothing to say.
    pub fn findings(&self, _listener: &ListenerTls, _hosts: &[String]) -> Vec<TlsFinding> {
        Vec::new()
    }

    /// None does.
    pub fn covers(&self, _listener: &ListenerTls, _host: &str) -> bool {
        false
    }

    /// Nothing changes.
    pub fn refreshed(&self) -> Option<Refreshed> {
        None
    }
}

impl TlsContext {
    /// Nothing is taken over.
    pub fn new(_keys: Option<&str>) -> Self {
        Self(())
    }

    /// None is shown.
    pub fn with_challenges(&self, _challenges: Option<Arc<dyn AlpnChallenges>>) -> Self {
        Self(())
    }

    /// Nothing is handed over.
    pub fn keys(&self) -> String {
        String::new()
    }
}

impl TlsAcceptor {
    /// There is none.
    pub fn new(
        _listener: &ListenerTls,
        _config: &TlsConfig,
        _material: &Material,
        _context: &TlsContext,
    ) -> Result<Self, TlsError> {
        Err(TlsError::Absent)
    }
}

impl Hello {
    /// Never called: there is no acceptor that it would be for.
    pub async fn read(_stream: Stream) -> Result<Opening, HandshakeError> {
        Err(HandshakeError::Tls(TlsError::Absent.to_string()))
    }

    /// Goes through with it.
    pub async fn accept(
        self: Box<Self>,
        _acceptor: &TlsAcceptor,
    ) -> Result<(Stream, Negotiated), HandshakeError> {
        match *self {}
    }
}

impl TlsStream {
    pub(in crate::transport) fn peer_addr(&self) -> Option<SocketAddr> {
        match *self {}
    }

    pub(in crate::transport) fn local_addr(&self) -> Option<SocketAddr> {
        match *self {}
    }

    pub(in crate::transport) fn is_quiet(&mut self) -> bool {
        match *self {}
    }

    pub(in crate::transport) fn into_halves(self) -> (TlsReadHalf, TlsWriteHalf) {
        match self {}
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl TlsReadHalf {
    pub(in crate::transport) fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(in crate::transport) fn poll_read(
        &mut self,
        _: &mut Context<'_>,
        _: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        match *self {}
    }

    pub(in crate::transport) fn is_reset(&self) -> bool {
        match *self {}
    }
}

impl TlsWriteHalf {
    pub(in crate::transport) fn poll_write(
        &mut self,
        _: &mut Context<'_>,
        _: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match *self {}
    }

    pub(in crate::transport) fn poll_drain(&mut self, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match *self {}
    }

    pub(in crate::transport) fn shut(&mut self) {
        match *self {}
    }

    pub(in crate::transport) fn reset_on_close(&mut self) {
        match *self {}
    }
}
