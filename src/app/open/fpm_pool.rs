//! The pools of a PHP-FPM on this machine, as its files declare them.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::transport::Address;

/// A pool with a fixed address and number of workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FpmPool {
    name: String,
    /// A path, a port, or an address with a port.
    listen: String,
    /// Most workers.
    pub(super) max_children: usize,
    /// The directory that is the root of the file system for them.
    chroot: Option<PathBuf>,
    file: PathBuf,
    /// The line of `pm.max_children`, from 1.
    line: usize,
}

/// What is known of a pool before all of it was read.
#[derive(Default)]
struct Section {
    name: String,
    listen: Option<String>,
    max_children: Option<(usize, usize)>,
    chroot: Option<PathBuf>,
}

impl FpmPool {
    /// The files of pools, where distributions and PHP's own images keep them.
    pub(super) fn files() -> Vec<PathBuf> {
        let versions = entries(Path::new("/etc/php")).into_iter();
        let debian = versions.map(|version| version.join("fpm/pool.d"));
        let alpine = entries(Path::new("/etc")).into_iter();
        let alpine = alpine
            .filter(|path| path.file_name().is_some_and(is_php))
            .map(|php| php.join("php-fpm.d"));
        let others = ["/etc/php-fpm.d", "/usr/local/etc/php-fpm.d"].map(PathBuf::from);
        let directories = debian.chain(alpine).chain(others);
        let mut files: Vec<_> = directories.flat_map(|directory| entries(&directory)).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "conf"));
        files
    }

    /// The pools that these files declare. What cannot be read declares none.
    pub(super) fn all(files: &[PathBuf]) -> Vec<Self> {
        let text = |file: &PathBuf| Some((file.clone(), fs::read_to_string(file).ok()?));
        let texts = files.iter().filter_map(text);
        texts.flat_map(|(file, text)| parse(&file, &text)).collect()
    }

    /// Whether connections to `address` are for this pool.
    pub(super) fn listens_on(&self, address: &Address) -> bool {
        match address {
            Address::Unix(path) => {
                let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
                self.listen.starts_with('/') && real(path) == real(Path::new(&self.listen))
            }
            Address::Tcp(address) => {
                let (host, port) = self.listen.rsplit_once(':').unwrap_or(("", &self.listen));
                let host = host.trim_matches(['[', ']']);
                let host = match host.parse::<IpAddr>() {
                    Ok(ip) => ip == address.ip() || ip.is_unspecified() && address.ip().is_loopback(),
                    Err(_) => matches!(host, "" | "*") && address.ip().is_loopback(),
                };
                host && port.parse() == Ok(address.port())
            }
            Address::Abstract(_) | Address::Name(..) => false,
        }
    }
}

impl FpmPool {
    /// What the workers have for `root` where they see it elsewhere, in words.
    pub(super) fn sees(&self, root: &Path) -> Option<String> {
        let chroot = self.chroot.as_ref()?;
        let (name, chroot, file) = (&self.name, chroot, self.file.display());
        let seen = match root.strip_prefix(chroot) {
            Ok(rest) => format!("as {}", Path::new("/").join(rest).display()),
            Err(_) => "not at all".to_owned(),
        };
        let chroot = chroot.display();
        Some(format!(
            "PHP-FPM's pool `{name}` has `chroot = {chroot}` ({file}): it sees {} {seen}",
            root.display()
        ))
    }
}

impl fmt::Display for FpmPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (self.file.display(), self.line);
        let (name, most) = (&self.name, self.max_children);
        write!(
            f,
            "the {most} workers of PHP-FPM's pool `{name}` (pm.max_children, {file}:{line})"
        )
    }
}

fn parse(file: &Path, text: &str) -> Vec<FpmPool> {
    let (mut pools, mut section) = (Vec::new(), Section::default());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let next = Section {
                name: name.to_owned(),
                ..Section::default()
            };
            pools.extend(std::mem::replace(&mut section, next).pool(file));
        } else if let Some((key, value)) = line.split_once('=') {
            section.set(key.trim(), value, number + 1);
        }
    }
    pools.extend(section.pool(file));
    pools
}

