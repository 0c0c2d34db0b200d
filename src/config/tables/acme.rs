//! `[acme]`.

use std::path::PathBuf;
use std::time::Duration;

use crate::acme::{AcmeConfig, ChallengeKind, DirectoryConfig, Eab, KeyKind};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Fill, Repeated, Section, required, table};
use crate::config::units::{Absolute, Flag, Name, Named, OneOrMore, Plain, Text, Time};
use crate::frontend::config::{Listener, SecureHostsConfig};
use crate::transport::Address;

table! {
    /// Certificates that are got by themselves (ACME): for the hosts of all routes, where a listener has `tls` and none of the
    /// certificates that are configured is for them. They are renewed in time. See
    /// [Certificates by themselves](operating.md#certificates-by-themselves).
    pub(in crate::config) struct Acme for AcmeConfig {
        /// Where the directory writes to when something is wrong with a certificate. With it, its terms are agreed to.
        /// Without it, no certificates are asked for. Default: none.
        email: String as EMAIL,
        /// Who is asked for certificates: the first one, after a failure the next one. Default: Let's Encrypt.
        directory: Vec<At<Directory>> as Repeated => directories,
        /// How it is shown that a name is ours: in the first way, after a failure in the next one. `"http-01"` needs a
        /// listener that port 80 of the name leads to, `"tls-alpn-01"` one with TLS for port 443, `"dns-01"` an answer in
        /// the DNS. For wildcards there is only that one.
        challenge: Vec<ChallengeKind> as OneOrMore(Name) => challenges,
        /// Kinds of keys: there is one certificate of each for each name, and a client gets the one that suits it.
        key: Vec<KeyKind> as OneOrMore(Name) => keys,
        /// Directory for accounts, orders and certificates. Gateways that share it share all of that: one of them orders,
        /// and each answers the challenges of all. Default: the one that systemd has made (`StateDirectory=`), else
        /// `/var/lib/bridgehead`.
        store: PathBuf as Absolute("the store"),
        /// How long before its end a certificate is renewed. Default: when the directory says (ARI), else when a third of its
        /// time is left.
        renew_before: Duration as Time,
        /// Whether requests for these hosts that come without TLS are sent to `https`, with 308.
        redirect: bool as Flag,
    }
    example = r#"[acme]
email = "ops@shop.example"

[[listen]]
address = "[::]:443"
tls = true
"#;
}

table! {
    /// Something that issues certificates.
    pub(in crate::config) struct Directory for DirectoryConfig {
        /// Its URL, or `"letsencrypt"`, `"letsencrypt-staging"`, `"zerossl"`.
        url: String as URL,
        /// File with the issuers by whose certificates it is known, as PEM. Default: those of the system.
        ca: PathBuf as Absolute("the issuers"),
        eab: Binding as Section,
        /// What kind of certificates is wanted, by the name that the directory has for it: Let's Encrypt has `"classic"`,
        /// `"tlsserver"` and `"shortlived"`. Default: the usual kind.
        profile: String as Plain,
        /// Of several chains, the one whose last certificate is of an issuer with this common name. Default: the first one.
        preferred_chain: String as Plain,
    }
    example = r#"[[acme.directory]]
url = "letsencrypt"

[[acme.directory]]
url = "zerossl"
eab = { id = "customer-1", key = "${ZEROSSL_KEY}" }
"#;
}

table! {
    /// The customer that an account is for (external account binding).
    pub(in crate::config) struct Binding for Eab {
        /// The name of the key, as the directory gave it. Required.
        id: String as Plain,
        /// The key, as the directory gave it: base64url. Required.
        key: String as KEY,
    }
}

/// What the table comes to.
pub(super) fn check(typed: Option<&At<Acme>>, complaints: &mut Complaints) -> AcmeConfig {
    let mut config = AcmeConfig::default();
    let Some(typed) = typed else { return config };
    typed.apply_to(&mut config);
    for directory in typed.directory.iter().flat_map(|all| all.iter()) {
        if let Some(eab) = &directory.eab {
            required(eab, "id", eab.id.as_ref(), "id = \"customer-1\"", complaints);
            required(eab, "key", eab.key.as_ref(), "key = \"${EAB_KEY}\"", complaints);
        }
    }
    if cfg!(not(feature = "tls")) {
        complaints
            .error(typed.span(), "this program was built without TLS")
            .help("build it with the feature `tls`, which is one of the defaults");
    }
    config
}

