//! The PHP handler in front of PHP-FPM and php-cgi (reference, section 5).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use testbed::{Backend, Client, Gateway, Kind, Options, Response};

use crate::start;

/// A document root, a server and a gateway. Every script says that it ran and holds a secret.
struct Site {
    kind: Kind,
    gateway: Gateway,
    root: TempDir,
    _backend: Backend,
}

impl Site {
    /// `settings` go into the `php` table; `{root}` is the document root, `{link}` a link to it.
    fn start(kind: Kind, settings: &str) -> Self {
        Self::at(kind, "/", settings)
    }

    /// The same on a route for this path.
    fn at(kind: Kind, path: &str, settings: &str) -> Self {
        let root = tree();
        let extra = match kind {
            Kind::PhpFpm => vec![
                "ping.path = /ping".to_owned(),
                "pm.status_path = /status".to_owned(),
            ],
            _ => Vec::new(),
        };
        let options = Options {
            workers: 2,
            extra,
            ..Options::default()
        };
        let backend = kind.start(&options).unwrap();
        let settings = settings
            .replace("{root}", root.path().join("site").to_str().unwrap())
            .replace("{link}", root.path().join("link").to_str().unwrap());
        let gateway = start(&format!(
            "[upstream.php]\nprofile = \"{}\"\nendpoints = [\"{}\"]\nmax_connections = 2\n\
             [[route]]\npath = \"{path}\"\nphp = {{ upstream = \"php\", {settings} }}\n",
            kind.profile(),
            backend.address()
        ));
        Self {
            kind,
            gateway,
            root,
            _backend: backend,
        }
    }

    fn root(&self) -> PathBuf {
        self.root.path().join("site")
    }

    fn get(&self, target: &str) -> Response {
        self.ask(target, &[])
    }

    fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        let mut client = Client::connect(self.gateway.addr()).unwrap();
        client.request("GET", target, headers, b"").unwrap()
    }

    /// What a script that has to run says about itself.
    fn run(&self, target: &str) -> Value {
        said(&self.get(target), target)
    }

    fn is_found(&self, target: &str) -> bool {
        self.get(target).status != 404
    }
}

fn said(answer: &Response, target: &str) -> Value {
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{target}: {error}: {}", answer.text()))
}

/// `site/` is the root; what lies beside it is not to be reached.
fn tree() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site");
    for directory in ["uploads", "admin", "empty", ".git"] {
        fs::create_dir_all(site.join(directory)).unwrap();
    }
    let scripts = [
        "site/index.php",
        "site/a.php",
        "site/UP.PHP",
        "site/admin/index.php",
        "site/uploads/evil.jpg",
        "site/uploads/k.ph\u{ff50}",
        "site/note.txt\u{212a}.php",
        "site/.hidden.php",
        "site/.git/config",
        "secret.php",
    ];
    for script in scripts {
        fs::write(dir.path().join(script), SCRIPT).unwrap();
    }
    fs::write(site.join("style.css"), "body {}\n").unwrap();
    fs::write(site.join("page.html"), "<p>page\n").unwrap();
    symlink("../secret.php", site.join("out.php")).unwrap();
    symlink(dir.path().join("secret.php"), site.join("absolute.php")).unwrap();
    symlink("..", site.join("up")).unwrap();
    symlink("a.php", site.join("inside.php")).unwrap();
    symlink("site", dir.path().join("link")).unwrap();
    dir
}

/// Runs the test on both servers.
fn on_each(settings: &str, test: impl Fn(&Site)) {
    for kind in [Kind::PhpFpm, Kind::PhpCgi] {
        test(&Site::start(kind, settings));
    }
}

#[test]
fn scripts_run_and_files_are_sent() {
    on_each(ROOT, |site| {
        let index = site.run("/");
        assert_eq!(index["SCRIPT_NAME"], "/index.php");
        assert_eq!(index["PATH_INFO"], Value::Null);
        assert_eq!(index["DOCUMENT_ROOT"], site.root().to_str().unwrap());
        assert_eq!(
            index["SCRIPT_FILENAME"],
            site.root().join("index.php").to_str().unwrap()
        );
        assert_eq!(
            site.run("/a.php?x=1")["file"],
            site.root().join("a.php").to_str().unwrap()
        );
        assert_eq!(site.run("/inside.php")["SCRIPT_NAME"], "/inside.php");
        assert_eq!(site.run("/admin/")["SCRIPT_NAME"], "/admin/index.php");
        let redirect = site.get("/admin?x=1");
        assert!((301..=308).contains(&redirect.status), "{}", redirect.status);
        assert_eq!(redirect.header("location"), Some("/admin/?x=1"));
        let style = site.get("/style.css");
        assert_eq!(
            (style.text().as_str(), style.header("content-type")),
            ("body {}\n", Some("text/css"))
        );
        assert_eq!(site.get("/page.html").text(), "<p>page\n");
        assert!(!site.is_found("/empty/") && !site.is_found("/nothing") && !site.is_found("/nothing.php"));
    });
}

