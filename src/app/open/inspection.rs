//! What a start would fail at, found out by a look: `bridgehead check`.
//!
//! Nothing is listened on, and no file is made that has a name. What is found is said in the words of the start, whose
//! functions find it.

use std::io;

use anyhow::{Context, Error, Result};
use rustix::process::geteuid;

use super::fpm_pool::FpmPool;
use super::material::{findings, material};
use super::pid_file::PidFile;
use super::progress::Progress;
use super::roots::{Astray, root};
use super::{log, temp_dir};
use crate::app::identity::Identity;
use crate::app::own::Own;
use crate::config::Config;
use crate::frontend::config::{DocumentRoot, Handler};
use crate::transport::tls::{Material, TlsError};
use crate::transport::{Address, DirectoryEntry, EntryError};
use crate::upstream::UpstreamConfig;
use crate::upstream::model::config::slots::Slots;

/// Something that is not as a configuration needs it.
#[derive(Debug)]
pub struct Finding {
    /// The keys that lead to the setting, tables of an array by their numbers.
    pub setting: Vec<String>,
    /// In the words of the start.
    pub message: String,
    /// Whether a start fails at it.
    pub fatal: bool,
}

/// Looks at what a start would open, in the order of the start. As root, the process becomes the user of `[server]` on
/// the way, as a start does: for good.
pub fn inspect(config: &Config) -> Vec<Finding> {
    with_pools(config, &FpmPool::all(&FpmPool::files()))
}

/// Which certificates a start would get by itself, and how: a sentence each.
pub fn own_certificates(config: &Config) -> Vec<String> {
    let mut config = config.clone();
    let configured = material(&config, &Material::default(), &Progress::default());
    let own = Own::settle(&mut config, &configured.unwrap_or_default());
    own.plan(&config.acme)
}

/// The same, where these are the pools of PHP-FPM.
fn with_pools(config: &Config, pools: &[FpmPool]) -> Vec<Finding> {
    let mut inspection = Inspection {
        config,
        pools,
        progress: Progress::default(),
        found: Vec::new(),
        stranger: false,
    };
    inspection.run();
    inspection.found
}

struct Inspection<'a> {
    config: &'a Config,
    pools: &'a [FpmPool],
    /// Nothing waits for it.
    progress: Progress,
    found: Vec<Finding>,
    /// The start has rights that this process has not.
    stranger: bool,
}

