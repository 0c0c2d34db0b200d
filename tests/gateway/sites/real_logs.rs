//! Programs that read access logs: GoAccess, and fail2ban with a filter of its own and with ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use testbed::Signal;

use super::ask;
use crate::start;

/// The log of some requests in a format, `route` in place of all others.
fn log(dir: &Path, format: &str, escape: &str) -> PathBuf {
    let path = dir.join("site.log");
    let mut gateway = start(&format!(
        "[[route]]\nlog = {{ access = \"{}\", access_format = '{format}'{escape} }}\nrespond = {{ body = \"fine\" }}\n\
         [[route]]\npath = \"/phpmyadmin\"\nlog = {{ access = \"{}\", access_format = '{format}'{escape} }}\n\
         respond = {{ status = 404, body = \"none\" }}\n",
        path.display(),
        path.display()
    ));
    let browser = (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    );
    for (host, target) in [
        ("shop.example", "/page"),
        ("shop.example", "/page?a=%22"),
        ("blog.example", "/other"),
        ("blog.example", "/phpmyadmin/scripts/setup.php"),
    ] {
        ask(
            &gateway,
            "GET",
            host,
            target,
            &[browser, ("Referer", "https://a.example/\"")],
        );
    }
    // Stopped, it has written all of it.
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait(Duration::from_secs(20)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 4);
    path
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("install goaccess and fail2ban");
    assert!(output.status.success(), "{output:?}");
    output
}

/// What GoAccess makes of a log.
fn goaccess(log: &Path, format: &[&str]) -> serde_json::Value {
    let report = log.with_extension("json");
    let mut command = Command::new("/usr/bin/goaccess");
    command.arg(log).args(format).arg("-o").arg(&report);
    run(command.args(["--no-global-config", "--no-progress"]));
    serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap()
}

#[test]
fn real_goaccess_reads_both_formats() {
    let json = "{\"time\":\"%dT%t.%^\",\"remote\":\"%h\",\"method\":\"%m\",\"host\":\"%v\",\"target\":\"%U\",\
                \"version\":\"%H\",\"status\":\"%s\",\"response_bytes\":\"%b\",\"referer\":\"%R\",\
                \"user_agent\":\"%u\",\"total_us\":\"%D\"}";
    let of_json = [
        "--log-format",
        json,
        "--date-format",
        "%Y-%m-%d",
        "--time-format",
        "%H:%M:%S",
    ];
    for (format, options) in [("combined", &["--log-format=COMBINED"][..]), ("json", &of_json)] {
        let dir = tempfile::tempdir().unwrap();
        let report = goaccess(&log(dir.path(), format, ""), options);
        let general = &report["general"];
        assert_eq!(general["valid_requests"], 4, "{format}: {general}");
        assert_eq!(general["failed_requests"], 0, "{format}: {general}");
        let missing = &report["not_found"]["data"][0]["data"];
        assert_eq!(missing, "/phpmyadmin/scripts/setup.php", "{format}");
        let browsers = report["browsers"]["data"].to_string();
        assert!(browsers.contains("Firefox"), "{format}: {browsers}");
        if format == "json" {
            let hosts = report["vhosts"]["data"].to_string();
            assert!(
                hosts.contains("shop.example") && hosts.contains("blog.example"),
                "{hosts}"
            );
        }
    }
}

#[test]
fn real_fail2ban_finds_addresses_in_the_combined_format() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), "combined", "");
    let mut command = Command::new("/usr/bin/fail2ban-regex");
    let output = run(command
        .arg(&log)
        .arg("/etc/fail2ban/filter.d/nginx-botsearch.conf"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("Lines: 4 lines, 0 ignored, 1 matched, 3 missed"),
        "{text}"
    );
}

/// What a limit has written; a client cannot have another address banned by what it sends.
#[test]
fn real_fail2ban_finds_addresses_that_were_refused_for_a_limit() {
    let mut gateway = start(
        "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         [limit.a]\nrate = \"1r/h\"\nburst = 0\n[limit.dry]\nrate = \"1r/h\"\nburst = 0\ndry_run = true\n\
         [[route]]\nlimits = { shared = \"a\" }\nrespond = {}\n\
         [[route]]\npath = \"/dry\"\nlimits = { shared = \"dry\" }\nrespond = {}\n",
    );
    let forged = "/ WARN request limited client=198.51.100.1 limit=\"a\""
        .replace(' ', "%20")
        .replace('"', "%22");
    for (ip, target) in [
        ("192.0.2.1", &*forged),
        ("192.0.2.1", &*forged),
        ("2001:db8::1", "/"),
        ("2001:db8::2", "/"),
        ("192.0.2.2", "/dry"),
        ("192.0.2.2", "/dry"),
        ("192.0.2.3", "/"),
    ] {
        ask(&gateway, "GET", "a.test", target, &[("X-Forwarded-For", ip)]);
    }
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait(Duration::from_secs(20)).unwrap();
    let log = gateway.dir().join("error.log");
    let filter = testbed::workspace().join("packaging/fail2ban/filter.d/bridgehead.conf");
    let output = run(Command::new("/usr/bin/fail2ban-regex")
        .args(["-o", "ip"])
        .arg(&log)
        .arg(&filter));
    let found = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        found.split_whitespace().collect::<Vec<_>>(),
        ["192.0.2.1", "2001:db8::2"],
        "{}",
        gateway.errors()
    );
}
