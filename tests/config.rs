//! Configuration files: every example loads and survives printing, every mistake is explained.
//!
//! `BLESS=1 cargo test --test config` rewrites the expected explanations.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use bridgehead::config::{self, Config, Diagnostic, Failure};

/// The only environment that the fixtures see.
fn env(name: &str) -> Option<String> {
    match name {
        "SITE" | "PUBLIC_HOST" => Some("shop.example".to_owned()),
        "WORKERS" => Some("3".to_owned()),
        "APP_SECRET" => Some("a ${tricky} \"secret\"".to_owned()),
        _ => None,
    }
}

fn files(dir: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{dir}: {error}"));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty(), "no files in {dir}");
    files
}

/// Files that are to be right.
fn right() -> Vec<PathBuf> {
    [
        files("fixtures/config/valid"),
        files("examples/configs"),
        files("examples/systemd"),
    ]
    .concat()
}

/// Those of them that this build can use.
fn usable() -> Vec<PathBuf> {
    for_this_build(right())
}

/// A build without TLS refuses what needs it.
fn for_this_build(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|path| cfg!(feature = "tls") || !needs_tls(path));
    files
}

fn needs_tls(path: &Path) -> bool {
    let text = fs::read_to_string(path).expect("a readable file");
    text.lines().any(|line| line.starts_with("tls = "))
}

fn load(path: &Path) -> (Config, Vec<Diagnostic>) {
    config::load(path, &env).unwrap_or_else(|failure| panic!("{}", failure.render(false)))
}

/// What `bridgehead check` says about a file, with nothing else than the file's path in it.
fn explanation(path: &Path) -> String {
    match config::load(path, &env) {
        Ok((_, warnings)) => warnings
            .iter()
            .map(|warning| warning.render(false))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(failure) => failure.render(false),
    }
}

#[test]
fn examples_load_without_complaints() {
    for path in usable() {
        let (_, warnings) = load(&path);
        assert_eq!(warnings, [], "{}", path.display());
    }
}

#[test]
fn printed_configurations_mean_the_same() {
    for path in usable().into_iter().chain(files("fixtures/config/warning")) {
        let (config, _) = load(&path);
        let text = config::print(&config);
        let secrets = secrets(&config);
        let lookup = |name: &str| secrets.get(name).cloned();
        let (again, _) = config::parse("printed", &text, &lookup)
            .unwrap_or_else(|failure| panic!("{}\n{text}", failure.render(false)));
        assert_eq!(again, config, "{}\n{text}", path.display());
        assert_eq!(config::print(&again), text);
    }
}

/// Files without warnings, that is: every default that is printed has to be fine, too.
#[test]
fn what_is_printed_of_a_fine_file_is_fine() {
    for path in usable() {
        let (config, _) = load(&path);
        let secrets = secrets(&config);
        let lookup = |name: &str| secrets.get(name).cloned();
        let printed = config::print(&config);
        let (_, warnings) = config::parse("printed", &printed, &lookup).expect("what is printed can be read");
        assert_eq!(warnings, [], "{}", path.display());
    }
}

/// The secrets of a configuration, by the variables that stand for them in what is printed.
fn secrets(config: &Config) -> HashMap<String, String> {
    let sticky = config
        .upstreams
        .iter()
        .filter_map(|upstream| Some((upstream, upstream.sticky.as_ref()?.secret.as_ref()?)));
    sticky
        .map(|(upstream, secret)| {
            let name = upstream.name.to_ascii_uppercase();
            let secret = String::from_utf8(secret.as_bytes().to_vec()).expect("it was text in the file");
            (format!("UPSTREAM_{name}_STICKY_SECRET"), secret)
        })
        .chain(directories(config))
        .chain(tickets(config))
        .chain(environments(config))
        .collect()
}

/// The variables of applications.
fn environments(config: &Config) -> impl Iterator<Item = (String, String)> {
    config.apps.iter().flat_map(|app| {
        let name = app.name.to_ascii_uppercase();
        app.env.iter().map(move |(variable, secret)| {
            let secret = String::from_utf8(secret.as_bytes().to_vec()).expect("it was text in the file");
            (
                format!("APP_{name}_ENV_{}", variable.to_ascii_uppercase()),
                secret,
            )
        })
    })
}

/// What the keys of tickets are made of.
fn tickets(config: &Config) -> Option<(String, String)> {
    let secret = config.tls.ticket_secret.as_ref()?;
    let secret = String::from_utf8(secret.as_bytes().to_vec()).expect("it was text in the file");
    Some(("TLS_TICKET_SECRET".to_owned(), secret))
}

