//! A directory below which files are looked up, by its path.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::cache::{Cache, Found, LARGEST};
use super::contents::Contents;
use super::directory::{Directory, Kind, LookupError};
use super::file::{Content, File};
use super::kept::Kept;
use super::links::Symlinks;
use super::path::RelPath;
use super::version::Version;

/// How often a root checks whether its path leads to another directory now: deployments switch a link.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A directory whose files are served.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    symlinks: Symlinks,
    /// What its path led to when it was last checked.
    current: ArcSwap<Directory>,
    opened: Instant,
    /// Seconds after `opened` of the last check.
    checked: AtomicU64,
    /// Where its small files are kept, if anywhere.
    cache: Option<Arc<Cache>>,
}

/// What a path leads to.
#[derive(Debug)]
pub enum Entry {
    /// A regular file, to be read.
    File(File),
    /// A directory.
    Directory,
}

impl Root {
    /// Opens the directory at an absolute path.
    pub fn open(path: impl Into<PathBuf>, symlinks: Symlinks) -> io::Result<Self> {
        Self::with(path.into(), symlinks, None)
    }

    /// The same, with its small files in a cache.
    pub fn keeping(path: impl Into<PathBuf>, symlinks: Symlinks, cache: &Arc<Cache>) -> io::Result<Self> {
        Self::with(path.into(), symlinks, Some(cache.clone()))
    }

    fn with(path: PathBuf, symlinks: Symlinks, cache: Option<Arc<Cache>>) -> io::Result<Self> {
        let number = cache.as_ref().map_or(0, |cache| cache.directory());
        Ok(Self {
            symlinks,
            current: ArcSwap::from_pointee(Directory::open(&path, number)?),
            path,
            opened: Instant::now(),
            checked: AtomicU64::new(0),
            cache,
        })
    }

    /// Opens what is at `path`.
    pub fn get(&self, path: &RelPath) -> Result<Entry, LookupError> {
        let now = self.opened.elapsed();
        let directory = self.directory(now);
        match &self.cache {
            Some(cache) => self.find(&directory, cache, path, now),
            None => self.read(&directory, path).map(|(entry, _)| entry),
        }
    }