impl Inspection<'_> {
    fn run(&mut self) {
        let config = self.config;
        let identity = self.identity();
        self.stranger = identity.is_some() && !geteuid().is_root();
        self.note(&["log", "access"], log::ACCESS.look(&config.log.access));
        self.note(&["log", "error"], log::ERROR.look(&config.log.error));
        self.listeners();
        self.certificates();
        self.note(&["server", "pid_file"], PidFile::look(config));
        if let Some(identity) = identity.filter(|_| !self.stranger) {
            self.note(&["server", "user"], identity.assume());
        }
        self.roots();
        let spool = &config.server.spool;
        self.note(&["server", "temp_dir"], temp_dir::probe(spool, &self.progress));
        self.slots();
        self.chroots();
    }

    fn identity(&mut self) -> Option<Identity> {
        let server = &self.config.server;
        let (user, group) = (server.user.as_deref(), server.group.as_deref());
        // A group that is known is not to blame.
        let key = match Identity::find(None, group) {
            Ok(_) => "user",
            Err(_) => "group",
        };
        let found = Identity::find(user, group);
        self.note(&["server", key], found).flatten()
    }

    fn listeners(&mut self) {
        for (number, listener) in self.config.frontend.listeners.iter().enumerate() {
            let number = number.to_string();
            let (address, access) = (&listener.address, &listener.access);
            let accounts = access.resolve().with_context(|| address.to_string());
            self.note(&["listen", &number], accounts.context("cannot listen"));
            if let Address::Unix(path) = address {
                let entry = DirectoryEntry::find(path).with_context(|| address.to_string());
                self.note(&["listen", &number, "address"], entry.context("cannot listen"));
            }
        }
    }

    /// The certificates and their keys, as a start reads them.
    fn certificates(&mut self) {
        let setting = ["tls", "certificates"];
        let read = material(self.config, &Material::default(), &self.progress);
        let Some(material) = self.note(&setting, read) else {
            return;
        };
        let own = Own::settle(&mut self.config.clone(), &material);
        for finding in findings(self.config, &own, &material) {
            self.push(&setting, finding.to_string(), false);
        }
    }

    fn roots(&mut self) {
        for (number, route) in self.config.frontend.routes.iter().enumerate() {
            let Some((directory, _)) = route.root() else {
                continue;
            };
            let key = match directory {
                DocumentRoot::Root(_) => "root",
                DocumentRoot::Alias(_) => "alias",
            };
            let number = number.to_string();
            let handler = route.handler.name();
            let opened = root(route, None, &self.progress);
            if self.note(&["route", &number, handler, key], opened).is_some()
                && let Some(astray) = Astray::find(route)
            {
                self.push(&["route", &number, handler, astray.key], astray.message, false);
            }
        }
    }

    /// Slots that have no worker behind them, where PHP-FPM runs on this machine.
    fn slots(&mut self) {
        for upstream in &self.config.upstreams {
            let Slots::Fixed(slots) = upstream.max_connections else {
                continue;
            };
            if let Some(pool) = behind(upstream, self.pools).find(|pool| pool.max_children < slots) {
                let message = format!(
                    "more slots than {pool}: the requests above that wait in its backlog, where no other endpoint can take \
                     them over"
                );
                self.push(&["upstream", &upstream.name, "max_connections"], message, false);
            }
        }
    }

    /// Scripts that PHP-FPM has to be told of by another path.
    fn chroots(&mut self) {
        for (number, route) in self.config.frontend.routes.iter().enumerate() {
            let Handler::Php(php) = &route.handler else {
                continue;
            };
            let upstream = &self.config.upstreams[php.upstream];
            let root = php.root.path();
            if let Some(sees) = behind(upstream, self.pools).find_map(|pool| pool.sees(root))
                && php.remote_root.is_none()
            {
                let message = format!("{sees}; `remote_root` says where");
                self.push(&["route", &number.to_string(), "php"], message, false);
            }
        }
    }

    /// Notes what a start would fail at.
    fn note<T>(&mut self, setting: &[&str], looked: Result<T>) -> Option<T> {
        match looked {
            Ok(found) => Some(found),
            Err(error) => {
                if !(self.stranger && is_denied(&error)) {
                    self.push(setting, format!("{error:#}"), true);
                }
                None
            }
        }
    }

    fn push(&mut self, setting: &[&str], message: String, fatal: bool) {
        self.found.push(Finding {
            setting: setting.iter().map(|key| (*key).to_owned()).collect(),
            message,
            fatal,
        });
    }
}

/// The pools that an upstream leads to.
fn behind<'p>(upstream: &'p UpstreamConfig, pools: &'p [FpmPool]) -> impl Iterator<Item = &'p FpmPool> {
    let endpoints = &upstream.endpoints;
    let leads = move |pool: &&FpmPool| endpoints.iter().any(|end| pool.listens_on(&end.address));
    pools.iter().filter(leads)
}

