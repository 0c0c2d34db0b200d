//! Where things are in the source tree and in the target directory.

use std::env;
use std::path::{Path, PathBuf};

use crate::{Kind, Options};

/// The root of the workspace, as it was when this crate was compiled.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in a directory of the workspace")
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, taken from the workspace root when relative, else `target`.
pub fn target_dir() -> PathBuf {
    workspace().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The directory of the application that `kind` serves: the document root for PHP.
pub fn app_dir(kind: Kind) -> PathBuf {
    app_dir_with(kind, &Options::default())
}

/// The application file that `kind` runs. It is the `SCRIPT_FILENAME` for PHP and fcgiwrap; the Python servers
/// have loaded it and need no such parameter.
pub fn script(kind: Kind) -> PathBuf {
    app_dir(kind).join(match kind {
        Kind::PhpFpm | Kind::PhpCgi => "index.php",
        Kind::Fcgiwrap => "app.pl",
        Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp => "app.py",
        Kind::GunicornHttp | Kind::GunicornUwsgi => "app.py",
    })
}

/// [`app_dir`], or what `options` name instead: a directory, or a copy of all applications.
pub(crate) fn app_dir_with(kind: Kind, options: &Options) -> PathBuf {
    if let Some(dir) = &options.app {
        return dir.clone();
    }
    let apps = options
        .apps
        .clone()
        .unwrap_or_else(|| workspace().join("examples/apps"));
    apps.join(match kind {
        Kind::PhpFpm | Kind::PhpCgi => "php",
        Kind::Fcgiwrap => "cgi",
        Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp => "flask",
        Kind::GunicornHttp | Kind::GunicornUwsgi => "flask",
    })
}
