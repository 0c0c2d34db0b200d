//! `[tls]`, and `tls` of a listener.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Fill, Repeated, Section, required, table};
use crate::config::units::{Absolute, Checked, Flag, Name, Named, Number, SecretText, Time};
use crate::transport::Secret;
use crate::transport::tls::{CertificateFiles, ClientAuth, ListenerTls, TlsConfig, TlsVersion, Verify};

table! {
    /// What listeners with `tls = true` do, and what concerns all listeners with TLS.
    pub(in crate::config) struct Tls for TlsConfig {
        /// Certificates with their keys. A client gets one for the name that it asks for, of several with different kinds of
        /// keys the one that suits it; the first one when it asks for no name that is known.
        certificates: Vec<At<Certificate>> as Repeated => listener.certificates,
        client: Client as Section => listener.client,
        /// Oldest version of the protocol.
        min_version: TlsVersion as Name => listener.min_version,
        /// Whether clients may go on with earlier sessions, by tickets. Their keys outlive reloads and replacements.
        session_tickets: bool as Flag,
        /// How long a ticket is taken. A key encrypts for half of that time.
        ticket_lifetime: Duration as TICKETS,
        /// What the keys of tickets are made of: at least 32 characters, the same in all gateways behind one balancer, which then
        /// take each other's tickets. With it, whatever has it can read what TLS 1.2 sent in sessions that went on; new ones
        /// come from changing it. Default: each process makes its own keys.
        ticket_secret: Secret as SECRET,
        /// Handshakes at a time, counted from when the client has said what it wants; above it, the one that has lasted longest
        /// is given up for a new one.
        max_handshakes: usize as Number(1, 1_000_000),
        /// Time between two looks at the files of certificates, keys and lists. Those that have changed are read again
        /// without a reload; what cannot be used is told, and the one before stays. Zero: never.
        watch: Duration as Time,
    }
    example = r#"[tls]
certificates = [{ cert = "/etc/ssl/shop.pem", key = "/etc/ssl/shop.key" }]

[[listen]]
address = "[::]:443"
tls = true
"#;
}

table! {
    /// TLS at this listener: `true` for what `[tls]` says, or a table with what is different.
    pub(in crate::config) struct ListenTls for ListenerTls {
        /// Certificates with their keys, in place of those of `[tls]`.
        certificates: Vec<At<Certificate>> as Repeated => certificates,
        client: Client as Section,
        /// Oldest version of the protocol.
        min_version: TlsVersion as Name,
    }
}

table! {
    /// A certificate.
    pub(in crate::config) struct Certificate for CertificateFiles {
        /// File with the certificate, and behind it those of its issuers, as PEM. Required.
        cert: PathBuf as Absolute("the certificate"),
        /// File with its key, as PEM. Required.
        key: PathBuf as Absolute("the key"),
        /// File with what the issuer says of its validity, as DER (OCSP), which clients get along with it. Default: none.
        ocsp: PathBuf as Absolute("the OCSP response"),
    }
}

table! {
    /// Certificates of clients.
    pub(in crate::config) struct Client for ClientAuth {
        /// File with the issuers whose certificates are good, as PEM. Required.
        ca: PathBuf as Absolute("the issuers") => files.ca,
        /// File with lists of revoked certificates, as PEM: one of each issuer. A list that is out of date is as good as
        /// none, and no certificate is good then. Default: none.
        crl: PathBuf as Absolute("the list of revoked certificates") => files.crl,
        /// Whether a client needs a certificate to get a connection. One that is shown has to be good in any case.
        verify: Verify as Name,
    }
}

/// What the table comes to.
pub(super) fn check(typed: Option<&At<Tls>>, complaints: &mut Complaints) -> TlsConfig {
    let mut config = TlsConfig::default();
    if let Some(typed) = typed {
        check_files(&typed.certificates, &typed.client, complaints);
        typed.apply_to(&mut config);
    }
    config
}

/// What the table of a listener comes to; `usual`: what it does not say.
pub(super) fn check_listener(
    typed: &ListenTls,
    usual: &ListenerTls,
    complaints: &mut Complaints,
) -> ListenerTls {
    check_files(&typed.certificates, &typed.client, complaints);
    let mut listener = usual.clone();
    // One table says all about clients, or nothing.
    listener.client = listener.client.filter(|_| typed.client.is_none());
    typed.apply_to(&mut listener);
    listener
}

fn check_files(
    certificates: &Option<At<Vec<At<Certificate>>>>,
    client: &Option<At<Client>>,
    complaints: &mut Complaints,
) {
    for certificate in certificates.iter().flat_map(|all| all.iter()) {
        let cert = certificate.cert.as_ref();
        required(
            certificate,
            "cert",
            cert,
            "cert = \"/etc/ssl/shop.pem\"",
            complaints,
        );
        let key = certificate.key.as_ref();
        required(certificate, "key", key, "key = \"/etc/ssl/shop.key\"", complaints);
    }
    if let Some(client) = client {
        check_client(client, complaints);
    }
}

/// What is asked of clients.
pub(super) fn check_client(client: &At<Client>, complaints: &mut Complaints) {
    let ca = client.ca.as_ref();
    required(client, "ca", ca, "ca = \"/etc/ssl/clients.pem\"", complaints);
}

/// What cannot be found out by trying: 128 bits, if every character is a hexadecimal digit.
const SECRET: SecretText = SecretText { least: 32 };

/// Above a week, no client keeps one (RFC 8446, section 4.6.1).
const TICKETS: Checked<Time, Duration> = Checked {
    unit: Time,
    words: Some("duration from 1m to 7d"),
    check: ticket_lifetime,
};

fn ticket_lifetime(lifetime: &At<Duration>, complaints: &mut Complaints) {
    let week = 7 * 24 * 3600;
    if !(60..=week).contains(&lifetime.as_secs()) {
        complaints.error(
            lifetime.span(),
            "tickets are good for a minute at least, and for seven days at most",
        );
    }
}

impl Fill<Vec<CertificateFiles>> for Vec<At<Certificate>> {
    fn fill(&self, place: &mut Vec<CertificateFiles>) {
        let files = self.iter().map(|certificate| {
            let mut files = CertificateFiles::default();
            certificate.apply_to(&mut files);
            files
        });
        *place = files.collect();
    }

    fn of(place: &Vec<CertificateFiles>) -> Option<Self> {
        let typed = place.iter().map(|files| At::nowhere(Certificate::plain(files)));
        Some(typed.collect())
    }
}

impl Fill<Option<ClientAuth>> for Client {
    fn fill(&self, place: &mut Option<ClientAuth>) {
        self.apply_to(place.get_or_insert_default());
    }

    fn of(place: &Option<ClientAuth>) -> Option<Self> {
        place.as_ref().map(Self::plain)
    }
}

impl Named for TlsVersion {
    const KIND: &'static str = "version of TLS";
    const NAMES: &'static [(&'static str, Self)] = &[("1.2", Self::Tls12), ("1.3", Self::Tls13)];
}

impl Named for Verify {
    const KIND: &'static str = "way to verify";
    const NAMES: &'static [(&'static str, Self)] =
        &[("required", Self::Required), ("optional", Self::Optional)];
}
