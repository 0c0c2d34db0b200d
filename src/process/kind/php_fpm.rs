//! PHP-FPM: its pool is generated, and it takes the listening socket as it takes it from itself when it starts anew.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::{LISTEN_FD, Paths, Plan, is_file_in, program};
use crate::process::config::AppConfig;

/// FPM finds its sockets in `FPM_SOCKETS`, by the names that its pools listen on. It removes the file of such a name when it
/// ends: the name here is none of a file.
pub(super) fn plan(config: &AppConfig, paths: &Paths, as_root: bool) -> Plan {
    let decoy = paths.configuration.with_extension("fpm");
    let mut words = vec![
        program(config, places(), "php-fpm"),
        "--nodaemonize".into(),
        "--fpm-config".into(),
        paths.configuration.clone().into(),
    ];
    if as_root {
        words.push("--allow-to-run-as-root".into());
    }
    words.extend(config.args.iter().map(OsString::from));
    let sockets = format!("{}={LISTEN_FD}", decoy.display());
    Plan {
        words,
        env: vec![("FPM_SOCKETS".to_owned(), sockets.into())],
        files: vec![(paths.configuration.clone(), pool(config, &decoy, as_root))],
        stop: Signal::QUIT,
        // Workers end with their request.
        orphans: Signal::QUIT,
        notifies: true,
        is_activated: false,
    }
}

/// The configuration. Without `process_control_timeout` a stop cuts requests off; every worker is there from the
/// beginning, since the gateway counts them.
fn pool(config: &AppConfig, listen: &Path, as_root: bool) -> String {
    let stop = config.timeouts.stop.as_secs().clamp(1, CONTROL);
    let account = if as_root {
        "user = root\ngroup = root\n"
    } else {
        ""
    };
    format!(
        "[global]\ndaemonize = no\nerror_log = /proc/self/fd/2\nlog_limit = 8192\n\
         process_control_timeout = {stop}s\nsystemd_interval = 1\n\n\
         [{name}]\n{account}listen = {listen}\npm = static\npm.max_children = {workers}\n\
         pm.status_path = /fpm-status\nping.path = /fpm-ping\n\
         catch_workers_output = yes\ndecorate_workers_output = no\nclear_env = no\n",
        name = config.name,
        listen = listen.display(),
        workers = config.workers,
    )
}

/// Where distributions keep it, the newest version first.
pub(super) fn places() -> impl Iterator<Item = PathBuf> {
    let mut places = Vec::new();
    for directory in DIRECTORIES.map(Path::new) {
        places.extend(is_file_in(directory, "php-fpm"));
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut versions: Vec<_> = names.filter_map(|name| Some((version(&name)?, name))).collect();
        versions.sort();
        places.extend(versions.into_iter().rev().map(|(_, name)| directory.join(name)));
    }
    places.into_iter()
}

/// `php-fpm8.2` of Debian, `php-fpm82` of Alpine.
fn version(name: &str) -> Option<(u32, u32)> {
    let version = name.strip_prefix("php-fpm")?;
    match version.split_once('.') {
        Some((major, minor)) => Some((major.parse().ok()?, minor.parse().ok()?)),
        None => Some((version.get(..1)?.parse().ok()?, version.get(1..)?.parse().ok()?)),
    }
}

const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

/// Longest `process_control_timeout`, in seconds: FPM then ends what is left itself.
const CONTROL: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert_eq!(version("php-fpm8.2"), Some((8, 2)));
        assert_eq!(version("php-fpm83"), Some((8, 3)));
        assert!(version("php-fpm8.10") > version("php-fpm8.9"));
        assert_eq!(version("php-fpm"), None);
        assert_eq!(version("php"), None);
    }
}
