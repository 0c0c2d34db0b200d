//! HAProxy in front of us and behind us: it announces its clients, and is told of ours. nginx behind us.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;
use testbed::{Client, Gateway, Process, free_address};

use crate::start;

/// HAProxy with these sections.
fn haproxy(sections: &str, listens: SocketAddr) -> Process {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let file = dir.path().join("haproxy.cfg");
    let text = format!(
        "defaults\ntimeout connect 5s\ntimeout client 20s\ntimeout server 20s\ntimeout check 2s\n{sections}"
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Process::start(command, dir, || Client::connect(listens).is_ok())
        .expect("haproxy is installed: apt-get install -y --no-install-recommends haproxy")
}

fn address() -> SocketAddr {
    free_address(Ipv4Addr::LOCALHOST.into()).unwrap()
}

/// A gateway that takes what HAProxy says, and asks it as an application with `version`.
fn gateway(version: &str, application: SocketAddr) -> Gateway {
    start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = {{ from = [\"127.0.0.0/8\"] }}\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{application}\"]\nproxy_protocol = \"{version}\"\n\
         keep_alive = 2\nhealth = {{ path = \"/health\", interval = \"100ms\" }}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n"
    ))
}

/// An application that answers with the ends of the connection as it was told of them.
fn application(listens: SocketAddr) -> Process {
    let sections = format!(
        "frontend app\nmode http\nbind {listens} accept-proxy\n\
         http-request return status 200 content-type text/plain lf-string \"%[src] %[dst] %[dst_port]\"\n"
    );
    // It answers no connection without a header, and accepts it all the same.
    haproxy(&sections, listens)
}

#[test]
fn haproxy_in_front_and_behind_agrees_about_the_client() {
    let told = address();
    let _application = application(told);
    for version in ["v1", "v2"] {
        let gateway = gateway(version, told);
        for sends in [
            "send-proxy",
            "send-proxy-v2",
            "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        ] {
            let front = address();
            let _haproxy = haproxy(
                &format!(
                    "listen front\nmode tcp\nbind {front}\nunique-id-format %pid\n\
                     server gateway {} {sends} source 127.0.0.2\n",
                    gateway.addr()
                ),
                front,
            );
            let mut client = Client::connect(front).unwrap();
            for _ in 0..2 {
                let answer = client.request("GET", "/", &[], b"").unwrap();
                let expected = format!("127.0.0.1 127.0.0.1 {}", front.port());
                assert_eq!(
                    (answer.status, answer.text()),
                    (200, expected),
                    "{sends} {version}"
                );
            }
        }
        for line in gateway.wait_access(6).unwrap() {
            assert!(line.contains("\"remote\":\"127.0.0.1\""), "{line}");
        }
        assert!(
            !gateway.errors().contains("endpoint is down"),
            "{}",
            gateway.errors()
        );
    }
}

#[test]
fn checks_of_haproxy_find_us_alive() {
    let told = address();
    let _application = application(told);
    let gateway = gateway("v2", told);
    for check in [
        "send-proxy check check-send-proxy inter 100ms",
        "send-proxy-v2 check check-send-proxy inter 100ms",
        // This one only connects.
        "send-proxy-v2 check port-of-its-own",
    ] {
        let front = address();
        let http = if check.contains("check-send-proxy") {
            "option httpchk GET /\n"
        } else {
            ""
        };
        let check = check.replace(" port-of-its-own", " inter 100ms");
        let _haproxy = haproxy(
            &format!(
                "listen front\nmode tcp\n{http}bind {front}\nserver gateway {} {check}\n",
                gateway.addr()
            ),
            front,
        );
        let before = gateway.access().len();
        if !http.is_empty() {
            gateway.wait_access(before + 3).unwrap();
        }
        let answer = Client::connect(front)
            .unwrap()
            .request("GET", "/", &[], b"")
            .unwrap();
        assert_eq!(answer.status, 200, "{check}");
    }
    assert!(!gateway.errors().contains("proxy_header"), "{}", gateway.errors());
}

/// nginx as an application that answers with what it is told, over `listen`'s connections.
fn nginx(listens: SocketAddr, listen: &str) -> Process {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let own = dir.path().display().to_string();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {own}/pid;\nevents {{ worker_connections 64; }}\n\
         http {{\naccess_log off;\nclient_body_temp_path {own}/b;\nproxy_temp_path {own}/p;\n\
         fastcgi_temp_path {own}/f;\nuwsgi_temp_path {own}/u;\nscgi_temp_path {own}/s;\n\
         server {{ listen {listens} proxy_protocol {listen};\n\
         location / {{ return 200 \"$proxy_protocol_addr $proxy_protocol_server_addr $proxy_protocol_server_port\"; }} }}\n}}\n"
    );
    fs::write(dir.path().join("nginx.conf"), text).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command.args([
        "-p",
        &own,
        "-c",
        &format!("{own}/nginx.conf"),
        "-e",
        &format!("{own}/error.log"),
    ]);
    Process::start(command, dir, || Client::connect(listens).is_ok())
        .expect("nginx is installed: apt-get install -y --no-install-recommends nginx")
}

#[test]
fn nginx_behind_takes_what_we_say() {
    let told = address();
    let _application = nginx(told, "");
    for version in ["v1", "v2"] {
        let gateway = gateway(version, told);
        let mut client = Client::connect(gateway.addr()).unwrap();
        client
            .send("PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n")
            .unwrap();
        for _ in 0..2 {
            let answer = client.request("GET", "/", &[], b"").unwrap();
            let expected = (200, "192.0.2.9 198.51.100.1 443".to_owned());
            assert_eq!((answer.status, answer.text()), expected, "{version}");
        }
    }
}

#[cfg(feature = "tls")]
mod tls {
    use testbed::{Authority, Issued, Tls, TlsClient, Wanted};

    use super::*;

    /// An authority, and a directory with what it has issued for `shop.example`, as HAProxy and nginx want it.
    fn certificates() -> (Authority, TempDir) {
        let authority = Authority::new("Test Authority").unwrap();
        let dir = TempDir::with_prefix("bh-").unwrap();
        let issued = authority.issue(&["shop.example"]).unwrap();
        issued.write(dir.path(), "shop").unwrap();
        fs::write(
            dir.path().join("both.pem"),
            format!("{}{}", issued.cert, issued.key),
        )
        .unwrap();
        fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        (authority, dir)
    }

    fn client(authority: &Authority, certificate: Option<&Issued>) -> Tls {
        let client = TlsClient {
            name: "shop.example",
            alpn: &["http/1.1"],
            certificate,
            ..TlsClient::default()
        };
        Tls::new(authority, &client).unwrap()
    }

    #[test]
    fn what_haproxy_knows_of_tls_is_there_as_variables() {
        let (authority, dir) = certificates();
        let certs = dir.path().display();
        let gateway = start(
            "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = { from = [\"127.0.0.0/8\"] }\n\
             [[route]]\nrespond = { body = \"ok\" }\n\
             headers = { X-Told = \"$scheme $proxy_protocol_tlv_ssl_version $proxy_protocol_tlv_ssl_verify \
             $proxy_protocol_tlv_ssl_cn $proxy_protocol_tlv_authority $proxy_protocol_tlv_alpn\", \
             X-Cipher = \"$proxy_protocol_tlv_ssl_cipher\" }\n",
        );
        let wanted = Wanted {
            holder: "ann",
            ..Wanted::default()
        };
        let ann = authority.issue_as(&wanted).unwrap();
        let all = "send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,authority,crc32c";
        for (sends, certificate, told, cipher) in [
            (
                all,
                Some(&ann),
                "https TLSv1.3 0 ann shop.example http/1.1",
                "TLS_",
            ),
            (all, None, "https TLSv1.3 0  shop.example http/1.1", "TLS_"),
            ("send-proxy-v2-ssl", Some(&ann), "https TLSv1.3 0   http/1.1", ""),
            (
                "send-proxy-v2-ssl-cn",
                Some(&ann),
                "https TLSv1.3 0 ann  http/1.1",
                "",
            ),
        ] {
            let front = address();
            let _haproxy = haproxy(
                &format!(
                    "listen front\nmode tcp\n\
                     bind {front} ssl crt {certs}/both.pem ca-file {certs}/ca.pem verify optional alpn http/1.1\n\
                     server gateway {} {sends}\n",
                    gateway.addr()
                ),
                front,
            );
            let mut client = Client::connect_tls(front, &client(&authority, certificate)).unwrap();
            let answer = client.request("GET", "/", &[], b"").unwrap();
            assert_eq!((answer.status, &*answer.text()), (200, "ok"), "{sends}");
            assert_eq!(answer.header("x-told"), Some(told), "{sends}");
            assert!(answer.header("x-cipher").unwrap_or_default().starts_with(cipher));
        }
    }

    #[test]
    fn haproxy_that_passes_tls_on_in_front_and_takes_it_behind_agrees_about_the_client() {
        let (authority, dir) = certificates();
        let certs = dir.path().display();
        let [behind, nginx] = [address(), address()];
        let _applications = [
            haproxy(
                &format!(
                    "frontend app\nmode http\nbind {behind} accept-proxy ssl crt {certs}/both.pem\n\
                     http-request return status 200 content-type text/plain lf-string \"%[src] %[dst] %[dst_port]\"\n"
                ),
                behind,
            ),
            super::nginx(
                nginx,
                &format!("ssl;\nssl_certificate {certs}/shop.pem;\nssl_certificate_key {certs}/shop.key"),
            ),
        ];
        for (application, version) in [(behind, "v1"), (behind, "v2"), (nginx, "v1"), (nginx, "v2")] {
            let gateway = start(&format!(
                "[tls]\ncertificates = [{{ cert = \"{certs}/shop.pem\", key = \"{certs}/shop.key\" }}]\n\
                 [[listen]]\naddress = \"127.0.0.1:0\"\ntls = true\nproxy_protocol = {{ from = [\"127.0.0.0/8\"] }}\n\
                 [upstream.app]\nprotocol = \"http\"\nendpoints = [\"tls:{application}\"]\n\
                 proxy_protocol = \"{version}\"\nkeep_alive = 2\nhealth = {{ path = \"/health\", interval = \"100ms\" }}\n\
                 tls = {{ ca = \"{certs}/ca.pem\", name = \"shop.example\" }}\n\
                 [[route]]\nproxy = {{ upstream = \"app\" }}\n"
            ));
            for sends in ["send-proxy", "send-proxy-v2"] {
                let front = address();
                let _haproxy = haproxy(
                    &format!(
                        "listen front\nmode tcp\nbind {front}\nserver gateway {} {sends}\n",
                        gateway.addr()
                    ),
                    front,
                );
                let mut client = Client::connect_tls(front, &client(&authority, None)).unwrap();
                for _ in 0..2 {
                    let answer = client.request("GET", "/", &[], b"").unwrap();
                    let expected = format!("127.0.0.1 127.0.0.1 {}", front.port());
                    assert_eq!(
                        (answer.status, answer.text()),
                        (200, expected),
                        "{sends} {version}"
                    );
                }
            }
            let errors = gateway.errors();
            assert!(!errors.contains("endpoint is down"), "{errors}");
        }
    }
}
