//! Every layout that is recognized.

use std::fs;

use tempfile::TempDir;

use super::*;

/// A directory with these files.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn php_applications_are_recognized_by_their_files() {
    for (name, root, files) in [
        (
            "WordPress",
            "",
            &["wp-load.php", "index.php", "wp-config.php"][..],
        ),
        (
            "Bedrock (WordPress)",
            "web",
            &["web/wp-config.php", "config/application.php", "web/index.php"],
        ),
        ("Laravel", "public", &["artisan", "public/index.php"]),
        ("Statamic", "public", &["artisan", "please", "public/index.php"]),
        (
            "Symfony",
            "public",
            &["src/Kernel.php", "public/index.php", "bin/console"],
        ),
        ("Drupal", "web", &["web/core/lib/Drupal.php", "web/index.php"]),
        ("Drupal", "", &["core/lib/Drupal.php", "index.php"]),
        ("Magento", "pub", &["bin/magento", "pub/index.php", "index.php"]),
        ("TYPO3", "public", &["public/typo3/x", "public/index.php"]),
        ("TYPO3", "", &["typo3/x", "index.php"]),
        ("Craft", "web", &["craft", "web/index.php"]),
        ("Craft", "public", &["craft", "public/index.php"]),
        (
            "CakePHP",
            "webroot",
            &["bin/cake", "webroot/index.php", "index.php"],
        ),
        ("Neos", "Web", &["flow", "Web/index.php"]),
        ("Nette", "www", &["app/Bootstrap.php", "www/index.php"]),
        (
            "Joomla",
            "",
            &["libraries/src/x", "administrator/index.php", "index.php"],
        ),
        ("Kirby", "", &["kirby/bootstrap.php", "index.php"]),
        ("Nextcloud", "", &["occ", "index.php"]),
        ("MediaWiki", "", &["LocalSettings.php", "index.php"]),
        ("a PHP application", "public", &["public/index.php"]),
        ("a PHP application", "web", &["web/index.php"]),
        ("a PHP application", "htdocs", &["htdocs/index.php"]),
        ("a PHP application", "", &["index.php"]),
        ("PHP files", "", &["hello.php"]),
    ] {
        let files: Vec<_> = files.iter().map(|file| (*file, "")).collect();
        let dir = tree(&files);
        let directory = dir.path().canonicalize().unwrap();
        let project = php::project(&directory, None).unwrap();
        assert_eq!(project.name, name, "{files:?}");
        let root = directory.join(root);
        let root = root.to_str().unwrap().trim_end_matches('/');
        assert!(
            project.routes.contains(&format!("root = \"{root}\"")),
            "{}",
            project.routes
        );
        usable(&project, 1);
    }
}

#[test]
fn python_applications_are_recognized_by_their_files() {
    for (name, application, files) in [
        (
            "Django",
            "shop.wsgi:application",
            &[("manage.py", ""), ("shop/wsgi.py", ""), ("app.py", "app = 1")][..],
        ),
        (
            "Flask",
            "app:app",
            &[("app.py", "from flask import Flask\napp = Flask(__name__)\n")],
        ),
        (
            "Flask",
            "main:create_app()",
            &[("main.py", "import flask\ndef create_app():\n    app = 1\n")],
        ),
        (
            "a Python application",
            "wsgi:application",
            &[("wsgi.py", "def application(environ, start):\n    pass\n")],
        ),
    ] {
        let found = python::wsgi(tree(files).path()).unwrap();
        assert_eq!(
            (found.name, &*found.application),
            (name, application),
            "{files:?}"
        );
    }
    for (name, application, files) in [
        (
            "FastAPI",
            "main:app",
            &[("main.py", "from fastapi import FastAPI\napp = FastAPI()\n")][..],
        ),
        (
            "Django",
            "shop.asgi:application",
            &[("manage.py", ""), ("shop/asgi.py", ""), ("shop/wsgi.py", "")],
        ),
        (
            "a Python application",
            "app:app",
            &[("app.py", "async def app(scope, receive, send):\n    pass\n")],
        ),
    ] {
        let found = python::asgi(tree(files).path()).unwrap();
        assert_eq!(
            (found.name, &*found.application),
            (name, application),
            "{files:?}"
        );
    }
    assert_eq!(
        python::wsgi(tree(&[("app.py", "    app = 1\nif app == 2: pass\n")]).path()),
        None
    );
}

#[test]
fn files_are_served_without_an_application() {
    let dir = tree(&[("a b.txt", "")]);
    let directory = dir.path().canonicalize().unwrap();
    for listing in [false, true] {
        let project = files::project(&directory, listing);
        assert_eq!(project.routes.contains("listing = true"), listing);
        usable(&project, 0);
    }
}

/// What is printed and what is served can be read.
fn usable(project: &Project, apps: usize) {
    for text in [
        project.file(&Address::Tcp(USUAL), None, None),
        project.served(
            &Address::Tcp(ANY_PORT),
            NonZeroUsize::new(2),
            Some("/usr/sbin/php-fpm"),
        ),
    ] {
        let (config, warnings) = crate::config::parse("found", &text, &|_| None)
            .unwrap_or_else(|failure| panic!("{}\n{text}", failure.render(false)));
        assert!(warnings.is_empty(), "{}", warnings[0].render(false));
        assert_eq!(config.apps.len(), apps);
    }
}