    /// Opens a file that may be there. That it is not is remembered as well: its name is none of the client's choice.
    pub(super) fn get_possible(&self, path: &RelPath) -> Result<Option<File>, LookupError> {
        match self.get(path) {
            Ok(Entry::File(file)) => Ok(Some(file)),
            Ok(Entry::Directory) => Ok(None),
            Err(LookupError::NotFound) => {
                self.keep_nothing(path);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Tells what is at `path`, and the path of the root without links at this moment.
    pub fn look(&self, path: &RelPath) -> Result<(Kind, Bytes), LookupError> {
        let directory = self.directory(self.opened.elapsed());
        let (kind, _) = directory.look(path, self.symlinks)?;
        Ok((kind, directory.real.clone()))
    }

    /// Opens the directory at `path`, to be listed.
    pub(super) fn list(&self, path: &RelPath) -> Result<Contents, LookupError> {
        let directory = self.directory(self.opened.elapsed());
        Contents::open(Arc::clone(&directory), self.symlinks, path)
    }

    /// The path of the root without links, as of the last check.
    pub fn real_path(&self) -> Bytes {
        self.current.load().real.clone()
    }

    /// Follows the root's own path again. A path that leads nowhere changes nothing: a deployment may be at
    /// work.
    pub fn refresh(&self) {
        let current = self.current.load();
        let number = self.cache.as_ref().map_or(0, |cache| cache.directory());
        if let Ok(fresh) = Directory::open(&self.path, number)
            && !fresh.is(&current)
        {
            self.current.store(Arc::new(fresh));
        }
    }

    fn directory(&self, now: Duration) -> arc_swap::Guard<Arc<Directory>> {
        let now = now.as_secs();
        let last = self.checked.load(Ordering::Relaxed);
        // One of the callers of this second checks; the others go on with what there is.
        let due = now >= last + CHECK_EVERY.as_secs();
        let relaxed = Ordering::Relaxed;
        if due && self.checked.compare_exchange(last, now, relaxed, relaxed).is_ok() {
            self.refresh();
        }
        self.current.load()
    }

    /// What is in the cache, as long as it is what is on the disk; else what is there.
    fn find(
        &self,
        directory: &Directory,
        cache: &Cache,
        path: &RelPath,
        now: Duration,
    ) -> Result<Entry, LookupError> {
        let before = match cache.find(directory.number, path.bytes(), now) {
            Found::Fresh(kept) => return entry(kept),
            Found::Due(kept) => Some(kept),
            Found::Nothing => None,
        };
        match (self.read(directory, path), before) {
            (Ok((_, Some(version))), Some(kept)) if kept.is(&version) => entry(kept),
            (Ok((Entry::File(file), Some(version))), _) if file.size <= LARGEST => {
                let file = in_memory(file, version, now);
                if let Content::Kept(kept) = &file.content {
                    cache.keep(directory.number, path.bytes(), kept);
                }
                Ok(Entry::File(file))
            }
            (found, before) => {
                if before.is_some() {
                    cache.forget(directory.number, path.bytes());
                }
                found.map(|(entry, _)| entry)
            }
        }
    }

    /// What is on the disk; a file with its version.
    fn read(&self, directory: &Directory, path: &RelPath) -> Result<(Entry, Option<Version>), LookupError> {
        let (fd, kind, stat) = directory.read(path, self.symlinks)?;
        Ok(match kind {
            Kind::Directory => (Entry::Directory, None),
            Kind::File => {
                let version = Version::of(&stat);
                (Entry::File(File::open(fd, &version)), Some(version))
            }
        })
    }

    fn keep_nothing(&self, path: &RelPath) {
        if let Some(cache) = &self.cache {
            let now = self.opened.elapsed();
            let number = self.directory(now).number;
            cache.keep(number, path.bytes(), &Arc::new(Kept::nothing(now)));
        }
    }
}

fn entry(kept: Arc<Kept>) -> Result<Entry, LookupError> {
    File::kept(kept).map(Entry::File).ok_or(LookupError::NotFound)
}

/// A small file with its contents; as it is where those cannot be read, which is found out again.
fn in_memory(file: File, version: Version, now: Duration) -> File {
    let settled = version.is_settled(SystemTime::now());
    match file.content.read(0, file.size as usize) {
        Ok(bytes) => File {
            content: Content::Kept(Arc::new(Kept::new(bytes, version, settled, now))),
            ..file
        },
        Err(_) => file,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::FileType;
    use tempfile::TempDir;

    use super::super::directory::Lookup;
    use super::*;
    use crate::files::path::DecodedPath;

    fn rel(path: &str) -> RelPath {
        let path = DecodedPath::parse(format!("/{path}").as_bytes()).unwrap();
        path.relative(0, path.as_bytes().len()).unwrap()
    }

    /// `site/` is the root; `secret` lies beside it.
    fn tree() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        fs::create_dir_all(site.join("sub/deep")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(site.join("page"), "page").unwrap();
        fs::write(site.join("sub/deep/file"), "deep").unwrap();
        symlink("../../page", site.join("sub/deep/inside")).unwrap();
        symlink("sub", site.join("linked")).unwrap();
        symlink("../secret", site.join("out")).unwrap();
        symlink("..", site.join("up")).unwrap();
        symlink(dir.path().join("secret"), site.join("absolute")).unwrap();
        symlink("loop", site.join("loop")).unwrap();
        symlink("/proc/self/root/etc", site.join("magic")).unwrap();
        symlink(site.join("sub"), site.join("whole")).unwrap();
        dir
    }

    fn root(dir: &TempDir) -> Root {
        with(dir, Symlinks::Inside)
    }

    fn with(dir: &TempDir, symlinks: Symlinks) -> Root {
        Root::open(dir.path().join("site"), symlinks).unwrap()
    }

    fn without_openat2(dir: &TempDir) -> Root {
        let root = root(dir);
        let mut directory = Directory::open(&root.path, 0).unwrap();
        directory.lookup = Lookup::NoLinks;
        root.current.store(Arc::new(directory));
        root
    }

    fn contents(root: &Root, path: &str) -> Result<String, LookupError> {
        let Entry::File(file) = root.get(&rel(path))? else {
            panic!("{path} is a directory");
        };
        let bytes = file.content.read(0, file.size as usize).unwrap();
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn files_and_directories_are_told_apart() {
        let dir = tree();
        for root in [root(&dir), without_openat2(&dir)] {
            assert_eq!(contents(&root, "page").unwrap(), "page");
            assert_eq!(contents(&root, "sub/deep/file").unwrap(), "deep");
            assert!(matches!(root.get(&rel("")), Ok(Entry::Directory)));
            assert!(matches!(root.get(&rel("sub/deep")), Ok(Entry::Directory)));
            assert_eq!(root.look(&rel("page")).unwrap().0, Kind::File);
            assert_eq!(root.look(&rel("sub")).unwrap().0, Kind::Directory);
            for missing in ["none", "none/none", "page/none", &"x".repeat(300)] {
                assert!(
                    matches!(root.get(&rel(missing)), Err(LookupError::NotFound)),
                    "{missing}"
                );
                assert!(
                    matches!(root.look(&rel(missing)), Err(LookupError::NotFound)),
                    "{missing}"
                );
            }
        }
    }

    #[test]
    fn links_are_followed_wherever_they_lead() {
        let dir = tree();
        let root = with(&dir, Symlinks::Follow);
        for (path, text) in [
            ("sub/deep/inside", "page"),
            ("linked/deep/file", "deep"),
            ("whole/deep/file", "deep"),
            ("out", "secret"),
            ("up/secret", "secret"),
            ("absolute", "secret"),
        ] {
            assert_eq!(contents(&root, path).unwrap(), text, "{path}");
        }
        for nothing in ["loop", "magic", "magic/passwd"] {
            assert!(
                matches!(root.get(&rel(nothing)), Err(LookupError::NotFound)),
                "{nothing}"
            );
        }
    }

    #[test]
    fn inside_the_root_links_work_absolute_ones_too_and_no_other_does() {
        let dir = tree();
        let root = root(&dir);
        assert_eq!(contents(&root, "sub/deep/inside").unwrap(), "page");
        assert_eq!(contents(&root, "linked/deep/file").unwrap(), "deep");
        assert_eq!(contents(&root, "whole/deep/file").unwrap(), "deep");
        for outside in ["out", "up", "up/secret", "up/site/page", "absolute"] {
            assert!(
                matches!(root.get(&rel(outside)), Err(LookupError::Outside)),
                "{outside}"
            );
            assert!(
                matches!(root.look(&rel(outside)), Err(LookupError::Outside)),
                "{outside}"
            );
        }
        for nothing in ["loop", "magic", "magic/passwd"] {
            assert!(
                matches!(root.get(&rel(nothing)), Err(LookupError::NotFound)),
                "{nothing}"
            );
        }
    }

    #[test]
    fn links_of_the_owner_are_followed() {
        let dir = tree();
        let root = with(&dir, Symlinks::Owner);
        for (path, text) in [
            ("page", "page"),
            ("linked/deep/inside", "page"),
            ("up/secret", "secret"),
        ] {
            assert_eq!(contents(&root, path).unwrap(), text, "{path}");
        }
        assert!(matches!(root.get(&rel("")), Ok(Entry::Directory)));
        assert!(matches!(root.get(&rel("loop")), Err(LookupError::NotFound)));
    }

    #[test]
    #[ignore = "needs root: cargo xtask test plays it when it has it"]
    fn links_of_another_user_are_not_followed() {
        let dir = tree();
        let site = dir.path().join("site");
        let stranger = Some(rustix::fs::Uid::from_raw(65_534));
        for link in ["linked", "out"] {
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(rustix::fs::CWD, site.join(link), stranger, None, flags).unwrap();
        }
        let root = with(&dir, Symlinks::Owner);
        for link in ["linked/deep/file", "out"] {
            assert!(matches!(root.get(&rel(link)), Err(LookupError::Owner)), "{link}");
            assert!(matches!(root.look(&rel(link)), Err(LookupError::Owner)), "{link}");
        }
    }

    #[test]
    fn without_openat2_no_link_works() {
        let dir = tree();
        let root = without_openat2(&dir);
        for link in [
            "sub/deep/inside",
            "linked/deep/file",
            "out",
            "up/secret",
            "absolute",
            "loop",
            "magic",
        ] {
            assert!(
                matches!(root.get(&rel(link)), Err(LookupError::NotFound)),
                "{link}"
            );
            assert!(
                matches!(root.look(&rel(link)), Err(LookupError::NotFound)),
                "{link}"
            );
        }
    }

    #[test]
    fn a_fifo_or_a_socket_is_not_there_and_is_not_waited_for() {
        let dir = tree();
        let site = dir.path().join("site");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            site.join("fifo"),
            FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(site.join("socket")).unwrap();
        for root in [root(&dir), without_openat2(&dir)] {
            for special in ["fifo", "socket"] {
                assert!(matches!(root.get(&rel(special)), Err(LookupError::NotFound)));
                assert!(matches!(root.look(&rel(special)), Err(LookupError::NotFound)));
            }
        }
    }

    #[test]
    fn a_switched_release_is_found_and_a_missing_one_keeps_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let (current, fresh) = (dir.path().join("current"), dir.path().join("fresh"));
        for release in ["one", "two"] {
            fs::create_dir(dir.path().join(release)).unwrap();
            fs::write(dir.path().join(release).join("name"), release).unwrap();
        }
        symlink("one", &current).unwrap();
        let root = Root::open(&current, Symlinks::Follow).unwrap();
        assert_eq!(contents(&root, "name").unwrap(), "one");
        symlink("two", &fresh).unwrap();
        fs::rename(&fresh, &current).unwrap();
        root.refresh();
        assert_eq!(contents(&root, "name").unwrap(), "two");
        assert!(root.real_path().ends_with(b"/two"));
        fs::remove_file(&current).unwrap();
        root.refresh();
        assert_eq!(contents(&root, "name").unwrap(), "two");
    }

    /// A root with a cache, and what it says of `page` at a time since it was opened.
    fn kept(dir: &TempDir) -> (Root, Arc<Cache>) {
        let cache = Arc::new(Cache::new(1 << 20));
        let root = Root::keeping(dir.path().join("site"), Symlinks::Inside, &cache).unwrap();
        (root, cache)
    }

    fn text_at(root: &Root, cache: &Cache, path: &str, now: Duration) -> Result<String, LookupError> {
        let directory = root.current.load();
        let Entry::File(file) = root.find(&directory, cache, &rel(path), now)? else {
            panic!("{path} is a directory");
        };
        let bytes = file.content.read(0, file.size as usize).unwrap();
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_kept_file_is_looked_at_again_after_a_second() {
        let dir = tree();
        let (root, cache) = kept(&dir);
        let page = dir.path().join("site/page");
        let text = |now| text_at(&root, &cache, "page", now);
        assert_eq!(text(Duration::ZERO).unwrap(), "page");
        // Of the same size, and perhaps in the same tick.
        fs::write(&page, "egap").unwrap();
        assert_eq!(text(CHECK_EVERY / 2).unwrap(), "page");
        assert_eq!(text(CHECK_EVERY).unwrap(), "egap");
        fs::remove_file(&page).unwrap();
        assert_eq!(text(CHECK_EVERY * 3 / 2).unwrap(), "egap");
        assert!(matches!(text(2 * CHECK_EVERY), Err(LookupError::NotFound)));
        fs::write(&page, "again").unwrap();
        assert_eq!(text(2 * CHECK_EVERY).unwrap(), "again");
        fs::remove_file(&page).unwrap();
        fs::create_dir(&page).unwrap();
        let directory = root.current.load();
        let found = root.find(&directory, &cache, &rel("page"), 3 * CHECK_EVERY);
        assert!(matches!(found, Ok(Entry::Directory)));
    }

    #[test]
    fn a_link_that_leads_out_from_now_on_is_followed_no_more() {
        let dir = tree();
        let (root, cache) = kept(&dir);
        let text = |now| text_at(&root, &cache, "linked/deep/file", now);
        assert_eq!(text(Duration::ZERO).unwrap(), "deep");
        let link = dir.path().join("site/linked");
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::remove_file(&link).unwrap();
        symlink("../outside", &link).unwrap();
        assert!(matches!(text(CHECK_EVERY), Err(LookupError::Outside)));
    }

    #[test]
    fn large_files_and_files_that_are_not_there_are_not_kept() {
        let dir = tree();
        let (root, _cache) = kept(&dir);
        fs::write(dir.path().join("site/large"), vec![b'x'; LARGEST as usize + 1]).unwrap();
        for (path, is_kept) in [("page", true), ("large", false)] {
            let Ok(Entry::File(file)) = root.get(&rel(path)) else {
                panic!("no {path}");
            };
            assert_eq!(matches!(file.content, Content::Kept(_)), is_kept, "{path}");
        }
        assert!(matches!(root.get(&rel("none")), Err(LookupError::NotFound)));
        fs::write(dir.path().join("site/none"), "there").unwrap();
        assert_eq!(contents(&root, "none").unwrap(), "there");
    }

    #[test]
    fn that_a_coding_is_not_there_is_remembered_as_long_as_one_would_be() {
        let dir = tree();
        let (root, cache) = kept(&dir);
        let path = rel("page").with_suffix(".br");
        assert!(root.get_possible(&path).unwrap().is_none());
        fs::write(dir.path().join("site/page.br"), "brotli").unwrap();
        let directory = root.current.load();
        let find = |now| root.find(&directory, &cache, &path, now);
        assert!(matches!(find(Duration::ZERO), Err(LookupError::NotFound)));
        assert!(matches!(find(2 * CHECK_EVERY), Ok(Entry::File(_))));
    }

    #[test]
    fn another_release_has_files_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        for release in ["one", "two"] {
            fs::create_dir(dir.path().join(release)).unwrap();
            fs::write(dir.path().join(release).join("name"), release).unwrap();
        }
        let current = dir.path().join("current");
        symlink("one", &current).unwrap();
        let root = Root::keeping(&current, Symlinks::Follow, &Arc::new(Cache::new(1 << 20))).unwrap();
        assert_eq!(contents(&root, "name").unwrap(), "one");
        fs::remove_file(&current).unwrap();
        symlink("two", &current).unwrap();
        root.refresh();
        assert_eq!(contents(&root, "name").unwrap(), "two");
    }

    #[test]
    fn a_root_that_is_no_directory_is_refused() {
        let dir = tree();
        assert!(Root::open(dir.path().join("none"), Symlinks::Follow).is_err());
        assert!(Root::open(dir.path().join("secret"), Symlinks::Follow).is_err());
    }
}
