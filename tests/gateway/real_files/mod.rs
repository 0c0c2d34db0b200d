//! Files beside nginx: generated requests to the same tree, and every difference has its reason.
//!
//! Paths, methods, ranges, conditions and codings are drawn by a seed, so that a failure comes again. Both are to say the
//! same of a request; where they do not, an entry says why, and each entry is needed.

mod entries;
mod generate;
mod outcome;
mod tree;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use tempfile::TempDir;
use testbed::{Client, Process, free_address};

use self::entries::ENTRIES;
use self::generate::{Asked, Tags};
use self::outcome::Outcome;
use crate::start;

const REQUESTS: usize = 5000;
const SEED: u64 = 13;

/// Differences that a failure tells.
const SHOWN: usize = 40;

/// A request that both answer otherwise.
struct Difference {
    asked: Asked,
    ours: Outcome,
    theirs: Outcome,
}

/// A server, and its tags by the paths that have one.
struct Server {
    address: SocketAddr,
    client: Option<Client>,
    tags: Tags,
}

impl Server {
    fn new(address: SocketAddr) -> Self {
        let mut server = Self {
            address,
            client: None,
            tags: Tags::default(),
        };
        for path in tree::FILES {
            let asked = Asked::plain(path);
            if let Some(tag) = server.ask(&asked).tag {
                server.tags.insert(path.to_owned(), tag);
            }
        }
        server
    }

    fn ask(&mut self, asked: &Asked) -> Outcome {
        let mut client = self
            .client
            .take()
            .unwrap_or_else(|| Client::connect(self.address).unwrap());
        let fields = asked.fields(&self.tags);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
        let answer = client.request(asked.method, &asked.target, &fields, b"");
        let answer = answer.unwrap_or_else(|error| panic!("{asked:?} to {}: {error:#}", self.address));
        // nginx closes behind 412, though it says that it does not.
        if answer.status < 400 {
            self.client = Some(client);
        }
        Outcome::of(&answer)
    }
}

#[test]
fn real_nginx_sends_the_same_of_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("site");
    tree::grow(dir.path(), &root);
    let files = |path: &str, more: &str| {
        format!(
            "[[route]]\npath = \"{path}\"\nfiles = {{ root = \"{}\", precompressed = [\"gzip\"], max_ranges = 20, \
             types = {{ js = \"text/javascript\", gz = \"application/gzip\" }}, \
             expires = [{{ suffix = \".css\", after = \"0s\" }}]{more} }}\n",
            root.display()
        )
    };
    let gateway = start(&[files("/", ""), files("/list", ", listing = true")].concat());
    let (_nginx, nginx) = nginx(&root);
    let (mut ours, mut theirs) = (Server::new(gateway.addr()), Server::new(nginx));
    let mut random = Rng::with_seed(SEED);
    let (mut unexplained, mut needed) = (Vec::new(), vec![0; ENTRIES.len()]);
    for _ in 0..REQUESTS {
        let asked = Asked::draw(&mut random);
        let difference = Difference {
            ours: ours.ask(&asked),
            theirs: theirs.ask(&asked),
            asked,
        };
        if difference.ours == difference.theirs {
            continue;
        }
        match ENTRIES.iter().position(|entry| (entry.is_like)(&difference)) {
            Some(entry) => needed[entry] += 1,
            None => unexplained.push(difference),
        }
    }
    let shown: Vec<String> = unexplained.iter().take(SHOWN).map(Difference::shown).collect();
    assert!(
        unexplained.is_empty(),
        "{} differences:\n{}",
        unexplained.len(),
        shown.join("\n")
    );
    for (entry, times) in ENTRIES.iter().zip(needed) {
        assert!(times > 0, "never needed: {}", entry.reason);
        eprintln!("{times:5} {}", entry.reason);
    }
}

impl Difference {
    fn shown(&self) -> String {
        format!(
            "{:?}\n  ours   {:?}\n  theirs {:?}",
            self.asked, self.ours, self.theirs
        )
    }
}

/// nginx with the same files, and the same words where it has them.
fn nginx(root: &Path) -> (Process, SocketAddr) {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let listen = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
    let (path, root) = (dir.path().display(), root.display());
    let config = format!(
        "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log {path}/log;\nevents {{}}\nhttp {{\n\
         access_log off;\nsendfile on;\nkeepalive_requests 100000;\nclient_body_temp_path {path}/b;\n\
         proxy_temp_path {path}/p;\nfastcgi_temp_path {path}/f;\nuwsgi_temp_path {path}/u;\n\
         scgi_temp_path {path}/s;\n\
         types {{ text/html html; text/css css; text/javascript js; text/plain txt; application/gzip gz; }}\n\
         default_type application/octet-stream;\n\
         server {{ listen {listen}; root {root}; gzip_static on; gzip_vary on; max_ranges 20;\n\
         location /list/ {{ autoindex on; autoindex_format json; }}\n\
         location ~ \\.css$ {{ expires epoch; }} }}\n}}\n"
    );
    fs::write(dir.path().join("nginx.conf"), config).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-p")
        .arg(dir.path())
        .arg("-c")
        .arg(dir.path().join("nginx.conf"));
    let ready = move || Client::connect(listen).is_ok();
    let process = Process::start(command, dir, ready).expect("nginx starts");
    (process, listen)
}
