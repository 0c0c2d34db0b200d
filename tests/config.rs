//! Configuration files: every example loads and survives printing, every mistake is explained.
//!
//! `BLESS=1 cargo test --test config` rewrites the expected explanations.

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

fn usable() -> Vec<PathBuf> {
    [
        files("fixtures/config/valid"),
        files("examples/configs"),
        files("examples/systemd"),
    ]
    .concat()
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
        let (again, _) = config::parse("printed", &text, &|_| None)
            .unwrap_or_else(|failure| panic!("{}\n{text}", failure.render(false)));
        assert_eq!(again, config, "{}\n{text}", path.display());
        assert_eq!(config::print(&again), text);
    }
}

#[test]
fn mistakes_are_explained() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in [files("fixtures/config/invalid"), files("fixtures/config/warning")].concat() {
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
        let step = 1 + text.len() / 500;
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
    assert_eq!(keys(""), ["listen", "log", "route", "server", "upstream"]);
    assert!(keys("Upstream").contains(&"max_connections".to_owned()));
    assert!(keys("Route").contains(&"ignore_client_abort".to_owned()));
    assert_eq!(
        keys("UpstreamTimeouts"),
        ["connect", "head", "idle", "read", "send"]
    );
    assert_eq!(schema["$defs"]["Upstream"]["additionalProperties"], false);
}
