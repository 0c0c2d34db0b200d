//! The examples of sites, as they are but for their paths and addresses.

use std::fs;
use std::path::Path;

use testbed::{Gateway, Scripted};

use super::{ask, fill, lines};
use crate::start;

/// The application of an example.
#[derive(Clone, Copy)]
pub(super) enum Backend {
    /// Tells which script it was asked for.
    FastCgi,
    /// Tells what it was asked.
    Http,
    /// Tells what it was asked.
    Uwsgi,
}

impl Backend {
    pub(super) fn start(self) -> Scripted {
        match self {
            Self::FastCgi => Scripted::start(|mut connection| {
                let request = connection.read_fastcgi()?;
                let param = |name| request.param(name).unwrap_or_default();
                let names = [
                    "REQUEST_METHOD",
                    "SCRIPT_NAME",
                    "SCRIPT_FILENAME",
                    "PATH_INFO",
                    "REQUEST_URI",
                    "QUERY_STRING",
                ];
                let told = names.map(param).join(" ");
                let answer = format!("Content-Type: text/plain\r\n\r\n{told}");
                connection.fastcgi_response(request.id, answer.as_bytes())
            }),
            Self::Http => Scripted::start(lines),
            Self::Uwsgi => Scripted::start(|mut connection| {
                let request = connection.read_uwsgi()?;
                let param = |name| request.param(name).unwrap_or_default();
                let told = [
                    "REQUEST_METHOD",
                    "SCRIPT_NAME",
                    "PATH_INFO",
                    "REQUEST_URI",
                    "QUERY_STRING",
                ]
                .map(param);
                connection.write(format!("HTTP/1.1 200 OK\r\n\r\n{}", told.join(" ")))
            }),
        }
        .unwrap()
    }
}

/// The text of an example.
pub(super) fn text(name: &str) -> String {
    let path = testbed::workspace()
        .join("examples/configs")
        .join(name)
        .with_extension("toml");
    fs::read_to_string(path).unwrap()
}

/// The same for this machine, with its sites below `root` in place of `/srv` and its application at hand.
pub(super) fn local(name: &str, root: &Path, application: &Scripted) -> String {
    let mut local = text(name)
        .replace("/srv", &root.display().to_string())
        .replace("/usr/share", &root.display().to_string())
        .replace("/var/www", &root.display().to_string())
        .replace("0.0.0.0:80", "127.0.0.1:0");
    for socket in [
        "php/php-fpm",
        "django/gunicorn",
        "flask/gunicorn",
        "mailman3-web/uwsgi",
    ] {
        local = local.replace(&format!("unix:/run/{socket}.sock"), &application.address());
    }
    local
}

/// An example that runs, with files of these names below `root`.
struct Example {
    gateway: Gateway,
    host: &'static str,
    root: tempfile::TempDir,
    _application: Scripted,
}

impl Example {
    fn start(name: &str, host: &'static str, backend: Backend, files: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fill(root.path(), files);
        let application = backend.start();
        Self {
            gateway: start(&local(name, root.path(), &application)),
            host,
            root,
            _application: application,
        }
    }

    /// Status, and what leads on or is answered.
    fn ask(&self, target: &str) -> (u16, String) {
        let answer = ask(&self.gateway, "GET", self.host, target, &[]);
        let told = match (answer.header("location"), answer.status) {
            (Some(location), _) => location.to_owned(),
            (None, 200) => answer.text(),
            _ => String::new(),
        };
        let root = self.root.path().canonicalize().unwrap();
        (
            answer.status,
            told.replace(&root.display().to_string(), "ROOT")
                .trim_end()
                .to_owned(),
        )
    }

    #[track_caller]
    fn expect(&self, answers: &[(&str, u16, &str)]) {
        for (target, status, told) in answers {
            assert_eq!(self.ask(target), (*status, (*told).to_owned()), "{target}");
        }
    }
}

#[test]
fn wordpress() {
    let files = [
        "blog/index.php",
        "blog/wp-login.php",
        "blog/wp-content/uploads/a.php",
        "blog/style.css",
    ];
    let mut site = Example::start("wordpress", "blog.example", Backend::FastCgi, &files);
    site.expect(&[
        (
            "/2026/post?a",
            200,
            "GET /index.php ROOT/blog/index.php  /2026/post?a a",
        ),
        (
            "/wp-login.php",
            200,
            "GET /wp-login.php ROOT/blog/wp-login.php  /wp-login.php",
        ),
        ("/style.css", 200, "blog/style.css"),
        ("/wp-content/uploads/a.php", 403, ""),
        ("/xmlrpc.php", 403, ""),
    ]);
    site.host = "www.blog.example";
    site.expect(&[("/a?b", 301, "http://blog.example/a?b")]);
}

#[test]
fn laravel() {
    let site = Example::start(
        "laravel",
        "shop.example",
        Backend::FastCgi,
        &["shop/public/index.php"],
    );
    site.expect(&[("/cart", 200, "GET /index.php ROOT/shop/public/index.php  /cart")]);
    let answer = ask(&site.gateway, "GET", "shop.example", "/", &[]);
    assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
}

#[test]
fn symfony() {
    let files = ["app/public/index.php", "app/public/config.php"];
    let site = Example::start("symfony", "app.example", Backend::FastCgi, &files);
    site.expect(&[
        (
            "/cart?x=1",
            200,
            "GET /index.php ROOT/app/public/index.php  /cart?x=1 x=1",
        ),
        (
            "/index.php/cart",
            200,
            "GET /index.php ROOT/app/public/index.php /cart /index.php/cart",
        ),
        ("/config.php", 404, ""),
    ]);
}