/// Whether it is for want of rights.
fn is_denied(error: &Error) -> bool {
    error.chain().any(|cause| {
        let system = match cause.downcast_ref() {
            Some(EntryError::Io { cause, .. }) => Some(cause),
            _ => match cause.downcast_ref() {
                Some(TlsError::Read { cause, .. }) => Some(cause),
                _ => cause.downcast_ref::<io::Error>(),
            },
        };
        system.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    /// What is found about a configuration, with the directory written as `DIR`.
    fn found(dir: &Path, text: &str) -> Vec<(String, String, bool)> {
        let dir = dir.to_str().unwrap();
        let (config, _) = parse("site.toml", &text.replace("DIR", dir), &|_| None).unwrap();
        let pools = FpmPool::all(&[Path::new(dir).join("www.conf")]);
        let found = with_pools(&config, &pools).into_iter();
        found
            .map(|found| {
                let message = found.message.replace(dir, "DIR");
                (found.setting.join("."), message, found.fatal)
            })
            .collect()
    }

    #[test]
    fn what_a_start_would_fail_at_is_found_with_its_setting() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[server]\ntemp_dir = \"DIR/tmp\"\npid_file = \"DIR/run/pid\"\ngroup = \"nobody-at-all\"\n\
                    [log]\naccess = \"DIR/log/access.log\"\n\
                    [[listen]]\naddress = \"unix:DIR/run/x.sock\"\nowner = \"nobody-at-all\"\n\
                    [[route]]\nrespond = {}\n\
                    [[route]]\npath = \"/static\"\nfiles = { alias = \"DIR/static\" }\n";
        let missing = "No such file or directory (os error 2)";
        let wanted = [
            ("server.group", "there is no group `nobody-at-all`".to_owned()),
            (
                "log.access",
                format!("cannot open the access log DIR/log/access.log: DIR/log: {missing}"),
            ),
            (
                "listen.0",
                "cannot listen: unix:DIR/run/x.sock: there is no user `nobody-at-all`".to_owned(),
            ),
            (
                "listen.0.address",
                format!("cannot listen: unix:DIR/run/x.sock: DIR/run: {missing}"),
            ),
            (
                "server.pid_file",
                format!("cannot write the pid file DIR/run/pid: DIR/run: {missing}"),
            ),
            (
                "route.1.files.alias",
                format!("route /static: cannot open the root DIR/static: {missing}"),
            ),
            (
                "server.temp_dir",
                format!(
                    "cannot make files in DIR/tmp, where bodies go that do not fit into memory ([server] temp_dir): \
                     {missing}"
                ),
            ),
        ];
        let wanted = wanted.map(|(setting, message)| (setting.to_owned(), message, true));
        assert_eq!(found(&dir.path().canonicalize().unwrap(), text), wanted);
    }

    #[test]
    fn nothing_is_found_where_everything_is_there_and_nothing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("public")).unwrap();
        let text = "[server]\ntemp_dir = \"DIR\"\npid_file = \"DIR/pid\"\n\
                    [log]\naccess = \"DIR/access.log\"\nerror = \"DIR/error.log\"\n\
                    [[listen]]\naddress = \"unix:DIR/x.sock\"\n\
                    [[route]]\nfiles = { root = \"DIR/public\" }\n";
        assert_eq!(found(dir.path(), text), []);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn slots_without_workers_are_found_where_the_files_of_the_pool_are() {
        let dir = tempfile::tempdir().unwrap();
        let pool = "[www]\nlisten = 127.0.0.1:9000\npm.max_children = 5\n";
        fs::write(dir.path().join("www.conf"), pool).unwrap();
        let with = |slots: &str| {
            let text = format!(
                "[server]\ntemp_dir = \"DIR\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\n\
                 proxy = {{ upstream = \"php\" }}\n[upstream.php]\nprofile = \"php-fpm\"\n\
                 endpoints = [\"127.0.0.1:9000\"]\nmax_connections = {slots}\n"
            );
            found(dir.path(), &text)
        };
        assert_eq!((with("5"), with("\"auto\"")), (vec![], vec![]));
        let message = "more slots than the 5 workers of PHP-FPM's pool `www` (pm.max_children, DIR/www.conf:3): the \
                       requests above that wait in its backlog, where no other endpoint can take them over";
        let setting = "upstream.php.max_connections";
        assert_eq!(with("6"), [(setting.to_owned(), message.to_owned(), false)]);
    }

    #[test]
    fn a_root_that_php_sees_elsewhere_is_found_where_the_files_of_the_pool_are() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("public")).unwrap();
        let home = dir.path().display();
        let pool = format!("[www]\nlisten = 9000\npm.max_children = 5\nchroot = {home}\n");
        fs::write(dir.path().join("www.conf"), pool).unwrap();
        let with = |more: &str| {
            let text = format!(
                "[server]\ntemp_dir = \"DIR\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\n\
                 php = {{ upstream = \"php\", root = \"DIR/public\"{more} }}\n[upstream.php]\nprofile = \"php-fpm\"\n\
                 endpoints = [\"127.0.0.1:9000\"]\n"
            );
            found(dir.path(), &text)
        };
        assert_eq!(with(", remote_root = \"/public\""), []);
        let message = "PHP-FPM's pool `www` has `chroot = DIR` (DIR/www.conf): it sees DIR/public as /public; \
                       `remote_root` says where";
        assert_eq!(with(""), [("route.0.php".to_owned(), message.to_owned(), false)]);
    }

    #[test]
    fn what_may_come_right_is_found_and_keeps_nothing_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[server]\ntemp_dir = \"DIR\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n\
                    [upstream.app]\nprotocol = \"scgi\"\nendpoints = [\"unix:DIR/none.sock\"]\n\
                    [[route]]\nproxy = { upstream = \"app\" }\n\
                    [[route]]\npath = \"/later\"\nfiles = { root = \"DIR\" }\n";
        let found = found(dir.path(), text);
        let [(setting, message, fatal)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((setting.as_str(), *fatal), ("route.1.files.root", false));
        assert!(message.contains("`alias = \"DIR\"`"), "{message}");
    }
}
