//! The front ends: ours, and nginx with what its manual says of each protocol.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;
use testbed::{Client, Gateway, Process, free_address};

use super::application::{Applications, Protocol};
use super::client::Version;
use crate::start;

/// What passes the messages on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Front {
    Bridgehead,
    Nginx,
}

/// A front end that runs.
pub(super) struct Running {
    pub(super) front: Front,
    http1: SocketAddr,
    http2: SocketAddr,
    _program: Program,
}

enum Program {
    #[expect(dead_code, reason = "kept until the end")]
    Gateway(Gateway),
    #[expect(dead_code, reason = "kept until the end")]
    Process(Process),
}

impl Front {
    pub(super) fn start(self, behind: &Applications) -> Running {
        match self {
            Self::Bridgehead => {
                let gateway = start(&ours(behind));
                Running {
                    front: self,
                    http1: gateway.addr(),
                    http2: gateway.addr(),
                    _program: Program::Gateway(gateway),
                }
            }
            Self::Nginx => {
                let [http1, http2] = [(); 2].map(|()| free_address(Ipv4Addr::LOCALHOST.into()).unwrap());
                Running {
                    front: self,
                    http1,
                    http2,
                    _program: Program::Process(nginx(behind, http1, http2)),
                }
            }
        }
    }
}

impl Running {
    pub(super) fn address(&self, version: Version) -> SocketAddr {
        match version {
            Version::Http1 => self.http1,
            Version::Http2 => self.http2,
        }
    }
}

fn ours(behind: &Applications) -> String {
    let each = behind.addresses().map(|(protocol, address)| {
        let name = protocol.name();
        let kept = match protocol {
            Protocol::FastCgi | Protocol::Http => "keep_alive = 8\n",
            Protocol::Uwsgi | Protocol::Scgi => "",
        };
        format!(
            "[upstream.{name}]\nprotocol = \"{name}\"\nendpoints = [\"{address}\"]\n{kept}\
             [[route]]\npath = \"/{name}\"\nproxy = {{ upstream = \"{name}\" }}\n"
        )
    });
    "[server]\ntemp_dir = \"{dir}\"\n".to_owned() + &each.collect::<String>()
}

/// One process; HTTP/2 has a port of its own, since this version tells no protocols apart.
fn nginx(behind: &Applications, http1: SocketAddr, http2: SocketAddr) -> Process {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let path = dir.path().display();
    let upstreams = behind.addresses().map(|(protocol, address)| {
        format!(
            "upstream {} {{ server {address}; keepalive 8; }}\n",
            protocol.name()
        )
    });
    let (upstreams, locations): (String, String) =
        (upstreams.collect(), Protocol::ALL.map(location).concat());
    let config = format!(
        "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log {path}/log;\n\
         events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\nkeepalive_requests 10000;\n\
         client_body_temp_path {path}/b;\nproxy_temp_path {path}/p;\nfastcgi_temp_path {path}/f;\n\
         uwsgi_temp_path {path}/u;\nscgi_temp_path {path}/s;\n{upstreams}\
         server {{\nlisten {http1};\nlisten {http2} http2;\n{locations}}}\n}}\n"
    );
    fs::write(dir.path().join("nginx.conf"), config).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-p")
        .arg(dir.path())
        .arg("-c")
        .arg(dir.path().join("nginx.conf"));
    let ready = || Client::connect(http1).is_ok();
    Process::start(command, dir, ready).expect("nginx starts")
}

fn location(protocol: Protocol) -> String {
    let name = protocol.name();
    let settings = match protocol {
        Protocol::FastCgi => {
            "include /etc/nginx/fastcgi_params;\nfastcgi_keep_conn on;\nfastcgi_pass fastcgi;"
        }
        Protocol::Uwsgi => "include /etc/nginx/uwsgi_params;\nuwsgi_pass uwsgi;",
        Protocol::Scgi => "include /etc/nginx/scgi_params;\nscgi_pass scgi;",
        Protocol::Http => {
            "proxy_http_version 1.1;\nproxy_set_header Connection \"\";\nproxy_pass http://http;"
        }
    };
    format!("location /{name}/ {{\n{settings}\n}}\n")
}