impl Section {
    fn set(&mut self, key: &str, value: &str, line: usize) {
        let value = value.split(';').next().unwrap_or_default();
        let value = value.trim().trim_matches(['"', '\'']);
        match key {
            "listen" => self.listen = Some(value.replace("$pool", &self.name)),
            "chroot" => self.chroot = Some(value.replace("$pool", &self.name).into()),
            "pm.max_children" => self.max_children = value.parse().ok().map(|most| (most, line)),
            _ => {}
        }
    }

    fn pool(self, file: &Path) -> Option<FpmPool> {
        let (max_children, line) = self.max_children?;
        Some(FpmPool {
            name: self.name,
            listen: self.listen?,
            max_children,
            chroot: self.chroot,
            file: file.to_owned(),
            line,
        })
    }
}

/// `php81` of Alpine, `php8.2` of others; not `php` itself, which has versions in it.
fn is_php(name: &std::ffi::OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.len() > 3 && name.starts_with("php") && name != "php-fpm.d")
}

/// What a directory holds, by name.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "; Debian's\n[global]\npm.max_children = 3\n[www]\nuser = www-data\n\
        listen = /run/php/$pool.sock ; a socket\nlisten.backlog = 511\n;listen = 9\n\
        pm = dynamic\n  pm.max_children=5\n[tcp]\npm.max_children = 7\nlisten = \"127.0.0.1:9000\"\n\
        [any]\nlisten = 9001\npm.max_children = 8\n[open]\nlisten = [::]:9002\npm.max_children = ${MOST}\n";

    #[test]
    fn pools_are_found_with_their_addresses_workers_and_lines() {
        let pools = parse(Path::new("/etc/www.conf"), FILE);
        let found = |address: &str| {
            let address: Address = address.parse().unwrap();
            pools
                .iter()
                .find(|pool| pool.listens_on(&address))
                .map(|pool| (pool.max_children, pool.line))
        };
        for (address, pool) in [
            ("unix:/run/php/www.sock", Some((5, 10))),
            ("127.0.0.1:9000", Some((7, 12))),
            ("127.0.0.2:9000", None),
            ("127.0.0.1:9001", Some((8, 16))),
            ("[::1]:9001", Some((8, 16))),
            ("192.0.2.1:9001", None),
            ("127.0.0.1:9002", None),
            ("unix:/run/php/tcp.sock", None),
        ] {
            assert_eq!(found(address), pool, "{address}");
        }
        assert_eq!(
            pools[0].to_string(),
            "the 5 workers of PHP-FPM's pool `www` (pm.max_children, /etc/www.conf:10)"
        );
    }

    #[test]
    fn behind_a_chroot_directories_have_other_names() {
        let text = "[www]\nlisten = 9000\npm.max_children = 1\nchroot = /srv/$pool\n";
        let pools = parse(Path::new("/etc/www.conf"), text);
        let sees = |root: &str| pools[0].sees(Path::new(root)).unwrap();
        let start = "PHP-FPM's pool `www` has `chroot = /srv/www` (/etc/www.conf): it sees";
        assert_eq!(
            sees("/srv/www/public"),
            format!("{start} /srv/www/public as /public")
        );
        assert_eq!(sees("/srv/www"), format!("{start} /srv/www as /"));
        assert_eq!(sees("/srv/shop"), format!("{start} /srv/shop not at all"));
        let open = parse(Path::new("/etc/www.conf"), FILE);
        assert_eq!(open[0].sees(Path::new("/srv")), None);
    }

    #[test]
    fn what_cannot_be_read_declares_nothing() {
        assert_eq!(FpmPool::all(&["/nonexistent/www.conf".into()]), []);
    }
}
