//! The layers of `src/lib.rs`, executable: no module uses one that it must not know.
//!
//! Test code is exempt: what follows `#[cfg(test)]` in a file is not read.

use std::fs;
use std::path::PathBuf;

use super::sources::sources;

/// A module of ours, the modules of ours that it may use, and the outside crates that it may use.
struct Layer {
    module: &'static str,
    ours: &'static [&'static str],
    crates: &'static [&'static str],
}

/// From the bottom up. `std` and `thiserror` are everybody's.
const LAYERS: &[Layer] = &[
    Layer {
        module: "protocol",
        ours: &[],
        crates: &["bytes", "http", "nom", "memchr"],
    },
    Layer {
        module: "variables",
        ours: &["protocol"],
        crates: &[],
    },
    Layer {
        module: "tally",
        ours: &[],
        crates: &[],
    },
    Layer {
        module: "telemetry",
        ours: &["variables"],
        crates: &["arc_swap", "tracing", "tracing_subscriber", "jiff", "memchr"],
    },
    Layer {
        module: "transport",
        ours: &["telemetry"],
        crates: &[
            "aws_lc_rs",
            "bytes",
            "hickory_resolver",
            "nix",
            "rustix",
            "rustls",
            "rustls_native_certs",
            "socket2",
            "tokio",
            "tokio_util",
            "tracing",
            "x509_parser",
        ],
    },
    Layer {
        module: "spool",
        ours: &["telemetry"],
        crates: &["tokio", "tempfile", "bytes", "rustix", "tracing"],
    },
    Layer {
        module: "framed",
        ours: &["protocol"],
        crates: &["tokio", "tokio_util", "bytes", "http"],
    },
    Layer {
        module: "acme",
        ours: &["protocol", "transport", "framed", "telemetry"],
        crates: &[
            "aws_lc_rs",
            "bytes",
            "http",
            "httpdate",
            "jiff",
            "rcgen",
            "rustix",
            "serde",
            "serde_json",
            "socket2",
            "tempfile",
            "tokio",
            "tracing",
            "x509_parser",
        ],
    },
    Layer {
        module: "upstream",
        ours: &[
            "protocol",
            "tally",
            "variables",
            "transport",
            "spool",
            "telemetry",
        ],
        crates: &[
            "arc_swap",
            "tokio",
            "tokio_util",
            "bytes",
            "http",
            "tracing",
            "crc32fast",
            "fastrand",
            "getrandom",
            "hmac",
            "serde",
            "serde_json",
            "sha2",
        ],
    },
    Layer {
        module: "process",
        ours: &["transport"],
        crates: &[
            "fastrand",
            "nix",
            "rustix",
            "serde",
            "serde_json",
            "socket2",
            "tempfile",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        module: "passwords",
        ours: &[],
        crates: &[
            "argon2",
            "bcrypt",
            "getrandom",
            "hmac",
            "md5",
            "sha2",
            "sha_crypt",
            "subtle",
        ],
    },
    Layer {
        module: "files",
        ours: &["protocol", "spool", "telemetry"],
        crates: &[
            "arc_swap",
            "bytes",
            "fastrand",
            "http",
            "httpdate",
            "memchr",
            "mime_guess",
            "percent_encoding",
            "rustix",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        module: "compression",
        ours: &["protocol"],
        crates: &["crc32fast", "flate2", "zstd"],
    },
    Layer {
        module: "demo",
        ours: &["protocol", "framed", "transport"],
        crates: &[
            "bytes",
            "http",
            "percent_encoding",
            "serde_json",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        module: "frontend",
        ours: &[
            "acme",
            "upstream",
            "files",
            "compression",
            "passwords",
            "protocol",
            "tally",
            "variables",
            "transport",
            "spool",
            "telemetry",
        ],
        crates: &[
            "arc_swap",
            "bytes",
            "fastrand",
            "h2",
            "http",
            "httpdate",
            "ipnet",
            "memchr",
            "percent_encoding",
            "regex",
            "serde_json",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        module: "config",
        ours: &[
            "acme",
            "frontend",
            "process",
            "upstream",
            "compression",
            "files",
            "protocol",
            "variables",
            "transport",
            "spool",
            "telemetry",
        ],
        crates: &[
            "annotate_snippets",
            "bytes",
            "http",
            "ipnet",
            "serde",
            "serde_json",
            "toml",
            "tracing",
        ],
    },
    Layer {
        module: "app",
        ours: &[
            "acme",
            "config",
            "frontend",
            "process",
            "upstream",
            "files",
            "protocol",
            "transport",
            "spool",
            "telemetry",
        ],
        crates: &[
            "anyhow",
            "bytes",
            "http",
            "listenfd",
            "nix",
            "rustix",
            "sd_notify",
            "serde",
            "serde_json",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        module: "cli",
        ours: &[
            "acme",
            "app",
            "config",
            "demo",
            "framed",
            "process",
            "protocol",
            "telemetry",
            "transport",
        ],
        crates: &[
            "anyhow",
            "bytes",
            "clap",
            "http",
            "memchr",
            "percent_encoding",
            "serde_json",
            "tempfile",
            "tokio",
            "tokio_util",
            "toml",
            "tracing",
        ],
    },
];

/// Asks for users and groups.
const ACCOUNTS: &str = "transport/account.rs";

/// Files that begin so name h2.
const H2: &str = "frontend/edge/http2";

#[test]
fn every_module_has_a_layer_and_every_layer_a_module() {
    let mut modules: Vec<String> = fs::read_dir(source())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    modules.sort();
    let mut layers: Vec<_> = LAYERS.iter().map(|layer| layer.module).collect();
    layers.sort_unstable();
    assert_eq!(modules, layers);
}

#[test]
fn no_module_uses_a_layer_that_it_must_not_know() {
    let mut violations = Vec::new();
    for layer in LAYERS {
        for (file, code) in files(layer.module) {
            for used in after(&code, "crate::") {
                if used != layer.module && !layer.ours.contains(&used.as_str()) && is_module(&used) {
                    violations.push(format!("{file}: {} must not know {used}", layer.module));
                }
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn no_module_uses_a_crate_that_is_not_its() {
    let all: Vec<&str> = LAYERS
        .iter()
        .flat_map(|layer| layer.crates.iter().copied())
        .collect();
    let mut violations = Vec::new();
    for layer in LAYERS {
        for (file, code) in files(layer.module) {
            for used in all.iter().filter(|name| uses(&code, name)) {
                if !layer.crates.contains(used) {
                    violations.push(format!("{file}: {} must not use {used}", layer.module));
                }
            }
            if uses(&code, "h2") && !file.starts_with(H2) {
                violations.push(format!("{file}: only {H2} knows h2"));
            }
        }
    }
    violations.sort();
    violations.dedup();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn codecs_know_no_sockets_no_clock_and_no_tasks() {
    for (file, code) in files("protocol") {
        for banned in [
            "std::net::Tcp",
            "std::os::unix::net",
            "std::fs",
            "Instant",
            "SystemTime",
            "std::thread",
        ] {
            assert!(!code.contains(banned), "{file} uses {banned}");
        }
    }
}

/// The system may ask a directory service that does not answer (nsswitch.conf(5)): what shows an error does not, and what
/// asks says so in its documentation.
#[test]
fn users_and_groups_are_looked_up_in_one_file() {
    for layer in LAYERS {
        for (file, code) in files(layer.module) {
            let asks = ["User::from_", "Group::from_"]
                .iter()
                .any(|call| code.contains(call));
            assert!(!asks || file == ACCOUNTS, "{file} looks users up");
            let shows = code.split("Display for").skip(1);
            for shown in shows.map(|shown| shown.split("\nimpl ").next().unwrap_or(shown)) {
                let asks = ["account::user", "account::group", "account::known"];
                let asks = asks.iter().any(|call| shown.contains(call));
                assert!(!asks, "{file} looks users up to show something");
            }
        }
    }
}

fn source() -> PathBuf {
    testbed::workspace().join("src")
}

fn is_module(name: &str) -> bool {
    LAYERS.iter().any(|layer| layer.module == name)
}

/// The files of a module with their code: no comments, no tests.
fn files(module: &str) -> Vec<(String, String)> {
    let files = sources(&source().join(module)).into_iter();
    files
        .map(|(name, text)| (format!("{module}/{name}"), code(&text)))
        .collect()
}

fn code(text: &str) -> String {
    let body = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    body.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The identifiers that follow `prefix`, those of a brace group included.
fn after(code: &str, prefix: &str) -> Vec<String> {
    let identifier = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let starts = code
        .match_indices(prefix)
        .map(|(at, _)| &code[at + prefix.len()..]);
    starts
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split(';').next().unwrap_or_default();
                group.split(',').map(|item| identifier(item.trim())).collect()
            }
            None => vec![identifier(rest)],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether a path in the code starts with the crate's name: `http::` and `::http::`, but not `super::http::`.
fn uses(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].strip_suffix("::").unwrap_or(&code[..at]);
        !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[test]
fn a_crate_is_told_from_a_module_of_the_same_name() {
    assert!(uses("use http::Uri;", "http"));
    assert!(uses("-> ::http::Response<()>", "http"));
    assert!(!uses("use super::http::HttpBody;", "http"));
    assert!(!uses("xhttp::Uri", "http"));
}
