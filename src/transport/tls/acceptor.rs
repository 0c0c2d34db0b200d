//! How a listener speaks TLS: settings and files made into what rustls wants.

use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::version::{TLS12, TLS13};
use rustls::{NoKeyLog, SupportedProtocolVersion};

use super::certificates::Certificates;
use super::challenge::AlpnChallenges;
use super::compression;
use super::config::{ClientAuth, ListenerTls, PolicyId, TlsConfig, TlsVersion, Verify};
use super::context::TlsContext;
use super::error::TlsError;
use super::hosts::Hosts;
use super::material::Material;
use super::negotiated::Alpn;
use super::shared_keys::SharedKeys;
use super::tickets::{Keys, Ticketer};

/// Accepts handshakes at one listener. Never changed: other files make another one.
#[derive(Debug)]
pub struct TlsAcceptor {
    usual: Policy,
    hosts: Hosts<Policy>,
    /// What directories are shown that look whether a name is ours.
    pub(super) challenges: Option<Arc<dyn AlpnChallenges>>,
}

/// What handshakes for some names have in common.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) server: Arc<ServerConfig>,
    /// Whether clients are asked for a certificate.
    pub(super) asks: bool,
    pub(super) id: PolicyId,
}

impl TlsAcceptor {
    /// `material` has what the listener needs.
    pub fn new(
        listener: &ListenerTls,
        config: &TlsConfig,
        material: &Material,
        context: &TlsContext,
    ) -> Result<Self, TlsError> {
        let certificates = listener.files().filter_map(|files| material.certificate(files));
        let certificates: Vec<_> = certificates.cloned().collect();
        if certificates.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let count = certificates.len();
        let certificates = Arc::new(Certificates::new(&certificates));
        let policy = |client: Option<&ClientAuth>| {
            let mut server = server(listener, client, config, material, context, certificates.clone())?;
            compression::prepare(&mut server, count);
            Ok::<_, TlsError>(Policy {
                server: Arc::new(server),
                asks: client.is_some(),
                id: PolicyId::of(client),
            })
        };
        let hosts = listener.hosts.iter();
        let hosts = hosts.map(|host| Ok((host.host.clone(), policy(Some(&host.client))?)));
        let hosts: Vec<_> = hosts.collect::<Result<_, TlsError>>()?;
        Ok(Self {
            usual: policy(listener.client.as_ref())?,
            hosts: Hosts::new(hosts),
            challenges: context.challenges.clone(),
        })
    }

    /// What holds for a name.
    pub(super) fn policy(&self, name: Option<&str>) -> &Policy {
        name.and_then(|name| self.hosts.find(name)).unwrap_or(&self.usual)
    }

    /// What holds for clients that ask for no name.
    pub(super) fn usual(&self) -> &Policy {
        &self.usual
    }
}

fn server(
    listener: &ListenerTls,
    client: Option<&ClientAuth>,
    config: &TlsConfig,
    material: &Material,
    context: &TlsContext,
    certificates: Arc<Certificates>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(material.provider.clone())
        .with_protocol_versions(versions(listener.min_version))
        .map_err(|error| TlsError::Other(error.to_string()))?;
    let builder = match client.and_then(|client| Some((client.verify, material.authorities(&client.files)?)))
    {
        Some((verify, authorities)) => {
            builder.with_client_cert_verifier(authorities.verifier(verify, &material.provider)?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut server = builder.with_cert_resolver(certificates);
    server.alpn_protocols = Alpn::OFFERED.map(<[u8]>::to_vec).into();
    // Old clients prefer what is weak now; of what is left here, hardware is best at the first.
    server.ignore_client_order = true;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    if config.session_tickets {
        let keys = match &config.ticket_secret {
            Some(secret) => Keys::Shared(Arc::new(SharedKeys::new(secret))),
            None => Keys::Own(context.keys.clone()),
        };
        server.ticketer = Arc::new(Ticketer::new(
            keys,
            config.ticket_lifetime,
            policy(client, material),
        ));
    } else {
        server.send_tls13_tickets = 0;
    }
    server.key_log = match &context.key_log {
        Some(log) => log.clone(),
        None => Arc::new(NoKeyLog {}),
    };
    Ok(server)
}

fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        TlsVersion::Tls12 => BOTH,
        TlsVersion::Tls13 => NEW,
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

const NEW: &[&SupportedProtocolVersion] = &[&TLS13];

/// What sessions are not to be taken over by: whether clients are asked for certificates, and whose are good.
fn policy(client: Option<&ClientAuth>, material: &Material) -> [u8; 32] {
    let mut bytes = [0; 32];
    if let Some(client) = client
        && let Some(authorities) = material.authorities(&client.files)
    {
        let verify = match client.verify {
            Verify::Required => b"required",
            Verify::Optional => b"optional",
        };
        let digest = digest::digest(&digest::SHA256, &[&verify[..], &authorities.digest].concat());
        bytes.copy_from_slice(digest.as_ref());
    }
    bytes
}
