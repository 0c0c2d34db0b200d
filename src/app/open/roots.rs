//! The directories that routes serve.

use std::io::ErrorKind;
use std::path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};

use super::progress::Progress;
use crate::files::{Cache, Root};
use crate::frontend::config::{Files, Handler, Path, Php, Route};

/// Opens the directory of each route that has one; `memory`: bytes of their small files that are kept.
pub(super) fn roots(routes: &[Route], memory: usize, progress: &Progress) -> Result<Vec<Option<Root>>> {
    let cache = Arc::new(Cache::new(memory));
    routes
        .iter()
        .map(|route| root(route, Some(&cache), progress))
        .collect()
}

/// Reads the files of users, so that what is wrong with one is told before anything is served.
pub(super) fn users(routes: &[Route], progress: &Progress) -> Result<()> {
    let basic = routes
        .iter()
        .filter_map(|route| Some((route.path.to_text(), route.access.basic.as_ref()?)));
    for (place, basic) in basic {
        let file = basic.users_file.display();
        progress.at(
            "the users",
            format!("[[route]] {place} access.basic.users_file"),
            &file,
        );
        basic.check().map_err(|error| {
            anyhow!("route {place}: no users: {file}:{error} (`access.basic.users_file`)")
        })?;
    }
    Ok(())
}

/// Opens the directory of a route, if it has one; its small files are kept in a cache, if there is one.
pub(in crate::app) fn root(
    route: &Route,
    cache: Option<&Arc<Cache>>,
    progress: &Progress,
) -> Result<Option<Root>> {
    let Some((directory, symlinks)) = route.root() else {
        return Ok(None);
    };
    let (place, path) = (route.path.to_text(), directory.path().display());
    progress.at("the root", format!("[[route]] {place} root"), &path);
    let opened = match cache {
        Some(cache) => Root::keeping(directory.path(), symlinks, cache),
        None => Root::open(directory.path(), symlinks),
    };
    let opened = opened.with_context(|| format!("route {place}: cannot open the root {path}"))?;
    match Astray::find(route) {
        Some(Astray {
            message,
            certain: true,
            ..
        }) => bail!(message),
        Some(Astray { message, .. }) => tracing::warn!("{message}"),
        None => {}
    }
    Ok(Some(opened))
}

/// A route that leads to where nothing is, although its root is there.
#[derive(Debug)]
pub(in crate::app) struct Astray {
    /// The setting that leads there.
    pub(in crate::app) key: &'static str,
    pub(in crate::app) message: String,
    /// It cannot come right: the root ends with the path of the route, as only an alias does.
    certain: bool,
}

impl Astray {
    /// Looks at a route whose root is there.
    pub(in crate::app) fn find(route: &Route) -> Option<Self> {
        match &route.handler {
            Handler::Files(files) => Self::files(&route.path, files),
            Handler::Php(php) => Self::controller(&route.path.to_text(), php),
            _ => None,
        }
    }

    /// What is no file of `php` may still be for a script, so that only `files` goes astray here.
    fn files(rule: &Path, files: &Files) -> Option<Self> {
        let (Path::Prefix(prefix) | Path::FirmPrefix(prefix)) = rule else {
            return None;
        };
        let (place, path, base) = (rule.to_text(), files.root.path(), files.root.base(prefix));
        is_missing(&base).then(|| Self {
            key: "root",
            message: format!(
                "route {place}: there is no {}: below `root` the whole path is looked up; `alias = \"{}\"` would stand \
                 for the path of the route",
                base.display(),
                path.display()
            ),
            certain: path.ends_with(prefix.trim_matches('/')),
        })
    }

    /// PHP-FPM may see another directory: then it is the one to know.
    fn controller(place: &str, php: &Php) -> Option<Self> {
        let script = php
            .front_controller
            .as_ref()
            .filter(|_| php.remote_root.is_none())?;
        let file = php.root.path().join(script.trim_start_matches('/'));
        is_missing(&file).then(|| Self {
            key: "front_controller",
            message: format!(
                "route {place}: there is no {}: PHP-FPM will know no such script (`Primary script unknown`) where it is to \
                 answer",
                file.display()
            ),
            certain: false,
        })
    }
}

fn is_missing(path: &path::Path) -> bool {
    let missing = [ErrorKind::NotFound, ErrorKind::NotADirectory];
    path.metadata()
        .is_err_and(|error| missing.contains(&error.kind()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::frontend::config::DocumentRoot;

    fn route(path: &str, root: DocumentRoot) -> Route {
        Route {
            path: Path::Prefix(path.to_owned()),
            handler: Handler::Files(Files {
                root,
                ..Files::default()
            }),
            ..Route::default()
        }
    }

    fn opened(path: &str, root: DocumentRoot) -> Result<(), String> {
        let opened = root_of(path, root);
        opened.map(drop).map_err(|error| format!("{error:#}"))
    }

    fn root_of(path: &str, root: DocumentRoot) -> Result<Option<Root>> {
        super::root(&route(path, root), None, &Progress::default())
    }

    #[test]
    fn a_root_that_is_meant_as_an_alias_is_refused_where_that_is_certain() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::create_dir_all(dir.join("public/static")).unwrap();
        let root = |path: &path::Path| DocumentRoot::Root(path.to_owned());
        let (public, within) = (dir.join("public"), dir.join("public/static"));
        assert_eq!(opened("/static", root(&public)), Ok(()));
        assert_eq!(opened("/static", DocumentRoot::Alias(within.clone())), Ok(()));
        assert_eq!(opened("/", root(&public)), Ok(()));
        let error = opened("/static", root(&within)).unwrap_err();
        let (nowhere, within) = (within.join("static"), within.display());
        assert_eq!(
            error,
            format!(
                "route /static: there is no {}: below `root` the whole path is looked up; `alias = \"{within}\"` would \
                 stand for the path of the route",
                nowhere.display()
            )
        );
        // What is not there yet may come: challenges of ACME do.
        assert_eq!(opened("/.well-known/acme-challenge", root(&public)), Ok(()));
        assert!(Astray::find(&route("/later", root(&public))).is_some());
    }

    #[test]
    fn a_front_controller_that_is_not_there_is_told_unless_php_sees_another_directory() {
        let dir = tempfile::tempdir().unwrap();
        let php = |script: &str, remote: Option<&str>| Route {
            handler: Handler::Php(Php {
                root: DocumentRoot::Root(dir.path().to_owned()),
                front_controller: Some(script.to_owned()),
                remote_root: remote.map(Into::into),
                ..Php::default()
            }),
            ..Route::default()
        };
        fs::write(dir.path().join("index.php"), "").unwrap();
        let told = |route: &Route| Astray::find(route).map(|astray| (astray.key, astray.message));
        assert_eq!(told(&php("/index.php", None)), None);
        assert_eq!(told(&php("/app.php", Some("/app"))), None);
        let (key, message) = told(&php("/app.php", None)).unwrap();
        let file = dir.path().join("app.php");
        let start = format!(
            "route /: there is no {}: PHP-FPM will know no such script",
            file.display()
        );
        assert!(
            key == "front_controller" && message.starts_with(&start),
            "{message}"
        );
    }
}
