//! Probes against the servers that they were made for.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bridgehead::config;
use bridgehead::transport::{ConnectError, connect};
use bridgehead::upstream::UpstreamConfig;
use bridgehead::upstream::care::probe::{Busy, Cause, Prober, Verdict};
use rustix::process::{Pid, Signal, kill_process};
use testbed::{Backend, Kind, Options};

/// The upstream of a configuration with these settings.
pub(crate) fn upstream(protocol: &str, profile: &str, address: &str, settings: &str) -> UpstreamConfig {
    let text = format!(
        "[[listen]]\naddress = \"127.0.0.1:1\"\n[upstream.app]\nprotocol = \"{protocol}\"\nprofile = \"{profile}\"\n\
         endpoints = [\"{address}\"]\n{settings}\n[[route]]\nproxy = {{ upstream = \"app\" }}\n"
    );
    let (config, _) =
        config::parse("test", &text, &|_| None).unwrap_or_else(|failure| panic!("{}", failure.render(false)));
    config.upstreams.into_iter().next().unwrap()
}

/// Asks once, as configured.
pub(crate) fn ask(config: &UpstreamConfig) -> Verdict {
    let health = config.health.as_ref().unwrap();
    let endpoint = &config.endpoints[0];
    let asking = async {
        Prober::new(config, Default::default())
            .probe(endpoint, &health.probe, health.timeout)
            .await
    };
    runtime().block_on(asking)
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn asked(backend: &Backend, kind: Kind, settings: &str) -> String {
    // Without a timeout of its own a test does not want to see one: machines are slow at times.
    let patient = match settings {
        short if short.contains("timeout") => settings.to_owned(),
        _ => settings
            .replace("health = {}", "health = { timeout = \"20s\" }")
            .replace("health = { kind", "health = { timeout = \"20s\", kind")
            .replace("health = { path", "health = { timeout = \"20s\", path")
            .replace("health = { script", "health = { timeout = \"20s\", script"),
    };
    let config = upstream(kind.protocol(), kind.profile(), &backend.address(), &patient);
    format!("{:?}", ask(&config))
}

fn fpm(workers: usize, extra: &[&str]) -> Backend {
    let options = Options {
        workers,
        extra: extra.iter().map(|line| line.to_string()).collect(),
        ..Options::default()
    };
    Kind::PhpFpm.start(&options).unwrap()
}

/// Takes a worker, or a place in the backlog, for as long as the stream is open: half a request.
fn occupy(backend: &Backend) -> UnixStream {
    let mut stream = UnixStream::connect(backend.socket()).unwrap();
    stream
        .write_all(&[1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        .unwrap();
    stream
}

/// A server whose processes are stopped, until dropped.
pub(crate) struct Frozen(Vec<Pid>);

impl Frozen {
    /// Waits for the workers: a server that listens may be about to start them.
    pub(crate) fn new(backend: &Backend, workers: usize) -> Self {
        while backend.processes().len() <= workers {
            std::thread::sleep(Duration::from_millis(5));
        }
        let ids = backend.processes().into_iter();
        let frozen = Self(
            ids.filter_map(|id| Pid::from_raw(id.try_into().unwrap()))
                .collect(),
        );
        frozen.signal(Signal::STOP);
        frozen
    }

    fn signal(&self, signal: Signal) {
        for id in &self.0 {
            kill_process(*id, signal).unwrap();
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

#[test]
fn every_server_answers_the_probe_that_its_profile_chooses() {
    for kind in Kind::ALL {
        let backend = kind.start(&Options::default()).unwrap();
        assert_eq!(asked(&backend, kind, "health = {}"), "Alive", "{kind}");
    }
}

#[test]
fn php_fpm_answers_its_ping_path_and_requests() {
    let backend = fpm(1, &["ping.path = /fpm-ping"]);
    let script = testbed::script(Kind::PhpFpm);
    let script = script.display();
    for (health, verdict) in [
        ("path = \"/fpm-ping\"".to_owned(), "Alive"),
        ("path = \"/other\"".to_owned(), "Dead(Status(404))"),
        (format!("script = \"{script}\""), "Alive"),
        (format!("script = \"{script}\", method = \"HEAD\""), "Alive"),
        (
            format!("script = \"{script}\", body = \"no such text\""),
            "Dead(Body)",
        ),
        (
            format!("script = \"{script}\", status = 204"),
            "Dead(Status(200))",
        ),
        (
            format!("script = \"{script}\", status = 204, busy_status = 200"),
            "Busy(Status(200))",
        ),
        ("script = \"/does/not/exist.php\"".to_owned(), "Dead(Status(404))"),
        ("kind = \"connect\"".to_owned(), "Alive"),
    ] {
        let settings = format!("health = {{ {health} }}");
        assert_eq!(asked(&backend, Kind::PhpFpm, &settings), verdict, "{health}");
    }
}

#[test]
fn uwsgi_answers_a_ping_with_its_plugin_only() {
    let kind = Kind::UwsgiUwsgi;
    let mut options = Options::default();
    let settings = "health = { kind = \"ping\" }";
    assert_eq!(
        asked(&kind.start(&options).unwrap(), kind, settings),
        "Dead(NoPong)"
    );
    options.extra = ["--plugin", "ping"].map(str::to_owned).into();
    assert_eq!(asked(&kind.start(&options).unwrap(), kind, settings), "Alive");
}

#[test]
fn a_full_pool_is_silent_and_a_full_backlog_is_busy() {
    let backend = fpm(2, &["ping.path = /fpm-ping", "listen.backlog = 8"]);
    let taken = [occupy(&backend), occupy(&backend)];
    for health in ["path = \"/fpm-ping\"", "kind = \"get_values\""] {
        let settings = format!("health = {{ {health}, timeout = \"300ms\" }}");
        assert_eq!(asked(&backend, Kind::PhpFpm, &settings), "Silent");
    }
    let config = upstream("fastcgi", "php-fpm", &backend.address(), "health = {}");
    let address = &config.endpoints[0].address;
    let runtime = runtime();
    let mut waiting = Vec::new();
    while let Ok(stream) = runtime.block_on(connect(address, Duration::from_secs(1))) {
        waiting.push(stream);
    }
    let verdict = ask(&config);
    assert!(matches!(verdict, Verdict::Busy(Busy::Backlog)), "{verdict:?}");
    drop((taken, waiting));
    let settings = "health = { path = \"/fpm-ping\", timeout = \"20s\" }";
    let mut verdict = asked(&backend, Kind::PhpFpm, settings);
    // The workers may still be taking those who left out of the backlog.
    while verdict == "Busy(Backlog)" {
        verdict = asked(&backend, Kind::PhpFpm, settings);
    }
    assert_eq!(verdict, "Alive");
}

#[test]
fn what_is_stopped_is_dead() {
    for kind in [Kind::PhpFpm, Kind::UwsgiUwsgi, Kind::GunicornHttp] {
        let mut backend = kind.start(&Options::default()).unwrap();
        let config = upstream(kind.protocol(), kind.profile(), &backend.address(), "health = {}");
        backend.kill();
        let verdict = ask(&config);
        assert!(
            matches!(
                verdict,
                Verdict::Dead(Cause::Connect(ConnectError::Refused | ConnectError::Missing(_)))
            ),
            "{kind}: {verdict:?}"
        );
    }
}

#[test]
fn what_is_frozen_is_silent() {
    for kind in [Kind::PhpFpm, Kind::UwsgiScgi, Kind::GunicornHttp] {
        let backend = kind.start(&Options::default()).unwrap();
        let frozen = Frozen::new(&backend, Options::default().workers);
        let settings = "health = { timeout = \"200ms\" }";
        assert_eq!(asked(&backend, kind, settings), "Silent", "{kind}");
        drop(frozen);
        let settings = "health = { timeout = \"20s\" }";
        assert_eq!(asked(&backend, kind, settings), "Alive", "{kind}");
    }
}