#[test]
fn drupal() {
    let files = [
        "drupal/web/index.php",
        "drupal/web/core/install.php",
        "drupal/web/sites/default/files/a.php",
        "drupal/web/sites/default/files/a.png",
        "drupal/web/modules/a.module",
    ];
    let site = Example::start("drupal", "drupal.example", Backend::FastCgi, &files);
    site.expect(&[
        (
            "/node/1",
            200,
            "GET /index.php ROOT/drupal/web/index.php  /node/1",
        ),
        (
            "/core/install.php",
            200,
            "GET /core/install.php ROOT/drupal/web/core/install.php  /core/install.php",
        ),
        (
            "/sites/default/files/a.png",
            200,
            "drupal/web/sites/default/files/a.png",
        ),
        ("/sites/default/files/a.php", 403, ""),
        ("/modules/a.module", 404, ""),
    ]);
}

#[test]
fn mediawiki() {
    let files = [
        "wiki/w/index.php",
        "wiki/w/maintenance/update.php",
        "wiki/w/images/a.png",
        "wiki/w/images/deleted/b.png",
    ];
    let site = Example::start("mediawiki", "wiki.example", Backend::FastCgi, &files);
    site.expect(&[
        ("/", 301, "/wiki/Main_Page"),
        (
            "/wiki/Main_Page?a=1",
            200,
            "GET /w/index.php ROOT/wiki/w/index.php  /wiki/Main_Page?a=1 a=1",
        ),
        (
            "/w/index.php?title=X",
            200,
            "GET /w/index.php ROOT/wiki/w/index.php  /w/index.php?title=X title=X",
        ),
        ("/w/maintenance/update.php", 404, ""),
        ("/w/images/a.png", 200, "wiki/w/images/a.png"),
        ("/w/images/deleted/b.png", 403, ""),
    ]);
}

#[test]
fn phpmyadmin() {
    let files = [
        "phpmyadmin/index.php",
        "phpmyadmin/js/a.js",
        "phpmyadmin/libraries/a.php",
        "html/index.html",
    ];
    let site = Example::start("phpmyadmin", "any.example", Backend::FastCgi, &files);
    site.expect(&[
        ("/phpmyadmin", 308, "/phpmyadmin/"),
        (
            "/phpmyadmin/",
            200,
            "GET /phpmyadmin/index.php ROOT/phpmyadmin/index.php  /phpmyadmin/",
        ),
        ("/phpmyadmin/js/a.js", 200, "phpmyadmin/js/a.js"),
        ("/phpmyadmin/libraries/a.php", 403, ""),
        ("/", 200, "html/index.html"),
    ]);
}

#[test]
fn django_static() {
    let files = [
        "django/static/a.css",
        "django/static/favicon.ico",
        "django/media/a.jpg",
    ];
    let site = Example::start("django-static", "any.example", Backend::Http, &files);
    site.expect(&[
        ("/static/a.css", 200, "django/static/a.css"),
        ("/static/none.css", 404, ""),
        ("/media/a.jpg", 200, "django/media/a.jpg"),
        ("/favicon.ico", 200, "django/static/favicon.ico"),
        ("/shop/1?x", 200, "GET /shop/1?x"),
    ]);
}

#[test]
fn flask_static() {
    let site = Example::start(
        "flask-static",
        "any.example",
        Backend::Http,
        &["flask/public/a.css"],
    );
    site.expect(&[
        ("/a.css", 200, "flask/public/a.css"),
        ("/b.css", 200, "GET /b.css"),
        ("/", 200, "GET /"),
    ]);
}

#[test]
fn vhosts() {
    let files = ["shop/index.html", "wiki/index.html"];
    let mut site = Example::start("vhosts", "shop.example", Backend::Http, &files);
    site.expect(&[("/", 200, "shop/index.html"), ("/none", 404, "")]);
    site.host = "www.shop.example";
    site.expect(&[("/a%20b?c", 301, "http://shop.example/a%20b?c")]);
    site.host = "de.wiki.example";
    site.expect(&[("/any/page", 200, "wiki/index.html")]);
    let answer = ask(&site.gateway, "GET", "wiki.example", "/", &[]);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn nextcloud() {
    let files = [
        "cloud/index.php",
        "cloud/remote.php",
        "cloud/core/js/core.js",
        "cloud/data/a.txt",
    ];
    let site = Example::start("nextcloud", "cloud.example", Backend::FastCgi, &files);
    site.expect(&[
        (
            "/apps/files?dir=/",
            200,
            "GET /index.php ROOT/cloud/index.php  /apps/files?dir=/ dir=/",
        ),
        (
            "/remote.php/dav/files",
            200,
            "GET /remote.php ROOT/cloud/remote.php /dav/files /remote.php/dav/files",
        ),
        ("/core/js/core.js", 200, "cloud/core/js/core.js"),
        ("/data/a.txt", 404, ""),
        ("/.well-known/caldav", 301, "/remote.php/dav/"),
        (
            "/.well-known/webfinger?a",
            301,
            "/index.php/.well-known/webfinger?a",
        ),
    ]);
}

#[test]
fn mailman() {
    let site = Example::start(
        "mailman",
        "lists.example",
        Backend::Uwsgi,
        &["lists/static/a.css"],
    );
    site.expect(&[
        (
            "/mailman3/lists?a",
            200,
            "GET  /mailman3/lists /mailman3/lists?a a",
        ),
        ("/mailman3/static/a.css", 200, "lists/static/a.css"),
        ("/mailman3/static/b.css", 404, ""),
    ]);
}
