//! Access logs of routes: where they go, what has a line and what is in it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use testbed::{Client, Gateway, Signal};

use super::ask;
use crate::http::frames::{GET, Http2, Outcome};
use crate::lifecycle::reload::reload;
use crate::start;

const CONFIG: &str = r#"
[log]
access = "{dir}/access.log"
access_format = "json"
error = "{dir}/error.log"
redact = ["token", "key"]
[snippet.quiet]
log = { except = ["/quiet/health", "*.css"] }
[[route]]
respond = { body = "main" }
[[route]]
path = "/off"
log = { access = "off" }
respond = {}
[[route]]
path = "/own"
log = { access = "{dir}/own.log", access_format = '{"host":"$host","uri":"$request_uri","args":"$args","ua":"$http_user_agent","cookie":"$http_cookie","status":"$status"}', escape = "json" }
respond = {}
[[route]]
path = "/same"
log = { access = "{dir}/own.log", access_format = "$request_method $uri $http_authorization $arg_token $http_referer" }
respond = {}
[[route]]
path = "/format"
log = { access_format = "combined" }
respond = {}
[[route]]
path = "/quiet"
use = "quiet"
respond = {}
[[route]]
path = "/errors"
log = { status = ["5xx", 404], access = "{dir}/own.log", access_format = "$status $uri" }
respond = { status = 404 }
[[route]]
path = "/errors/fine"
log = { status = ["5xx", 404] }
respond = { status = 403 }
[[route]]
path = "/inner"
internal = true
respond = {}
[[route]]
path = "/some"
log = { access = "{dir}/some.log", sample = 4 }
respond = {}
"#;

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The lines of a log as soon as there are so many.
#[track_caller]
fn wait(path: &Path, count: usize) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let lines = lines(path);
        if lines.len() >= count || Instant::now() > end {
            assert_eq!(lines.len(), count, "{}: {lines:?}", path.display());
            return lines;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A request by each version.
fn both(gateway: &Gateway, target: &str) {
    ask(gateway, "GET", "a.example", target, &[]);
    let head = GET.map(|(name, value)| {
        if name == ":path" {
            (name, target)
        } else {
            (name, value)
        }
    });
    let outcome = Http2::begin(Client::connect(gateway.addr()).unwrap()).ask(&head, b"");
    assert!(matches!(outcome, Outcome::Answer(..)), "{outcome:?}");
}

#[test]
fn routes_have_logs_of_their_own() {
    let gateway = start(CONFIG);
    for target in [
        "/off",
        "/quiet/health",
        "/quiet/a/b.css",
        "/errors/fine",
        "/quiet/health/x",
    ] {
        both(&gateway, target);
    }
    for target in ["/", "/quiet/page", "/quiet", "/format"] {
        both(&gateway, target);
    }
    let main = wait(&gateway.dir().join("access.log"), 8);
    assert_eq!(
        main.iter()
            .filter(|line| line.contains("\"target\":\"/quiet"))
            .count(),
        4
    );
    let combined = main.iter().filter(|line| line.contains("\"GET /format HTTP/"));
    assert_eq!(
        combined
            .filter(|line| line.contains(" host=\"a.example\""))
            .count(),
        2,
        "{main:?}"
    );
    both(&gateway, "/own");
    both(&gateway, "/same");
    both(&gateway, "/errors/x");
    let mut own = wait(&gateway.dir().join("own.log"), 6);
    own.sort();
    assert_eq!(own[..2], ["404 /errors/x", "404 /errors/x"]);
    let of_hosts = own[4..]
        .iter()
        .filter(|line| line.starts_with("{\"host\":\"a.example\",\"uri\":\"/own\","));
    assert_eq!(of_hosts.count(), 2, "{own:?}");
}

#[test]
fn one_of_so_many_requests_has_a_line() {
    let mut gateway = start(CONFIG);
    let mut client = Client::connect(gateway.addr()).unwrap();
    for _ in 0..400 {
        client.request("GET", "/some", &[("Host", "a")], b"").unwrap();
    }
    drop(client);
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait(Duration::from_secs(20)).unwrap();
    // By chance: 100 are expected, and eleven times the deviation is never seen.
    let count = lines(&gateway.dir().join("some.log")).len();
    assert!((5..=195).contains(&count), "{count} of 400");
}

#[test]
fn no_log_shows_credentials_and_listed_arguments() {
    let gateway = start(&CONFIG.replace("[log]\n", "[log]\nlevel = \"debug\"\n"));
    let fields = [
        ("Cookie", "session=secret"),
        ("Authorization", "Basic c2VjcmV0"),
        ("Referer", "https://b.example/?token=secret&a=1"),
        ("User-Agent", "test"),
    ];
    let target = "?a=1&token=secret&b=2&KEY=secret";
    for path in ["/", "/own", "/same", "/format", "/errors/x", "/inner"] {
        ask(&gateway, "GET", "a.example", &format!("{path}{target}"), &fields);
    }
    // Each came on a connection of its own: their lines have no order.
    let own = wait(&gateway.dir().join("own.log"), 3).join("\n");
    let main = wait(&gateway.dir().join("access.log"), 3).join("\n");
    let shown = "?a=1&token=REDACTED&b=2&KEY=REDACTED";
    for part in [
        format!("\"uri\":\"/own{shown}\",\"args\":\"{}\"", &shown[1..]),
        "\"cookie\":\"REDACTED\"".to_owned(),
        "GET /same REDACTED REDACTED https://b.example/?token=REDACTED&a=1".to_owned(),
    ] {
        assert!(own.contains(&part), "{part}: {own}");
    }
    assert!(main.contains(&format!("\"target\":\"/{shown}\"")), "{main}");
    gateway.wait_errors("request refused").unwrap();
    let logs = ["own.log", "access.log", "error.log"]
        .map(|name| fs::read_to_string(gateway.dir().join(name)).unwrap());
    assert!(
        logs.iter()
            .all(|log| !log.contains("secret") && !log.contains("c2VjcmV0")),
        "{logs:?}"
    );
    reload(
        &gateway,
        &CONFIG.replace("[log]\n", "[log]\ncredentials = true\n"),
    );
    ask(&gateway, "GET", "a.example", "/own", &fields);
    let own = wait(&gateway.dir().join("own.log"), 4);
    assert!(own[3].contains("\"cookie\":\"session=secret\""), "{}", own[3]);
}

#[test]
fn logs_of_routes_are_opened_again_and_change_with_a_reload() {
    let gateway = start(CONFIG);
    let path = |name: &str| gateway.dir().join(name);
    let mut client = Client::connect(gateway.addr()).unwrap();
    let mut get = |target: &str| {
        let answer = client.request("GET", target, &[("Host", "a")], b"").unwrap();
        assert_eq!(answer.status, 200);
    };
    get("/same");
    wait(&path("own.log"), 1);
    for name in ["own.log", "access.log", "error.log", "some.log"] {
        fs::rename(path(name), path(&format!("{name}.1"))).unwrap();
    }
    gateway.signal(Signal::USR1).unwrap();
    // Two logs of routes, the one of all others, and the error log itself.
    let opened = || {
        lines(&path("error.log"))
            .iter()
            .chain(&lines(&path("error.log.1")))
            .filter(|line| line.contains("log opened again"))
            .count()
    };
    let end = Instant::now() + Duration::from_secs(10);
    while opened() < 4 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(opened(), 4);
    get("/same");
    wait(&path("own.log"), 1);
    wait(&path("own.log.1"), 1);
    // Another file, and none for a while: nothing is lost, and what is not wanted any more is let go.
    reload(&gateway, &CONFIG.replace("own.log", "other.log"));
    get("/same");
    wait(&path("other.log"), 1);
    wait(&path("own.log"), 1);
    reload(&gateway, &CONFIG.replace("own.log", "third.log"));
    get("/same");
    wait(&path("third.log"), 1);
    let open = || {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", gateway.pid())).unwrap();
        let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok());
        targets.filter(|target| target.ends_with("own.log")).count()
    };
    while open() > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(open(), 0, "two reloads after its last use");
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path("third.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}: others may not read it");
}