#[test]
fn wordpress_finds_a_server_that_it_knows_and_offers_addresses_without_index_php() {
    on_each(CONTROLLED, |site| {
        fs::write(site.root().join("permalinks.php"), PERMALINKS).unwrap();
        let said = site.run("/permalinks.php");
        assert_eq!(
            (&said["structure"], &said["rules"]),
            (&"/%year%/%postname%/".into(), &Value::Null),
            "{said}"
        );
        assert!(
            said["software"].as_str().unwrap().starts_with("bridgehead/"),
            "{said}"
        );
        // Such an address is answered by WordPress, which reads it.
        let post = site.run("/2026/hello-world/?preview=true");
        assert_eq!(post["SCRIPT_NAME"], "/index.php");
        assert_eq!(post["REQUEST_URI"], "/2026/hello-world/?preview=true");
    });
}

#[test]
fn what_follows_a_script_is_its_path_info() {
    on_each(ROOT, |site| {
        for (target, info) in [
            ("/a.php/x/y%20z?q", "/x/y z"),
            ("/a.php/", "/"),
            ("/a.php/b.php", "/b.php"),
            ("/a.php/caf%C3%A9;p=1", "/caf\u{e9};p=1"),
            ("/a.php/AC%2FDC%5C", "/AC/DC\\"),
        ] {
            let ran = site.run(target);
            assert_eq!(
                (&ran["SCRIPT_NAME"], &ran["PATH_INFO"]),
                (&"/a.php".into(), &info.into()),
                "{target}"
            );
            assert_eq!(
                ran["SCRIPT_FILENAME"],
                site.root().join("a.php").to_str().unwrap()
            );
            assert_eq!(ran["REQUEST_URI"], target);
            assert_eq!(ran["ORIG_SCRIPT_NAME"], Value::Null, "PHP had nothing to repair");
        }
    });
}

#[test]
fn a_front_controller_answers_what_is_no_file() {
    on_each(CONTROLLED, |site| {
        for target in [
            "/blog/2024?x=1",
            "/nothing.php",
            "/empty/",
            "/uploads/",
            "/blog%2Fslash",
        ] {
            let ran = site.run(target);
            assert_eq!(
                (&ran["SCRIPT_NAME"], &ran["PATH_INFO"]),
                (&"/index.php".into(), &Value::Null),
                "{target}"
            );
            assert_eq!(ran["REQUEST_URI"], target);
        }
        assert_eq!(site.run("/a.php")["SCRIPT_NAME"], "/a.php");
        assert_eq!(site.get("/style.css").text(), "body {}\n");
    });
}

#[test]
fn an_alias_stands_for_the_path_of_the_route_in_files_and_not_in_names() {
    let alias = "alias = \"{root}\", front_controller = \"/index.php\"";
    for kind in [Kind::PhpFpm, Kind::PhpCgi] {
        let site = Site::at(kind, "/blog", alias);
        for (target, name, info) in [
            ("/blog/a.php/x", "/blog/a.php", Value::from("/x")),
            ("/blog/admin/", "/blog/admin/index.php", Value::Null),
            ("/blog/2026/a-post", "/blog/index.php", Value::Null),
        ] {
            let ran = site.run(target);
            assert_eq!(
                (&ran["SCRIPT_NAME"], &ran["PATH_INFO"]),
                (&name.into(), &info),
                "{target}"
            );
            assert_eq!(ran["REQUEST_URI"], target);
            assert_eq!(ran["DOCUMENT_ROOT"], site.root().to_str().unwrap());
            let file = site.root().join(name.strip_prefix("/blog/").unwrap());
            assert_eq!(ran["file"], file.to_str().unwrap());
        }
        assert_eq!(site.get("/blog/style.css").text(), "body {}\n");
        assert_eq!(site.get("/blog").header("location"), Some("/blog/"));
    }
}

