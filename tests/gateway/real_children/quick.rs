//! One line to the first page: `bridgehead php`, `wsgi` and `asgi` on real servers, `files` without.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testbed::{Client, Process, ensure_venv};

/// A project of these files, served by a command of this program.
struct Quick(Process);

impl Quick {
    fn start(files: &[(&str, &str)], words: &[&str]) -> Self {
        let project = project(files);
        let log = project.path().join("log");
        let mut command = command(project.path(), words);
        command.args(["--listen", "127.0.0.1:0", "--workers", "2"]);
        let serves = || {
            let log = fs::read_to_string(&log).unwrap_or_default();
            log.contains("the application serves") && log.contains("listening address=")
        };
        Self(Process::start(command, project, serves).unwrap())
    }

    fn get(&self, target: &str) -> (u16, String) {
        let log = self.0.log();
        let address = log.split("listening address=").nth(1).unwrap();
        let address = address.split_whitespace().next().unwrap().parse().unwrap();
        let mut client = Client::connect(address).unwrap();
        let answer = client
            .request("GET", target, &[("Host", "a.example")], b"")
            .unwrap();
        (answer.status, answer.text().to_string())
    }
}

fn command(project: &Path, words: &[&str]) -> Command {
    let venv = ensure_venv().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(testbed::built("bridgehead"));
    command
        .args(words)
        .current_dir(project)
        .env("PATH", format!("{}/bin:{path}", venv.display()))
        .stdin(Stdio::null());
    command
}

fn project(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::with_prefix("bh-").unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

const FRONT: &str = "<?php echo 'front ', $_SERVER['REQUEST_URI'];";

#[test]
fn the_first_page_of_php_takes_one_line() {
    for (name, files, root) in [
        ("PHP", &[("index.php", FRONT)][..], ""),
        ("WordPress", &[("wp-load.php", ""), ("index.php", FRONT)], ""),
        (
            "Laravel",
            &[("artisan", ""), ("public/index.php", FRONT)],
            "public/",
        ),
        (
            "Symfony",
            &[("src/Kernel.php", ""), ("public/index.php", FRONT)],
            "public/",
        ),
        (
            "Drupal",
            &[("web/core/lib/Drupal.php", ""), ("web/index.php", FRONT)],
            "web/",
        ),
    ] {
        let quick = Quick::start(files, &["php"]);
        fs::write(quick.0.dir().join(format!("{root}style.css")), "p {}").unwrap();
        assert!(quick.0.log().contains(name), "{}", quick.0.log());
        assert_eq!(quick.get("/"), (200, "front /".to_owned()), "{name}");
        assert_eq!(
            quick.get("/a/page?x=1"),
            (200, "front /a/page?x=1".to_owned()),
            "{name}"
        );
        assert_eq!(quick.get("/style.css"), (200, "p {}".to_owned()), "{name}");
        fs::write(quick.0.dir().join(format!("{root}.env")), "secret").unwrap();
        assert_ne!(quick.get("/.env").1, "secret", "{name}");
    }
}

const WSGI: &str = "def app(environ, start_response):\n    start_response('200 OK', [('Content-Type', 'text/plain')])\n    \
                    return [('wsgi ' + environ['PATH_INFO']).encode()]\n";

#[test]
fn the_first_page_of_wsgi_takes_one_line() {
    for words in [&["wsgi"][..], &["wsgi", "app:app"]] {
        let quick = Quick::start(&[("app.py", WSGI)], words);
        assert_eq!(quick.get("/page"), (200, "wsgi /page".to_owned()), "{words:?}");
    }
}

#[test]
fn files_of_a_directory_take_one_line() {
    let files = [
        ("site/page.html", "page"),
        ("site/.env", "secret"),
        ("other", "other"),
    ];
    let dir = project(&files);
    let log = dir.path().join("log");
    let serves = || {
        fs::read_to_string(&log)
            .unwrap_or_default()
            .contains("listening address=")
    };
    let mut words = command(dir.path(), &["files", "site", "--listen", "127.0.0.1:0"]);
    words.arg("--listing");
    let quick = Quick(Process::start(words, dir, serves).unwrap());
    assert_eq!(quick.get("/page.html"), (200, "page".to_owned()));
    assert_eq!(quick.get("/other").0, 404);
    let (status, list) = quick.get("/");
    assert!(status == 200 && list.contains("page.html"), "{list}");
    assert_ne!(quick.get("/.env").1, "secret");
}

#[test]
fn a_server_that_is_missing_is_named_with_what_installs_it() {
    let dir = project(&[("app.py", "async def app(scope, receive, send): pass\n")]);
    let output = command(dir.path(), &["asgi", "app:app"])
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("pip install uvicorn"),
        "{said}"
    );
}

#[test]
fn what_is_served_can_be_printed_and_checked() {
    let dir = project(&[("artisan", ""), ("public/index.php", FRONT)]);
    let output = command(dir.path(), &["php", "--print-config"]).output().unwrap();
    assert!(output.status.success());
    let file = dir.path().join("bridgehead.toml");
    fs::write(&file, &output.stdout).unwrap();
    let checked = command(dir.path(), &["check", "-c", "bridgehead.toml"])
        .output()
        .unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&said));
}