/// The keys of customers of directories.
fn directories(config: &Config) -> impl Iterator<Item = (String, String)> {
    let directories = (1..).zip(&config.acme.directories);
    directories.filter_map(|(number, directory)| {
        let key = directory.eab.as_ref()?.key.clone();
        Some((format!("ACME_DIRECTORY_{number}_EAB_KEY"), key))
    })
}

#[test]
fn secrets_are_never_printed() {
    let mut hidden = 0;
    for path in usable() {
        let (config, _) = load(&path);
        let text = config::print(&config);
        for (name, secret) in secrets(&config) {
            // Parts of the secrets that no quoting would change.
            let parts = ["0123456", "789abc", "tricky"];
            assert!(
                parts.iter().any(|part| secret.contains(part)),
                "{}",
                path.display()
            );
            assert!(!parts.iter().any(|part| text.contains(part)), "{text}");
            assert!(text.contains(&format!(" = \"${{{name}}}\"")), "{text}");
            let note = format!("# Secrets are not shown. To use this file, set in the environment: {name}\n");
            assert!(text.starts_with(&note), "{text}");
            hidden += 1;
        }
    }
    assert!(hidden >= 2, "the fixtures have secrets");
}

#[test]
fn a_printed_secret_that_is_not_set_is_missed() {
    let (config, _) = load(Path::new("examples/configs/load-balanced.toml"));
    let failure = config::parse("printed", &config::print(&config), &|_| None).unwrap_err();
    let said = failure.render(false);
    assert!(said.contains("`UPSTREAM_PHP_STICKY_SECRET` is not set"), "{said}");
}

#[test]
fn two_secrets_never_share_a_variable() {
    let upstream = |name: &str, secret: &str| {
        format!(
            "[upstream.\"{name}\"]\nprotocol = \"scgi\"\nendpoints = [\"10.0.0.1:1\"]\n\
             sticky = {{ secret = \"{secret}\" }}\n[[route]]\npath = \"/{name}\"\nproxy = {{ upstream = \"{name}\" }}\n"
        )
    };
    let text = "[[listen]]\naddress = \"127.0.0.1:80\"\n".to_owned()
        + &upstream("a.b", "0123456789abcdef")
        + &upstream("a-b", "fedcba9876543210");
    let (config, _) = config::parse("two.toml", &text, &|_| None).unwrap();
    let printed = config::print(&config);
    assert!(printed.contains("${UPSTREAM_A_B_STICKY_SECRET}"), "{printed}");
    assert!(printed.contains("${UPSTREAM_A_B_STICKY_SECRET_}"), "{printed}");
}

#[test]
fn the_reference_page_is_current() {
    let (page, current) = ("docs/configuration.md", config::reference());
    if std::env::var_os("BLESS").is_some() {
        fs::write(page, &current).unwrap();
    }
    assert!(
        fs::read_to_string(page).unwrap_or_default() == current,
        "{page} is not what src/config declares: cargo run -- check --reference > {page}"
    );
}

#[test]
fn the_reference_page_has_every_key_with_its_default() {
    let page = config::reference();
    for line in [
        "| `head` | duration above zero | `\"1m\"` |",
        "| `protocol` | `\"fastcgi\"`, `\"uwsgi\"`, `\"scgi\"`, `\"http\"` |",
        "| `upstream` | string | required | Name of the upstream. |",
        "| `workers` | number from 1 to 1024 | the cores that the process may use | Runtime threads. |",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    for (name, table) in config::schema()["$defs"].as_object().unwrap() {
        for key in table["properties"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("\n| `{key}` |")), "{key} of {name}");
        }
    }
}

/// One of them has TLS.
#[cfg(feature = "tls")]
#[test]
fn the_examples_of_the_reference_page_are_a_configuration() {
    let page = config::reference();
    let examples = page.split("```toml\n").skip(1);
    let text: String = examples.map(|rest| rest.split("```").next().unwrap()).collect();
    let (config, warnings) =
        config::parse("examples", &text, &env).unwrap_or_else(|failure| panic!("{}", failure.render(false)));
    assert_eq!((warnings, config.upstreams.len()), (vec![], 3), "{text}");
}

