//! Where things are in the source tree and in the target directory. All of it is found when the program runs: what was
//! compiled in would be wrong after a move of the source tree, with which nothing is compiled again.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{Kind, Options};

/// The root of the workspace: that of the package that cargo runs, of this program, or of the current directory.
pub fn workspace() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let places = [package, env::current_exe().ok(), env::current_dir().ok()];
        let root = places.iter().flatten().find_map(|place| root_above(place));
        // Whatever is looked for there will be named with its path.
        root.unwrap_or_else(|| PathBuf::from("."))
    })
}

fn root_above(place: &Path) -> Option<PathBuf> {
    let is_root = |directory: &&Path| directory.join("testbed/Cargo.toml").exists();
    place.ancestors().find(is_root).map(Path::to_owned)
}

/// A program of the package whose test runs: cargo has built it beside the test.
pub fn built(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap_or_default();
    let profile = test.ancestors().nth(2); // from target/debug/deps/test
    profile.unwrap_or(Path::new("")).join(name)
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