#[test]
fn the_server_may_see_the_root_elsewhere() {
    on_each("root = \"{root}\", remote_root = \"{link}\"", |site| {
        let ran = site.run("/admin/index.php/info");
        let link = site.root.path().join("link");
        assert_eq!(
            ran["SCRIPT_FILENAME"],
            link.join("admin/index.php").to_str().unwrap()
        );
        assert_eq!(ran["DOCUMENT_ROOT"], link.to_str().unwrap());
        assert_eq!(
            (&ran["SCRIPT_NAME"], &ran["PATH_INFO"]),
            (&"/admin/index.php".into(), &"/info".into())
        );
    });
}

#[test]
fn no_path_runs_or_shows_what_it_should_not() {
    on_each(&format!("{ROOT}, {INSIDE}"), |site| {
        for target in ATTACKS {
            let answer = site.get(target);
            assert!(
                matches!(answer.status, 400 | 403 | 404),
                "{} {target}: {}",
                site.kind,
                answer.status
            );
            assert!(
                !answer.text().contains(SECRET) && !answer.text().contains("ran"),
                "{target}"
            );
        }
        // A file of that name is a file; whether it should be shown is for its route to say.
        let upload = site.get("/uploads/evil.jpg");
        assert_eq!(
            (upload.status, upload.header("content-type")),
            (200, Some("image/jpeg"))
        );
        assert_eq!(upload.body, SCRIPT.as_bytes());
    });
}

#[test]
fn links_are_followed_and_where_they_must_not_be_nothing_answers_in_their_place() {
    on_each(CONTROLLED, |site| {
        let secret = site.root().parent().unwrap().join("secret.php");
        for target in ["/out.php", "/absolute.php", "/up/secret.php"] {
            assert_eq!(site.run(target)["file"], secret.to_str().unwrap(), "{target}");
        }
    });
    on_each(&format!("{CONTROLLED}, {INSIDE}"), |site| {
        for target in ["/out.php", "/absolute.php", "/up/secret.php"] {
            let refused = site.get(target);
            assert_eq!(
                (refused.status, refused.header("bridgehead-error")),
                (403, Some("symlink_refused")),
                "{target}"
            );
        }
        assert_eq!(site.run("/inside.php")["SCRIPT_NAME"], "/inside.php");
    });
}

#[test]
fn a_front_controller_is_all_that_an_attack_reaches() {
    on_each(&format!("{CONTROLLED}, {INSIDE}"), |site| {
        let allowed = site.root().join("index.php");
        for target in ATTACKS {
            let answer = site.get(target);
            assert!(!answer.text().contains(SECRET), "{target}");
            if !matches!(answer.status, 400 | 403 | 404) {
                assert_eq!(
                    said(&answer, target)["file"],
                    allowed.to_str().unwrap(),
                    "{target}"
                );
            }
        }
    });
}

#[test]
fn settings_of_php_cannot_be_sent_along() {
    on_each(ROOT, |site| {
        let before = site.run("/a.php")["user_agent"].clone();
        let value = "user_agent=evil";
        for name in [
            "PHP_VALUE",
            "PHP-VALUE",
            "PHP_ADMIN_VALUE",
            "PHP-ADMIN-VALUE",
            "Http-Php-Value",
            "Redirect-Url",
        ] {
            let answer = site.ask(
                "/a.php?PHP_VALUE=user_agent%3Devil",
                &[(name, value), ("Cookie", "PHP_VALUE=user_agent=evil")],
            );
            assert_eq!(said(&answer, name)["user_agent"], before, "{name}");
        }
        let paths = [
            ("Script-Filename", "/etc/passwd"),
            ("Path-Translated", "/etc/passwd"),
            ("Document-Root", "/etc"),
            ("Request-Body-File", "/etc/passwd"),
            ("Content-Type", "x"),
            ("Fcgi-Role", "FILTER"),
        ];
        let ran = said(&site.ask("/a.php", &paths), "paths");
        assert_eq!(ran["file"], site.root().join("a.php").to_str().unwrap());
        assert_eq!(ran["input"], "");
        // The workers have not kept any of it.
        for _ in 0..4 {
            assert_eq!(site.run("/a.php")["user_agent"], before);
        }
    });
}

#[test]
fn pages_of_the_server_itself_are_not_reached() {
    for settings in [ROOT, CONTROLLED] {
        let site = Site::start(Kind::PhpFpm, settings);
        for target in [
            "/ping",
            "/status",
            "/status?full",
            "/ping/",
            "/./ping",
            "/%70ing",
            "/x/../status",
            "/ping/a.php",
            "/a.php/../ping",
        ] {
            let answer = site.get(target);
            assert!(
                !answer.text().contains("pong") && !answer.text().contains("pool:"),
                "{target}"
            );
        }
        let ran = site.run("/a.php/ping");
        assert_eq!(ran["SCRIPT_NAME"], "/a.php");
    }
}