/// What the front end has to know of hosts whose certificates are got by themselves.
pub(super) fn secure_hosts(acme: &AcmeConfig, listeners: &[Listener]) -> Option<SecureHostsConfig> {
    let secure = listeners.iter().filter(|listener| listener.tls.is_some());
    let ports = secure.filter_map(|listener| match &listener.address {
        Address::Tcp(address) => Some(address.port()),
        _ => None,
    });
    // The usual one, else the first.
    let ports: Vec<u16> = ports.collect();
    let port = ports.iter().find(|port| **port == HTTPS).or(ports.first()).copied();
    acme.is_on().then(|| SecureHostsConfig {
        store: acme.store.clone(),
        hosts: Vec::new(),
        port: port.filter(|_| acme.redirect),
    })
}

const HTTPS: u16 = 443;

const EMAIL: Text<String> = Text {
    words: "address of electronic mail",
    read: email,
    show: String::clone,
};

fn email(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != ',';
    let parts = typed.split_once('@');
    if !typed.chars().all(plain) || parts.is_none_or(|(user, host)| user.is_empty() || !host.contains('.')) {
        complaints
            .error(typed.span(), "not an address of electronic mail")
            .help("write one, such as \"ops@shop.example\"");
    }
    Some((**typed).clone())
}

const URL: Text<String> = Text {
    words: "URL, or the name of a directory",
    read: url,
    show: String::clone,
};

fn url(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let url = match typed.as_str() {
        "letsencrypt" => DirectoryConfig::LETS_ENCRYPT,
        "letsencrypt-staging" => DirectoryConfig::STAGING,
        "zerossl" => DirectoryConfig::ZERO_SSL,
        url => url,
    };
    let local = ["http://127.", "http://[::1]"].iter().any(|begin| url.starts_with(begin));
    if !url.starts_with("https://") && !local {
        complaints
            .error(typed.span(), "not a URL that begins with https://")
            .help("there are \"letsencrypt\", \"letsencrypt-staging\" and \"zerossl\", too");
    }
    Some(url.to_owned())
}

const KEY: Text<String> = Text {
    words: "base64url",
    read: key,
    // Never shown.
    show: |_| "${EAB_KEY}".to_owned(),
};

fn key(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=');
    if typed.is_empty() || !typed.bytes().all(plain) {
        complaints.error(typed.span(), "not a key in base64url");
    }
    Some((**typed).clone())
}

impl Fill<Vec<DirectoryConfig>> for Vec<At<Directory>> {
    fn fill(&self, place: &mut Vec<DirectoryConfig>) {
        let directories = self.iter().map(|typed| {
            let mut directory = DirectoryConfig::default();
            typed.apply_to(&mut directory);
            directory
        });
        *place = directories.collect();
    }

    fn of(place: &Vec<DirectoryConfig>) -> Option<Self> {
        let typed = place.iter().map(|directory| At::nowhere(Directory::plain(directory)));
        Some(typed.collect())
    }
}

impl Fill<Option<Eab>> for Binding {
    fn fill(&self, place: &mut Option<Eab>) {
        self.apply_to(place.get_or_insert_default());
    }

    fn of(place: &Option<Eab>) -> Option<Self> {
        place.as_ref().map(Self::plain)
    }
}

impl Named for ChallengeKind {
    const KIND: &'static str = "challenge";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("http-01", Self::Http01),
        ("tls-alpn-01", Self::TlsAlpn01),
        ("dns-01", Self::Dns01),
    ];
}

impl Named for KeyKind {
    const KIND: &'static str = "kind of key";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("ecdsa-p256", Self::EcdsaP256),
        ("ecdsa-p384", Self::EcdsaP384),
        ("rsa-2048", Self::Rsa2048),
    ];
}
