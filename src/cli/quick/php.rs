//! `bridgehead php`: the document root and the front controller of a PHP application, by what lies in its directory.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::project::Project;
use super::{Common, directory, quote};
use crate::process::{Kind, php_fpm};

/// Serve a PHP application: WordPress, Laravel, Symfony, Drupal and others are recognized.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The directory of the application [default: the current one].
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The document root, relative to that directory [default: as the application needs it].
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// How an application is recognized, and what follows.
struct Layout {
    name: &'static str,
    /// All of them are there, each with the names that it may have.
    files: &'static [&'static str],
    /// The document root.
    root: &'static str,
    /// Whether the front controller is the only script that a URL may name.
    only_front: bool,
    /// More routes: paths of files that no client gets.
    denied: &'static str,
}

impl Layout {
    const fn new(name: &'static str, files: &'static [&'static str], root: &'static str) -> Self {
        Self {
            name,
            files,
            root,
            only_front: false,
            denied: "",
        }
    }

    const fn one_script(self) -> Self {
        Self {
            only_front: true,
            ..self
        }
    }

    const fn without(self, denied: &'static str) -> Self {
        Self { denied, ..self }
    }
}

/// The first that fits is it: what is special comes before what is common.
const LAYOUTS: [Layout; 24] = [
    Layout::new(
        "Bedrock (WordPress)",
        &["web/wp-config.php", "config/application.php"],
        "web",
    )
    .without(UPLOADS),
    Layout::new("WordPress", &["wp-load.php"], ".").without(UPLOADS),
    Layout::new("WordPress", &["wp-config.php"], ".").without(UPLOADS),
    Layout::new("Statamic", &["please", "public/index.php"], "public").one_script(),
    Layout::new("Laravel", &["artisan", "public/index.php"], "public").one_script(),
    Layout::new("Symfony", &["src/Kernel.php", "public/index.php"], "public").one_script(),
    Layout::new("Drupal", &["web/core/lib/Drupal.php"], "web").without(DRUPAL),
    Layout::new("Drupal", &["core/lib/Drupal.php"], ".").without(DRUPAL),
    Layout::new("Magento", &["bin/magento", "pub/index.php"], "pub"),
    Layout::new("TYPO3", &["public/typo3", "public/index.php"], "public"),
    Layout::new("TYPO3", &["typo3", "index.php"], "."),
    Layout::new("Craft", &["craft", "web/index.php"], "web"),
    Layout::new("Craft", &["craft", "public/index.php"], "public"),
    Layout::new("CakePHP", &["bin/cake", "webroot/index.php"], "webroot").one_script(),
    Layout::new("Neos", &["flow", "Web/index.php"], "Web").one_script(),
    Layout::new("Nette", &["app/Bootstrap.php", "www/index.php"], "www").one_script(),
    Layout::new("Joomla", &["libraries/src", "administrator/index.php"], "."),
    Layout::new("Kirby", &["kirby/bootstrap.php", "index.php"], "."),
    Layout::new("Nextcloud", &["occ", "index.php"], ".").without(NEXTCLOUD),
    Layout::new("MediaWiki", &["LocalSettings.php", "index.php"], ".").without(MEDIAWIKI),
    Layout::new("a PHP application", &["public/index.php"], "public"),
    Layout::new("a PHP application", &["web/index.php"], "web"),
    Layout::new("a PHP application", &["htdocs/index.php"], "htdocs"),
    Layout::new("a PHP application", &["index.php"], "."),
];

const UPLOADS: &str = "~* /(uploads|files)/.*\\.php(/|$)";
const DRUPAL: &str = "~* \\.(engine|inc|install|make|module|profile|po|sh|sql|theme|twig|yml)$|^/vendor/|^/sites/[^/]+/files/.*\\.php(/|$)";
const NEXTCLOUD: &str = "~ ^/(build|tests|config|lib|3rdparty|templates|data)(/|$)";
const MEDIAWIKI: &str = "~ ^/(images|uploads)/.*\\.php(/|$)|^/(cache|includes|maintenance|vendor)(/|$)";

/// Recognizes the application.
pub(super) fn find(args: &Args) -> Result<Project> {
    let directory = directory(args.directory.as_deref())?;
    if php_fpm().is_none() && args.common.server.is_none() {
        bail!(
            "there is no PHP-FPM on this machine: install it (Debian, Ubuntu: apt install php-fpm; Fedora: dnf install php-fpm; \
             Alpine: apk add php83-fpm), or name it with --server"
        );
    }
    project(&directory, args.root.as_deref())
}

/// The application in a directory.
pub(super) fn project(directory: &Path, root: Option<&Path>) -> Result<Project> {
    let fits = |layout: &&Layout| layout.files.iter().all(|file| directory.join(file).exists());
    let layout = LAYOUTS.iter().find(fits);
    let (name, why) = match layout {
        Some(layout) => (layout.name, layout.files.join(" and ")),
        None => ("PHP files", "no application that is known".to_owned()),
    };
    let root = match (root, layout) {
        (Some(root), _) => directory.join(root),
        (None, Some(layout)) => directory.join(layout.root),
        (None, None) => directory.to_owned(),
    };
    // As it would be written.
    let root = root.canonicalize().unwrap_or(root);
    if !root.is_dir() {
        bail!("{} is no directory", root.display());
    }
    Ok(Project {
        name,
        why,
        kind: Some(Kind::PhpFpm),
        directory: directory.to_owned(),
        program: None,
        application: None,
        args: Vec::new(),
        routes: routes(&root, layout),
    })
}

fn routes(root: &Path, layout: Option<&Layout>) -> String {
    let app = Project::APP;
    let path = quote(&root.to_string_lossy());
    let front = match root.join("index.php").is_file() {
        true => ", front_controller = \"/index.php\"",
        false => "",
    };
    let scripts = match layout.is_some_and(|layout| layout.only_front) {
        true => ", scripts = [\"/index.php\"]",
        false => "",
    };
    let main = format!("[[route]]\nphp = {{ upstream = \"{app}\", root = {path}{front}{scripts} }}\n");
    let denied = layout.map_or("", |layout| layout.denied);
    match denied {
        "" => main,
        pattern => format!(
            "{main}\n[[route]]\npath = {}\nrespond = {{ status = 403 }}\n",
            quote(pattern)
        ),
    }
}