#[test]
fn a_root_that_is_switched_is_followed() {
    on_each("root = \"{link}\"", |site| {
        assert_eq!(
            site.run("/a.php")["SCRIPT_FILENAME"],
            site.root().join("a.php").to_str().unwrap()
        );
        let (dir, next) = (site.root.path(), site.root.path().join("next"));
        fs::create_dir(&next).unwrap();
        fs::write(next.join("a.php"), SCRIPT).unwrap();
        symlink("next", dir.join("new")).unwrap();
        fs::rename(dir.join("new"), dir.join("link")).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while site.run("/a.php")["SCRIPT_FILENAME"] != next.join("a.php").to_str().unwrap() {
            assert!(std::time::Instant::now() < deadline, "still the old root");
        }
    });
}

const ROOT: &str = "root = \"{root}\"";
const CONTROLLED: &str = "root = \"{root}\", front_controller = \"/index.php\"";

const INSIDE: &str = "symlinks = \"inside\"";

const SECRET: &str = "do-not-show";

/// PHP drops the comment; whoever sees it sees the source.
const SCRIPT: &str = r#"<?php /* do-not-show */
header('Content-Type: application/json');
$names = ['SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO', 'DOCUMENT_ROOT', 'REQUEST_URI', 'ORIG_SCRIPT_NAME'];
$said = ['ran' => true, 'file' => __FILE__, 'user_agent' => ini_get('user_agent')];
$said['input'] = file_get_contents('php://input');
foreach ($names as $name) {
    $said[$name] = $_SERVER[$name] ?? null;
}
echo json_encode($said);
"#;

/// What WordPress does: addresses without `index.php` for servers that it knows by name, files with rules for those that
/// read some.
const PERMALINKS: &str = r#"<?php
header('Content-Type: application/json');
$software = $_SERVER['SERVER_SOFTWARE'] ?? '';
$names = fn(string ...$known) => (bool) array_filter($known, fn($name) => strpos($software, $name) !== false);
$apache = $names('Apache', 'LiteSpeed');
$iis = !$apache && $names('Microsoft-IIS', 'ExpressionDevServer');
$rewrites = $names('nginx', 'Caddy', 'FrankenPHP') || ($apache && function_exists('apache_get_modules')) || $iis;
echo json_encode([
    'software' => $software,
    'structure' => ($rewrites ? '' : '/index.php') . '/%year%/%postname%/',
    'rules' => $apache ? '.htaccess' : ($iis ? 'web.config' : null),
]);
"#;

/// Each worked somewhere: reference, sections 5.1 and 5.2.
const ATTACKS: &[&str] = &[
    "/../secret.php",
    "/%2e%2e/secret.php",
    "/..%2fsecret.php",
    "/..%2Fsecret.php",
    "/uploads/../../secret.php",
    "/uploads/..%2f..%2fsecret.php",
    "/a.php/../../secret.php",
    "/%252e%252e/secret.php",
    "/%252e%252e%252fsecret.php",
    "/..%255csecret.php",
    "/..%5csecret.php",
    "/..\\secret.php",
    "/a.php%00",
    "/a.php%00.jpg",
    "/uploads/evil.jpg%00.php",
    "/a.php%0a",
    "/a.php%0a/x.php",
    "/%0a/a.php",
    "/a.php/%0aPATH",
    "/a.php%0d%0a",
    "/uploads/evil.jpg/x.php",
    "/uploads/evil.jpg/.php",
    "/uploads/evil.jpg%2fx.php",
    "/style.css/a.php",
    "/UP.PHP",
    "/up.PHP",
    "/A.PHP",
    "/a.PhP",
    "/a.PHP/x.php",
    "/a.php.",
    "/a.php%20",
    "/a.php::$DATA",
    "/a.php~",
    "/a%2ephp%2e",
    "/out.php",
    "/absolute.php",
    "/up/secret.php",
    "/up/site/../secret.php",
    "/uploads/k.php",
    "/uploads/evil.jp\u{67}.php",
    "/note.txt%E2%84%AA.ph%EF%BD%90",
    "/a.ph%EF%BD%90",
    "/a%E3%80%82php",
    "/.hidden.php",
    "/.git/config",
    "/.git/config/x.php",
    "/a%c0%aephp",
    "/%c0%ae%c0%ae/secret.php",
    "/secret.php",
    "//../secret.php",
    "/./.././secret.php",
    "/%",
    "/a.php%",
    "/a.php%zz",
];
