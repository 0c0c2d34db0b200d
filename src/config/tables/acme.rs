//! `[acme]`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::acme::dns::{DnsConfig, DomainName};
use crate::acme::hook::HookConfig;
use crate::acme::{AcmeConfig, ChallengeKind, DirectoryConfig, Eab, KeyKind};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::table::{Fill, Repeated, Section, required, table};
use crate::config::units::{Absolute, DEADLINE, Flag, List, Name, Named, OneOrMore, Plain, Text, Time, Unit};
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
        /// Directories that are asked for certificates: the first one, after a failure the next one. Default: Let's Encrypt.
        directory: Vec<At<Directory>> as Repeated => directories,
        /// How it is shown that a name is ours: in the first way, after a failure in the next one. `"http-01"` needs a
        /// listener that port 80 of the name leads to, `"tls-alpn-01"` one with TLS for port 443, `"dns-01"` an answer in
        /// the DNS. For wildcards there is only that one. Default: `["http-01", "tls-alpn-01"]`, and `"dns-01"` behind them
        /// with `dns` or `hook`.
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
        dns: Dns as Section,
        hook: Hook as Section,
        /// Whether requests for these hosts that come without TLS are sent to `https`, with 308.
        redirect: bool as Flag,
    }
    example = r#"[acme]
email = "ops@shop.example"
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
eab = { id = "customer-1", key = "c2VjcmV0" }
"#;
}

table! {
    /// The customer that an account is for (external account binding).
    pub(in crate::config) struct Binding for Eab {
        /// The name of the key, as the directory gave it. Required.
        id: String as Plain,
        /// The key, as the directory gave it: base64url. Required.
        key: String as Key,
    }
}

table! {
    /// A small DNS server that answers questions for the records of challenges, and no others: `_acme-challenge.NAME` has to
    /// lead to it, by a record `NS`, or by a `CNAME` into a `zone` that does.
    pub(in crate::config) struct Dns for DnsConfig {
        /// Addresses, by UDP and TCP. On a machine with several addresses each has to be named: what comes to one is answered
        /// from it. Required.
        address: Vec<SocketAddr> as OneOrMore(ADDRESS) => addresses,
        /// The zone in which `NAME.ZONE` stands for the challenges of `NAME`. Default: none.
        zone: DomainName as DOMAIN,
        /// The name of this server, as the records `NS` that lead here have it. Default: the name that is proven.
        nameserver: DomainName as DOMAIN,
    }
}

table! {
    /// A program that makes records where a provider has the zone. It is started with `present` or `cleanup`, the name of the
    /// record and its text: see [Certificates by themselves](operating.md#certificates-by-themselves).
    pub(in crate::config) struct Hook for HookConfig {
        /// The program. Required.
        program: PathBuf as Absolute("the program"),
        /// What stands in front of what it is told.
        arguments: Vec<String> as List(Plain),
        /// Until it has to have ended.
        timeout: Duration as DEADLINE,
        /// Until the servers of the zone have what it has told them.
        wait: Duration as Time,
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
    if let Some(dns) = &typed.dns {
        required(
            dns,
            "address",
            dns.address.as_ref(),
            "address = \"192.0.2.1:53\"",
            complaints,
        );
    }
    if let Some(hook) = &typed.hook {
        required(
            hook,
            "program",
            hook.program.as_ref(),
            "program = \"/etc/bridgehead/dns-hook\"",
            complaints,
        );
    }
    if let Some(challenge) = &typed.challenge
        && challenge.contains(&ChallengeKind::Dns01)
        && config.dns.is_none()
        && config.hook.is_none()
    {
        complaints
            .error(
                challenge.span(),
                "nothing makes the records that \"dns-01\" needs",
            )
            .help("add a table `dns`, or a `hook`");
    }
    if typed.store.is_none()
        && let Some(made) = std::env::var_os("STATE_DIRECTORY")
    {
        config.store = made.into();
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
    let port = ports
        .iter()
        .find(|port| **port == HTTPS)
        .or(ports.first())
        .copied();
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

const ADDRESS: Text<SocketAddr> = Text {
    words: "address, such as `\"192.0.2.1:53\"`",
    read: address,
    show: SocketAddr::to_string,
};

fn address(typed: &At<String>, complaints: &mut Complaints) -> Option<SocketAddr> {
    let address = typed
        .parse()
        .or_else(|_| typed.parse().map(|ip: IpAddr| SocketAddr::new(ip, 53)));
    if address.is_err() {
        complaints
            .error(typed.span(), "not an address")
            .help("write \"192.0.2.1:53\" or \"[2001:db8::1]:53\"");
    }
    address.ok()
}

const DOMAIN: Text<DomainName> = Text {
    words: "name in the DNS",
    read: domain,
    show: |name| name.as_str().to_owned(),
};

fn domain(typed: &At<String>, complaints: &mut Complaints) -> Option<DomainName> {
    let name = DomainName::new(typed);
    if name.is_none() {
        complaints.error(typed.span(), "not a name in the DNS");
    }
    name
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
    let local = ["http://127.", "http://[::1]"]
        .iter()
        .any(|begin| url.starts_with(begin));
    if !url.starts_with("https://") && !local {
        complaints
            .error(typed.span(), "not a URL that begins with https://")
            .help("there are \"letsencrypt\", \"letsencrypt-staging\" and \"zerossl\", too");
    }
    Some(url.to_owned())
}

/// The key of a customer, which is read and never shown.
struct Key;

impl Unit<String> for Key {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<String> {
        let text = node.text("a string", complaints)?;
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=');
        if text.is_empty() || !text.bytes().all(plain) {
            complaints.error(node.span.clone(), "not a key in base64url");
        }
        Some(text.to_owned())
    }

    fn show(&self, _: &String) -> Shown {
        Shown::Secret
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "secret, as base64url".to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}

impl Fill<Option<DnsConfig>> for Dns {
    fn fill(&self, place: &mut Option<DnsConfig>) {
        self.apply_to(place.get_or_insert_default());
    }

    fn of(place: &Option<DnsConfig>) -> Option<Self> {
        place.as_ref().map(Self::plain)
    }
}

impl Fill<Option<HookConfig>> for Hook {
    fn fill(&self, place: &mut Option<HookConfig>) {
        self.apply_to(place.get_or_insert_default());
    }

    fn of(place: &Option<HookConfig>) -> Option<Self> {
        place.as_ref().map(Self::plain)
    }
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
        let typed = place
            .iter()
            .map(|directory| At::nowhere(Directory::plain(directory)));
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
