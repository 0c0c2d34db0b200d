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
