//! A gateway with an application of each kind. The application answers with the target and the length of the body, writes
//! down each POST that it has got, and answers `/pid` with the id of the worker.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testbed::{Client, Gateway, ensure_venv};

/// A server program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    PhpFpm,
    Gunicorn,
    Uwsgi,
    /// A program that takes the listening socket and answers itself.
    Command,
}

/// A gateway, its application, and where that is.
pub(super) struct Site {
    pub(super) gateway: Gateway,
    pub(super) server: Server,
    pub(super) dir: TempDir,
}

impl Site {
    /// The gateway; `more` goes into the table of the application.
    pub(super) fn start(server: Server, more: &str) -> Self {
        let dir = TempDir::with_prefix("bh-").unwrap();
        // Applications may run as other users.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        release(server, dir.path(), "");
        let gateway = crate::start(&config(server, dir.path(), more));
        Self { gateway, server, dir }
    }

    /// Another configuration for the next reload.
    pub(super) fn configure(&self, more: &str) {
        self.configure_at(self.dir.path(), more);
    }

    /// The same, with the application in another directory.
    pub(super) fn configure_at(&self, dir: &Path, more: &str) {
        self.gateway
            .write_config(&config(self.server, dir, more))
            .unwrap();
    }

    /// Waits for the line that says that a generation serves.
    pub(super) fn wait_generation(&self, number: u32) {
        let text = format!("the application serves app=\"shop\" generation={number}");
        eventually(&self.gateway, &text, || self.gateway.errors().contains(&text));
    }

    /// An answer to a GET.
    pub(super) fn get(&self, target: &str) -> (u16, String) {
        let mut client = Client::connect(self.gateway.addr()).unwrap();
        let answer = client.request("GET", target, &[], b"").unwrap();
        (answer.status, answer.text())
    }

    /// The first process of the generation that was started last.
    pub(super) fn master(&self) -> u32 {
        let errors = self.gateway.errors();
        let lines = errors
            .lines()
            .filter(|line| line.contains("starting the application"));
        let mut pids = lines.filter_map(|line| line.split("pid=").nth(1)?.split(' ').next()?.parse().ok());
        pids.next_back().unwrap()
    }

    /// The POST requests that the application has got, once each.
    pub(super) fn posts(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("posts")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Writes the application; `more` stands in front of what it does with a request.
pub(super) fn release(server: Server, dir: &Path, more: &str) {
    let posts = dir.join("posts");
    let posts = posts.display();
    let (name, text) = match server {
        Server::PhpFpm => (
            "index.php",
            format!(
                "<?php {more}\n$body = file_get_contents('php://input');\n$uri = $_SERVER['REQUEST_URI'];\n\
                 if ($_SERVER['REQUEST_METHOD'] === 'POST') file_put_contents('{posts}', \"$uri\\n\", FILE_APPEND);\n\
                 header('Content-Type: text/plain');\n\
                 echo $uri === '/pid' ? getmypid() : $uri . ' ' . strlen($body);\n"
            ),
        ),
        Server::Gunicorn | Server::Uwsgi => (
            "shop.py",
            format!("{more}\n{}", WSGI.replace("POSTS", &posts.to_string())),
        ),
        Server::Command => (
            "server.py",
            format!("{more}\n{}", SOCKET.replace("POSTS", &posts.to_string())),
        ),
    };
    // As releases come: the file is another one.
    let new = dir.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, dir.join(name)).unwrap();
}

fn config(server: Server, dir: &Path, more: &str) -> String {
    let root = dir.display();
    let environment = || ensure_venv().unwrap().join("bin/gunicorn");
    let (app, upstream, route) = match server {
        Server::PhpFpm => (
            "kind = \"php-fpm\"\nuser = \"root\"\nworkers = 4\nargs = [\"-n\", \"-d\", \"display_errors=0\"]".to_owned(),
            "profile = \"php-fpm\"",
            format!("php = {{ upstream = \"shop\", root = \"{root}\", front_controller = \"/index.php\" }}"),
        ),
        Server::Gunicorn => (
            format!(
                "kind = \"gunicorn\"\nprogram = \"{}\"\napplication = \"shop:application\"\nworkers = 4\n\
                 args = [\"--no-control-socket\"]",
                environment().display()
            ),
            "protocol = \"http\"\nprofile = \"gunicorn\"",
            PROXY.to_owned(),
        ),
        Server::Uwsgi => (
            "kind = \"uwsgi\"\napplication = \"shop\"\nworkers = 4\nargs = [\"--plugin\", \"python3\", \"--chdir\", \".\"]"
                .to_owned(),
            "protocol = \"uwsgi\"\nprofile = \"uwsgi\"",
            PROXY.to_owned(),
        ),
        Server::Command => (
            "kind = \"command\"\ncommand = [\"/usr/bin/python3\", \"server.py\", \"{fd}\"]".to_owned(),
            "protocol = \"http\"\nmax_connections = 8",
            PROXY.to_owned(),
        ),
    };
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\npid_file = \"{{dir}}/pid\"\n\
         [app.shop]\n{app}\ndirectory = \"{root}\"\n{more}\n\
         [upstream.shop]\n{upstream}\nendpoints = [\"app:shop\"]\n[[route]]\n{route}\n"
    )
}

/// Waits until something holds; else the error log says why it does not.
#[track_caller]
pub(super) fn eventually(gateway: &Gateway, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}\n{}", gateway.errors());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to one process.
pub(super) fn signal_process(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The processes of a group, by its leader.
pub(super) fn members(leader: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let group = |pid: &u32| {
        let stat = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).unwrap_or_default();
        let rest = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.to_owned())
            .unwrap_or_default();
        let words: Vec<_> = rest.split(' ').map(str::to_owned).collect();
        words.first().is_some_and(|state| state != "Z") && words.get(2) == Some(&leader.to_string())
    };
    pids.filter(group).collect()
}

const PROXY: &str = "proxy = { upstream = \"shop\" }";

const WSGI: &str = "import os

def application(environ, start_response):
    uri = environ['PATH_INFO']
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    if environ['REQUEST_METHOD'] == 'POST':
        with open('POSTS', 'a') as posts:
            posts.write(uri + '\\n')
    text = str(os.getpid()) if uri == '/pid' else f'{uri} {len(body)}'
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(text)))])
    return [text.encode()]
";

/// Like uvicorn, it says nothing when it is ready.
const SOCKET: &str = "import http.server, os, signal, socket, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        if self.command == 'POST':
            with open('POSTS', 'a') as posts:
                posts.write(self.path + '\\n')
        text = os.environ.get(self.path[5:], '') if self.path.startswith('/env/') else f'{self.path} {len(body)}'
        text = str(os.getpid()) if self.path == '/pid' else text
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    do_POST = do_GET
    def log_message(self, *_):
        pass
    def address_string(self):
        return ''

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    def __init__(self, fd):
        super().__init__(('', 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=fd)
    def get_request(self):
        connection, _ = self.socket.accept()
        return connection, ('', 0)

server = Server(int(sys.argv[1]))
import threading
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print('up', flush=True)
server.serve_forever(poll_interval=0.05)
server.server_close()
";