#[test]
fn a_log_that_cannot_be_opened_keeps_the_configuration_that_is_there() {
    let gateway = start(CONFIG);
    gateway
        .write_config(&CONFIG.replace("some.log", "none/some.log"))
        .unwrap();
    gateway.signal(Signal::HUP).unwrap();
    let path = gateway.dir().join("error.log");
    let end = Instant::now() + Duration::from_secs(10);
    let told = || {
        lines(&path)
            .iter()
            .any(|line| line.contains("none/some.log") && line.contains("cannot open the access log"))
    };
    while !told() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(told(), "{:?}", lines(&path));
    ask(&gateway, "GET", "a", "/same", &[]);
    wait(&gateway.dir().join("own.log"), 1);
}

#[test]
fn the_logger_of_the_system_gets_a_datagram_for_each_request_and_holds_up_none() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("log.sock");
    let logger = UnixDatagram::bind(&socket).unwrap();
    logger.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let config = format!(
        "[log]\naccess = \"syslog:{} facility=local0 tag=shop\"\naccess_format = \"$status $request_uri\"\n\
         error = \"{{dir}}/error.log\"\n[[route]]\nrespond = {{}}\n\
         [[route]]\npath = \"/status\"\nstatus = {{ format = \"json\" }}\nlog = {{ access = \"off\" }}\n",
        socket.display()
    );
    let gateway = start(&config);
    let mut datagram = [0; 1024];
    let mut next = || {
        let length = logger.recv(&mut datagram).unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    };
    both(&gateway, "/a?b");
    for _ in 0..2 {
        let said = next();
        assert!(said.starts_with("<134>"), "{said}");
        assert!(
            said.contains(&format!(" shop[{}]: 200 /a?b", gateway.pid())),
            "{said}"
        );
    }
    // A logger that reads nothing: requests go on, and what is lost is counted.
    let mut client = Client::connect(gateway.addr()).unwrap();
    for _ in 0..2000 {
        assert_eq!(
            client.request("GET", "/", &[("Host", "a")], b"").unwrap().status,
            200
        );
    }
    let lost = || {
        let status = ask(&gateway, "GET", "a", "/status", &[]).text();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["counters"]["access_lines_dropped_total"].as_u64().unwrap()
    };
    let end = Instant::now() + Duration::from_secs(10);
    while lost() == 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!((1..2000).contains(&lost()), "{}", lost());
    let told = gateway.wait_errors("lines of the access log are lost").unwrap();
    assert!(told.contains("log.sock"), "{told}");
}