#[test]
fn mistakes_are_explained() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in for_this_build([files("fixtures/config/invalid"), files("fixtures/config/warning")].concat())
    {
        let expected = path.with_extension("stderr");
        let found = explanation(&path);
        if bless {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "not as in the .stderr files (BLESS=1 rewrites them):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn invalid_files_are_refused_and_doubtful_ones_are_not() {
    for path in files("fixtures/config/invalid") {
        assert!(
            matches!(config::load(&path, &env), Err(Failure::Invalid(_))),
            "{}",
            path.display()
        );
    }
    for path in files("fixtures/config/warning") {
        assert!(!load(&path).1.is_empty(), "{}", path.display());
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_refuses_what_needs_it_and_says_how_to_get_it() {
    let needing: Vec<_> = right().into_iter().filter(|path| needs_tls(path)).collect();
    assert!(needing.len() >= 3, "{needing:?}");
    for path in needing {
        let said = explanation(&path);
        let errors = said
            .matches("error: this program was built without TLS\n")
            .count();
        assert_eq!(
            said.matches("error: ").count(),
            errors + 1,
            "and the sum of them:\n{said}"
        );
        assert!(
            errors > 0 && said.contains("build it with the feature `tls`"),
            "{said}"
        );
    }
}

#[test]
fn secrets_are_not_shown_in_complaints() {
    let secret = |_: &str| Some("hunter2".to_owned());
    let text = "server = '${S}'\nlisten = ['${S}']\n[upstream.'x']\nendpoints = ['${S}']\nqueue = '${S}'\n\
        [[route]]\nproxy = '${S}'\nparams = { a = '${S}' }\nheaders = { 'a b' = '${S}', b = \"${S}\\n\" }";
    let failure = config::parse("secret.toml", text, &secret).unwrap_err();
    let shown = failure.render(false);
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Every cut makes another half-finished file: none may panic, here or while the complaint is drawn.
#[test]
fn files_that_end_anywhere_are_explained() {
    for path in [files("fixtures/config/invalid"), files("fixtures/config/valid")].concat() {
        let text = fs::read_to_string(&path).unwrap();
        // Every place of a small file; of a large one some, or it would take minutes.
        let step = 1 + text.len() / 150;
        for (cut, _) in text.char_indices().step_by(step) {
            match config::parse("cut.toml", &text[..cut], &env) {
                Ok((_, warnings)) => warnings.iter().for_each(|warning| drop(warning.render(true))),
                Err(failure) => {
                    drop(failure.render(true));
                    assert!(failure.render(false).ends_with("in the configuration\n"));
                }
            }
        }
    }
}

#[test]
fn an_unreadable_file_is_named() {
    let failure = config::load(Path::new("/nonexistent/bridgehead.toml"), &env).unwrap_err();
    assert_eq!(
        failure.render(false),
        "error: cannot read /nonexistent/bridgehead.toml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn colour_is_only_for_terminals() {
    let failure = config::parse("x.toml", "nonsense = 1", &env).unwrap_err();
    assert!(!failure.render(false).contains('\x1b'));
    assert!(failure.render(true).contains('\x1b'));
}

/// So that printing and reading again is tested for each.
#[test]
fn the_valid_fixtures_use_every_key() {
    let files = files("fixtures/config/valid").into_iter();
    let text: String = files
        .map(|path| fs::read_to_string(path).expect("a fixture"))
        .collect();
    let schema = config::schema();
    let tables = schema["$defs"].as_object().expect("tables");
    for (name, table) in tables.iter().chain([(&"File".to_owned(), &schema)]) {
        for key in table["properties"].as_object().expect(name).keys() {
            let forms = [format!("{key} = "), format!("[{key}]"), format!("[{key}.")];
            assert!(forms.iter().any(|form| text.contains(form)), "{key} of {name}");
        }
    }
}

#[test]
fn the_schema_knows_every_key() {
    let schema = config::schema();
    let keys = |definition: &str| -> Vec<String> {
        let table = if definition.is_empty() {
            &schema
        } else {
            &schema["$defs"][definition]
        };
        table["properties"]
            .as_object()
            .expect(definition)
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(
        keys(""),
        [
            "acme", "app", "include", "limit", "listen", "log", "route", "server", "snippet", "tls",
            "upstream"
        ]
    );
    assert!(keys("Upstream").contains(&"max_connections".to_owned()));
    assert!(keys("Route").contains(&"ignore_client_abort".to_owned()));
    assert_eq!(
        keys("UpstreamTimeouts"),
        ["connect", "head", "idle", "read", "send"]
    );
    assert_eq!(schema["$defs"]["Upstream"]["additionalProperties"], false);
}
