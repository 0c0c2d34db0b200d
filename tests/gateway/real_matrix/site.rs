//! A real server behind a gateway.

use std::collections::{BTreeMap, HashSet};
use std::fs;

use serde_json::Value;
use testbed::{Backend, Client, Gateway, Kind, Options, Response, app_dir, script};

use super::deviation::{self, Deviation};

/// A real server, and a gateway in front of it.
pub(super) struct Site {
    pub(super) kind: Kind,
    pub(super) backend: Backend,
    pub(super) gateway: Gateway,
    /// `keep_alive` of the upstream.
    pub(super) kept: usize,
}

impl Site {
    /// Starts both. The server has `workers` workers, and the gateway knows.
    pub(super) fn start(kind: Kind, workers: usize, kept: usize) -> Self {
        let options = Options {
            workers,
            ..Options::default()
        };
        let backend = kind.start(&options).unwrap();
        let gateway = crate::start(&configuration(&backend, workers, kept));
        Self {
            kind,
            backend,
            gateway,
            kept,
        }
    }

    /// Whether this server is known to do that.
    pub(super) fn deviates(&self, what: Deviation) -> bool {
        deviation::of(self.kind, what).is_some()
    }

    /// Where the application is mounted, if the server can be told: requests go there.
    pub(super) fn mount(&self) -> &'static str {
        if self.kind.protocol() == "http" { "" } else { MOUNT }
    }

    pub(super) fn client(&self) -> Client {
        Client::connect(self.gateway.addr()).unwrap()
    }

    /// `GET` below the mount.
    pub(super) fn get(&self, path: &str) -> Response {
        self.ask("GET", path, &[], b"")
    }

    /// A request below the mount, on a connection of its own. Its answer has to be complete.
    pub(super) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let target = format!("{}{path}", self.mount());
        let response = self.client().request(method, &target, headers, body).unwrap();
        assert!(response.complete, "{method} {target}: truncated");
        response
    }

    /// The variables that a `GET` of `/env` with these fields leads to.
    pub(super) fn variables(&self, headers: &[(&str, &str)]) -> BTreeMap<String, String> {
        variables(&self.ask("GET", "/env", headers, b""))
    }

    /// The line of the access log for the request whose target contains `mark`.
    pub(super) fn logged(&self, mark: &str) -> Value {
        let mut count = 1;
        loop {
            let lines = self.gateway.wait_access(count).unwrap();
            let mut parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
            let found = parsed.find(|line: &Value| line["target"].as_str().unwrap().contains(mark));
            if let Some(line) = found {
                return line;
            }
            count = lines.len() + 1;
        }
    }

    /// The gateway's connections to the server: its unix sockets, but for a constant number.
    pub(super) fn connections(&self) -> usize {
        let table = fs::read_to_string("/proc/net/unix").unwrap();
        let inode = |line: &str| line.split_ascii_whitespace().nth(6).map(str::to_owned);
        let sockets: HashSet<_> = table.lines().filter_map(inode).collect();
        let entries = fs::read_dir(format!("/proc/{}/fd", self.gateway.pid())).unwrap();
        let links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let names = links.map(|link| link.to_string_lossy().into_owned());
        names
            .filter_map(|name| Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .filter(|inode| sockets.contains(inode))
            .count()
    }
}

/// The object that `/env` answers.
pub(super) fn variables(response: &Response) -> BTreeMap<String, String> {
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_slice(&response.body).unwrap()
}

/// The application at `/` in the way that suits it, below [`MOUNT`], and unbuffered for the host [`DIRECT`].
fn configuration(backend: &Backend, workers: usize, kept: usize) -> String {
    let kind = backend.kind();
    let program = match kind {
        Kind::PhpFpm | Kind::PhpCgi | Kind::Fcgiwrap => {
            format!(", script_filename = {:?}", script(kind))
        }
        _ => String::new(),
    };
    let root = match kind {
        Kind::PhpFpm | Kind::PhpCgi => format!(
            "php = {{ upstream = \"app\", root = {:?}, front_controller = \"/index.php\" }}",
            app_dir(kind)
        ),
        _ => format!("proxy = {{ upstream = \"app\"{program} }}"),
    };
    // fcgiwrap gathers 8 KiB before it sends anything, unless it is told otherwise.
    let params = match kind {
        Kind::Fcgiwrap => "params = { NO_BUFFERING = \"1\" }",
        _ => "",
    };
    let mounted = match kind.protocol() {
        "http" => String::new(),
        _ => format!(
            "[[route]]\npath = \"{MOUNT}\"\nproxy = {{ upstream = \"app\", mount = \"{MOUNT}\"{program} }}\n{params}"
        ),
    };
    format!(
        r#"
        [server]
        temp_dir = "{{dir}}"
        head_fields = 200

        [upstream.app]
        protocol = "{protocol}"
        profile = "{profile}"
        endpoints = ["{address}"]
        max_connections = {workers}
        keep_alive = {kept}

        [[route]]
        path = "/"
        {root}
        {params}

        {mounted}

        [[route]]
        host = "{DIRECT}"
        proxy = {{ upstream = "app"{program} }}
        buffering = {{ request = false, response = false }}
        {params}
        "#,
        protocol = kind.protocol(),
        profile = kind.profile(),
        address = backend.address(),
    )
}

/// Where the application is mounted.
pub(super) const MOUNT: &str = "/app";

/// The host whose requests and answers are not buffered.
pub(super) const DIRECT: &str = "direct.example";
