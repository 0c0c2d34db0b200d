//! Which PHP script answers a path, and what is left of the path for it.
//!
//! One step finds both, on the decoded and normalised bytes of the path, so that the file that was checked is
//! the file that PHP is told to run. The rules, each against an attack that worked somewhere (reference, section
//! 5): the path is split behind the first suffix that ends a segment; the suffix is compared byte by byte, no
//! byte above 0x7F matches anything; the script must be a regular file below the root, links included; if it is
//! not, nothing further is tried with the rest of the path. A name that differs from a script's only in case is
//! never run and never shown. An encoded slash or a backslash may stand behind the script, where no file is looked up,
//! and nowhere else: not even the slash between the two may be encoded.
//!
//! Like nginx's `try_files $uri $uri/ /index.php`: a path that is no file is answered by the front controller,
//! which gets `SCRIPT_NAME` and `SCRIPT_FILENAME` of its own and no `PATH_INFO`, and routes by `REQUEST_URI`.
//! Unlike there, a directory without an index goes to the front controller, too.

use std::os::unix::ffi::OsStrExt;

use bytes::Bytes;

use super::Php;
use crate::files::{self, DecodedPath, Entry, Kind, LookupError, PathError, RelPath, Root};
use crate::protocol::request::Script;

/// A document root with scripts.
#[derive(Debug)]
pub(super) struct Site {
    root: Root,
    remote_root: Option<Bytes>,
    index: Vec<String>,
    /// URL path, starts with a slash.
    front_controller: Option<Bytes>,
    /// Names of the scripts that run, by their places below the root; none: all.
    scripts: Vec<String>,
    suffix: String,
    /// Where the part of a URL path begins that leads into the root: what is in front of it belongs to the names of
    /// scripts, and not to their files.
    start: usize,
    /// Paths are sent in normal form.
    normalize: bool,
}

/// What answers a path.
#[derive(Debug)]
pub(super) enum Resolved {
    /// A script.
    Script(Script),
    /// A file, as it is: open, and its name.
    File(files::File, RelPath),
    /// A directory that was asked for without its slash: [`files::serve::redirect`].
    Redirect,
}

/// Why nothing answers a path. All of it is "not found" to the client, unless the error is our own.
#[derive(Debug, thiserror::Error)]
pub enum Unresolved {
    /// The path can name no file.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The path names nothing that may be served.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A script suffix in other than the configured case. Some file systems do not distinguish them.
    #[error("script suffix in a different case")]
    SuffixCase,
    /// A script that is none of those that run.
    #[error("not among the `scripts` that run")]
    NotListed,
}

/// Where the first script suffix of a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suffix {
    None,
    At(usize),
    OtherCase,
}

impl Site {
    /// Scripts below a document root, which is open, on a route for `route`.
    pub(super) fn new(config: &Php, root: Root, route: &str, normalize: bool) -> Self {
        let without_slash = |path: &[u8]| match path.strip_suffix(b"/") {
            Some(path) if !path.is_empty() => Bytes::copy_from_slice(path),
            _ => Bytes::copy_from_slice(path),
        };
        let remote = config.remote_root.as_ref();
        let controller = config.front_controller.as_ref();
        let start = config.root.start(route);
        let name = |path: &String| format!("{}/{}", &route[..start], path.trim_start_matches('/'));
        Self {
            root,
            remote_root: remote.map(|root| without_slash(root.as_os_str().as_bytes())),
            index: config.index.clone(),
            front_controller: controller.map(|path| name(path).into()),
            scripts: config.scripts.clone(),
            suffix: config.suffix.clone(),
            start,
            normalize,
        }
    }

    /// Where the scripts are.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Finds what answers `path`; `encoded` is the same path as the client sent it.
    pub(super) fn resolve(&self, path: &DecodedPath, encoded: &[u8]) -> Result<Resolved, Unresolved> {
        let found = find(self.below(path), self.suffix.as_bytes());
        let end = match found {
            Suffix::At(end) => self.start + end,
            Suffix::None | Suffix::OtherCase => path.as_bytes().len(),
        };
        if let Err(error) = path.check_file(end) {
            return self.missing(error.into());
        }
        match found {
            Suffix::None => self.plain(path),
            Suffix::At(_) => self.script(path, end, encoded),
            Suffix::OtherCase => Err(Unresolved::SuffixCase),
        }
    }

    /// The part of a path that leads into the root.
    pub(super) fn below<'p>(&self, path: &'p DecodedPath) -> &'p [u8] {
        &path.as_bytes()[self.start..]
    }

    /// The path up to `end` is a script's.
    fn script(&self, path: &DecodedPath, end: usize, encoded: &[u8]) -> Result<Resolved, Unresolved> {
        if !self.runs(&path.as_bytes()[self.start..end]) {
            return Err(Unresolved::NotListed);
        }
        match self.root.look(&path.relative(self.start, end)?) {
            Ok((Kind::File, root)) => Ok(Resolved::Script(Script {
                path_info: path.to_bytes().slice(end..),
                path_info_encoded: match self.normalize {
                    true => path.normal_tail(encoded, end),
                    false => path.encoded_tail(encoded, end),
                },
                ..self.run(path.to_bytes().slice(..end), root)
            })),
            Ok((Kind::Directory, _)) => self.missing(LookupError::NotFound.into()),
            Err(error) => self.otherwise(error),
        }
    }

    /// The path names no script: a file or a directory, if anything.
    fn plain(&self, path: &DecodedPath) -> Result<Resolved, Unresolved> {
        let relative = path.relative(self.start, path.as_bytes().len())?;
        match self.root.get(&relative) {
            Ok(Entry::File(file)) if !relative.is_directory() => Ok(Resolved::File(file, relative)),
            Ok(Entry::File(_)) => self.missing(LookupError::NotFound.into()),
            Ok(Entry::Directory) => self.directory(path, &relative),
            Err(error) => self.otherwise(error),
        }
    }

    /// The first of the files that are tried for a directory.
    fn directory(&self, path: &DecodedPath, relative: &RelPath) -> Result<Resolved, Unresolved> {
        for name in &self.index {
            let index = relative.join(name);
            if name.ends_with(&self.suffix) && !self.runs(&[b"/", index.as_bytes()].concat()) {
                continue;
            }
            match self.root.look(&index) {
                Ok((Kind::File, _)) if !path.is_directory() => return Ok(Resolved::Redirect),
                Ok((Kind::File, root)) if name.ends_with(&self.suffix) => {
                    let name = [path.as_bytes(), name.as_bytes()].concat();
                    return Ok(Resolved::Script(self.run(name.into(), root)));
                }
                Ok((Kind::File, _)) => return self.file(index),
                Ok((Kind::Directory, _)) | Err(LookupError::NotFound) => {}
                Err(error) => return self.otherwise(error),
            }
        }
        self.missing(LookupError::NotFound.into())
    }

    /// Whether a script is one of those that run.
    fn runs(&self, place: &[u8]) -> bool {
        self.scripts.is_empty() || self.scripts.iter().any(|script| script.as_bytes() == place)
    }

    fn file(&self, path: RelPath) -> Result<Resolved, Unresolved> {
        match self.root.get(&path)? {
            Entry::File(file) => Ok(Resolved::File(file, path)),
            Entry::Directory => self.missing(LookupError::NotFound.into()),
        }
    }

    /// What is not there is the front controller's; what we may not see or cannot read is an error.
    fn otherwise(&self, error: LookupError) -> Result<Resolved, Unresolved> {
        match error {
            LookupError::NotFound => self.missing(error.into()),
            LookupError::Outside | LookupError::Owner | LookupError::Forbidden | LookupError::Io(_) => {
                Err(error.into())
            }
        }
    }

    /// The front controller, if there is one. It is not looked up: its name is ours, and PHP answers 404 itself
    /// when it is missing.
    fn missing(&self, error: Unresolved) -> Result<Resolved, Unresolved> {
        let name = self.front_controller.clone().ok_or(error)?;
        Ok(Resolved::Script(self.run(name, self.root.real_path())))
    }

    /// A script without `PATH_INFO`. `root` has no links in it: a deployment that switches the root's link
    /// cannot come between our check and PHP's `open`.
    fn run(&self, name: Bytes, root: Bytes) -> Script {
        let root = self.remote_root.clone().unwrap_or(root);
        // The root of a file system ends with the slash that the name begins with.
        let directory = root.strip_suffix(b"/").unwrap_or(&root);
        Script {
            filename: Some([directory, &name[self.start..]].concat().into()),
            document_root: Some(root),
            name,
            php: true,
            ..Script::default()
        }
    }
}

/// Finds the first `suffix` that is followed by a slash or the end. Only `A` to `Z` are folded.
fn find(path: &[u8], suffix: &[u8]) -> Suffix {
    for (start, window) in path.windows(suffix.len().max(1)).enumerate() {
        let end = start + window.len();
        if !window.eq_ignore_ascii_case(suffix) || !matches!(path.get(end), None | Some(b'/')) {
            continue;
        }
        return if window == suffix {
            Suffix::At(end)
        } else {
            Suffix::OtherCase
        };
    }
    Suffix::None
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;
    use crate::files::Symlinks;
    use crate::frontend::handler::DocumentRoot;

    /// `site/` is the root; `secret.php` lies beside it.
    fn tree() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        for directory in [
            "uploads", "admin", "empty", "x.php.d", "dir.php", "static", ".git",
        ] {
            fs::create_dir_all(site.join(directory)).unwrap();
        }
        for file in [
            "index.php",
            "a.php",
            "b.php",
            "style.css",
            "UP.PHP",
            "sp ace.php",
            "uploads/evil.jpg",
            "admin/index.php",
            "static/index.html",
            "x.php.d/y",
            "x.php.d/z.php",
            "dir.php/inner.php",
            "dir.php/file",
            ".env",
            ".git/config",
            ".hidden.php",
            "\u{130}.php",
            "k.ph\u{ff50}",
            "note.txt\u{212a}.php",
            "a.php\u{2024}",
        ] {
            fs::write(site.join(file), "<?php").unwrap();
        }
        fs::write(dir.path().join("secret.php"), "<?php").unwrap();
        symlink("../secret.php", site.join("out.php")).unwrap();
        symlink(dir.path().join("secret.php"), site.join("absolute.php")).unwrap();
        symlink("a.php", site.join("inside.php")).unwrap();
        symlink("..", site.join("up")).unwrap();
        dir
    }

    fn config(dir: &TempDir) -> Php {
        Php {
            upstream: 0,
            root: DocumentRoot::Root(dir.path().join("site")),
            remote_root: Some("/srv/app".into()),
            index: vec!["index.php".into()],
            front_controller: None,
            scripts: Vec::new(),
            suffix: ".php".into(),
            symlinks: Symlinks::Inside,
            delivery: files::Delivery::default(),
        }
    }

    fn site(config: &Php) -> Site {
        on("/", config)
    }

    /// The same on a route for this path.
    fn on(route: &str, config: &Php) -> Site {
        let root = Root::open(config.root.path(), config.symlinks).unwrap();
        Site::new(config, root, route, false)
    }

    /// In one line what a request target leads to.
    fn outcome(site: &Site, target: &str) -> String {
        let path = match DecodedPath::parse(target.as_bytes()) {
            Ok(path) => path,
            Err(error) => return format!("refused: {error}"),
        };
        match site.resolve(&path, target.as_bytes()) {
            Ok(Resolved::Script(script)) => {
                let filename = script.filename.unwrap();
                assert_eq!(filename, [b"/srv/app", &script.name[site.start..]].concat());
                assert_eq!(script.document_root.as_deref(), Some(&b"/srv/app"[..]));
                let (name, info) = (script.name.escape_ascii(), script.path_info.escape_ascii());
                format!("run {name} {info}").trim_end().to_owned()
            }
            Ok(Resolved::File(_, path)) => format!("file {path:?}"),
            Ok(Resolved::Redirect) => "redirect".to_owned(),
            Err(error) => format!("not found: {error}"),
        }
    }

    const MISSING: &str = "not found: no such file";
    const OUTSIDE: &str = "not found: a symbolic link leads out of the root, and symlinks = \"inside\"";
    const HIDDEN: &str = "not found: hidden file";
    const UNLISTED: &str = "not found: not among the `scripts` that run";
    const CASE: &str = "not found: script suffix in a different case";

    #[test]
    fn every_known_attack_on_the_split_leads_nowhere() {
        let dir = tree();
        let site = site(&config(&dir));
        for (target, expected) in [
            // What is meant to work.
            ("/", "run /index.php"),
            ("/a.php", "run /a.php"),
            ("/a.php/x/y", "run /a.php /x/y"),
            ("/sp%20ace.php/%20b", "run /sp ace.php / b"),
            ("/inside.php", "run /inside.php"),
            ("/admin/", "run /admin/index.php"),
            ("/admin", "redirect"),
            ("/style.css", "file \"style.css\""),
            // CVE-2019-11043: a line feed defeats a pattern, PATH_INFO becomes empty.
            ("/a.php/x%0ay", "refused: control character in the path"),
            ("/a.php%0a", "refused: control character in the path"),
            ("/a.php/%0d%0aX: y", "refused: control character in the path"),
            // PHP cuts at NUL.
            ("/uploads/evil.jpg%00.php", "refused: NUL byte in the path"),
            // cgi.fix_pathinfo walks up to the first file.
            ("/uploads/evil.jpg/x.php", MISSING),
            ("/uploads/evil.jpg/.php", HIDDEN),
            ("/uploads/evil.jpg/a.php/b.php", MISSING),
            ("/style.css/a.php", MISSING),
            ("/style.css/", MISSING),
            // A final slash is PATH_INFO, SCRIPT_FILENAME never has it.
            ("/a.php/", "run /a.php /"),
            ("/a.php//", "run /a.php /"),
            // The first suffix counts, and is not searched beyond.
            ("/a.php/b.php", "run /a.php /b.php"),
            ("/none.php/b.php", MISSING),
            ("/dir.php/inner.php", MISSING),
            ("/dir.php/file", MISSING),
            ("/dir.php", MISSING),
            ("/x.php.d/y", "file \"x.php.d/y\""),
            ("/x.php.d/y/z.php", MISSING),
            ("/x.php.d/z.php/i", "run /x.php.d/z.php /i"),
            // CVE-2026-27590: folding that changes the length moves the cut.
            ("/%C4%B0.php/x", "run /\\xc4\\xb0.php /x"),
            ("/\u{130}\u{130}\u{130}.php.txt", MISSING),
            ("/uploads/\u{130}\u{130}evil.jpg/.php", HIDDEN),
            // CVE-2026-45135: letters that only look or fold like ASCII.
            ("/k.ph\u{ff50}", "file \"k.ph\\xef\\xbd\\x90\""),
            ("/k.ph\u{ff50}/x", MISSING),
            ("/a\u{ff0e}php", MISSING),
            ("/note.txt\u{212a}.php", "run /note.txt\\xe2\\x84\\xaa.php"),
            ("/a.php\u{2024}", "file \"a.php\\xe2\\x80\\xa4\""),
            // Case: neither run nor shown.
            ("/UP.PHP", CASE),
            ("/a.Php", CASE),
            ("/UP.PHP/a.php", CASE),
            ("/uploads/evil.jpg/x.pHP", CASE),
            // Traversal in every spelling.
            ("/../secret.php", "refused: path climbs above the root"),
            ("/%2e%2e/secret.php", "refused: path climbs above the root"),
            ("/uploads/../a.php", "run /a.php"),
            ("/uploads/%2e%2e/a.php", "run /a.php"),
            (
                "/a.php/../../../secret.php",
                "refused: path climbs above the root",
            ),
            ("/a.php/../b.php", "run /b.php"),
            ("/a.php/..", "run /index.php"),
            ("/%252e%252e/secret.php", MISSING),
            // Decoded once only.
            ("/a%252ephp", MISSING),
            ("/a.php/%2561", "run /a.php /%61"),
            ("/a.php%253f", MISSING),
            // The lookup and PHP would disagree about segments.
            ("/a.php%2Fx", "not found: encoded slash in the path"),
            ("/uploads%2fevil.jpg", "not found: encoded slash in the path"),
            ("/..%2fsecret.php", "refused: path climbs above the root"),
            ("/uploads%5Cevil.jpg", "not found: backslash in the path"),
            ("/a.php\\x", "not found: backslash in the path"),
            ("/x%2Fa.php/y", "not found: encoded slash in the path"),
            ("/x%5Ca.php/y", "not found: backslash in the path"),
            ("/admin%2F/a.php", "not found: encoded slash in the path"),
            ("/x%2F../a.php/y", "not found: encoded slash in the path"),
            ("/a.php/%00", "refused: NUL byte in the path"),
            // Behind the script no file is looked up.
            ("/a.php/x%2Fy", "run /a.php /x/y"),
            ("/a.php/x%5Cy", "run /a.php /x\\\\y"),
            (
                "/a.php/x%2F..%2F..%2Fb.php",
                "not found: encoded slash in the path",
            ),
            ("/a.php/x%2F%2e%2e", "not found: encoded slash in the path"),
            // Links out of the root.
            ("/out.php", OUTSIDE),
            ("/absolute.php", OUTSIDE),
            ("/up/secret.php", OUTSIDE),
            ("/up/site/a.php", OUTSIDE),
            // Hidden files, but PATH_INFO is not one.
            ("/.env", HIDDEN),
            ("/.git/config", HIDDEN),
            ("/.git/", HIDDEN),
            ("/.hidden.php", HIDDEN),
            ("/%2egit/config", HIDDEN),
            ("/a.php/.git/config", "run /a.php /.git/config"),
            // What PHP would take for a prefix of its own or a query.
            ("/proxy:fcgi://x/a.php", MISSING),
            ("/a.php%3Fx", MISSING),
            ("/a.php;x", MISSING),
            ("/a.php%20", MISSING),
            ("/a.php.", MISSING),
            ("/a.php::$DATA", MISSING),
            ("/empty/", MISSING),
            ("/empty", MISSING),
        ] {
            assert_eq!(outcome(&site, target), expected, "{target}");
        }
    }

    #[test]
    fn what_is_no_file_goes_to_the_front_controller_and_nothing_of_the_path_with_it() {
        let dir = tree();
        let site = site(&Php {
            front_controller: Some("/index.php".into()),
            ..config(&dir)
        });
        for target in [
            "/blog/2026/a-post",
            "/blog/",
            "/none.php",
            "/none.php/x",
            "/uploads/evil.jpg/x.php",
            "/empty",
            "/empty/",
            "/style.css/",
            "/wiki/AC%2FDC",
            "/wiki/back%5Cslash",
            "/a.php%2Fx",
            "/dir.php",
        ] {
            assert_eq!(outcome(&site, target), "run /index.php", "{target}");
        }
        for (target, expected) in [
            ("/a.php/x", "run /a.php /x"),
            ("/index.php/AC%2FDC", "run /index.php /AC/DC"),
            ("/style.css", "file \"style.css\""),
            ("/admin", "redirect"),
            ("/.env", HIDDEN),
            ("/.git/none", HIDDEN),
            ("/UP.PHP", CASE),
            // A link that is refused is no missing file.
            ("/out.php", OUTSIDE),
            ("/up/secret.php", OUTSIDE),
        ] {
            assert_eq!(outcome(&site, target), expected, "{target}");
        }
    }

    #[test]
    fn only_the_scripts_of_a_list_run() {
        let dir = tree();
        let listed = |front_controller: Option<&str>| {
            site(&Php {
                scripts: vec!["/a.php".into()],
                front_controller: front_controller.map(str::to_owned),
                ..config(&dir)
            })
        };
        for (target, alone, controlled) in [
            ("/a.php/x", "run /a.php /x", "run /a.php /x"),
            ("/b.php", UNLISTED, UNLISTED),
            ("/index.php", UNLISTED, UNLISTED),
            ("/none.php", UNLISTED, UNLISTED),
            ("/", MISSING, "run /index.php"),
            ("/admin", MISSING, "run /index.php"),
            ("/admin/", MISSING, "run /index.php"),
            ("/x/y", MISSING, "run /index.php"),
            ("/style.css", "file \"style.css\"", "file \"style.css\""),
        ] {
            assert_eq!(outcome(&listed(None), target), alone, "{target}");
            assert_eq!(
                outcome(&listed(Some("/index.php")), target),
                controlled,
                "{target}"
            );
        }
    }

    #[test]
    fn links_lead_to_scripts_wherever_they_are() {
        let dir = tree();
        let site = site(&Php {
            symlinks: Symlinks::Follow,
            ..config(&dir)
        });
        assert_eq!(outcome(&site, "/out.php/x"), "run /out.php /x");
        assert_eq!(outcome(&site, "/absolute.php"), "run /absolute.php");
        assert_eq!(outcome(&site, "/up/secret.php"), "run /up/secret.php");
    }

    #[test]
    fn an_index_may_be_a_plain_file() {
        let dir = tree();
        let site = site(&Php {
            index: vec!["index.html".into()],
            ..config(&dir)
        });
        assert_eq!(outcome(&site, "/static/"), "file \"static/index.html\"");
        assert_eq!(outcome(&site, "/static"), "redirect");
        assert_eq!(outcome(&site, "/"), MISSING);
    }

    #[test]
    fn the_first_index_that_is_there_answers() {
        let dir = tree();
        let site = site(&Php {
            index: vec!["dir.php".into(), "index.php".into(), "index.html".into()],
            ..config(&dir)
        });
        assert_eq!(outcome(&site, "/"), "run /index.php");
        assert_eq!(outcome(&site, "/static/"), "file \"static/index.html\"");
        assert_eq!(outcome(&site, "/static"), "redirect");
        assert_eq!(outcome(&site, "/empty/"), MISSING);
    }

    #[test]
    fn an_alias_stands_for_the_path_of_the_route_in_files_and_not_in_names() {
        let dir = tree();
        let alias = Php {
            root: DocumentRoot::Alias(dir.path().join("site")),
            ..config(&dir)
        };
        let blog = on("/blog", &alias);
        for (target, expected) in [
            ("/blog", "redirect"),
            ("/blog/", "run /blog/index.php"),
            ("/blog/a.php/x%2Fy", "run /blog/a.php /x/y"),
            ("/%62log/a.php", "run /blog/a.php"),
            ("/blog/admin", "redirect"),
            ("/blog/admin/", "run /blog/admin/index.php"),
            ("/blog/style.css", "file \"style.css\""),
            ("/blog/blog/a.php", MISSING),
            ("/blog%2Fa.php", "not found: encoded slash in the path"),
            ("/blog/.env", HIDDEN),
            ("/blog/none", MISSING),
        ] {
            assert_eq!(outcome(&blog, target), expected, "{target}");
        }
        let controlled = on(
            "/blog",
            &Php {
                front_controller: Some("/index.php".into()),
                ..alias.clone()
            },
        );
        assert_eq!(outcome(&controlled, "/blog/2026/post"), "run /blog/index.php");
        // What looks like a script in the path of the route is none.
        let odd = on("/old.php", &alias);
        assert_eq!(outcome(&odd, "/old.php/a.php/x"), "run /old.php/a.php /x");
        assert_eq!(outcome(&odd, "/old.php/style.css"), "file \"style.css\"");
        assert_eq!(outcome(&on("/", &alias), "/a.php"), "run /a.php");
    }

    #[test]
    fn a_root_keeps_the_path_of_the_route() {
        let dir = tree();
        let site = on("/admin", &config(&dir));
        assert_eq!(outcome(&site, "/admin/"), "run /admin/index.php");
        assert_eq!(outcome(&site, "/admin/a.php"), MISSING);
    }

    #[test]
    fn the_encoded_rest_is_kept_as_it_was_sent() {
        let dir = tree();
        let site = site(&config(&dir));
        for (target, path_info, encoded) in [
            ("/%61.php/x%20y", "/x y", "/x%20y"),
            ("/a.php/x%2Fy", "/x/y", "/x%2Fy"),
        ] {
            let path = DecodedPath::parse(target.as_bytes()).unwrap();
            let Ok(Resolved::Script(script)) = site.resolve(&path, target.as_bytes()) else {
                panic!("a.php is a script");
            };
            assert_eq!(script.path_info, path_info);
            assert_eq!(script.path_info_encoded, encoded);
        }
    }

    #[test]
    fn without_a_remote_root_php_gets_the_real_path() {
        let dir = tree();
        symlink("site", dir.path().join("current")).unwrap();
        let site = site(&Php {
            root: DocumentRoot::Root(dir.path().join("current/")),
            remote_root: None,
            ..config(&dir)
        });
        let path = DecodedPath::parse(b"/a.php").unwrap();
        let Ok(Resolved::Script(script)) = site.resolve(&path, b"/a.php") else {
            panic!("a.php is a script");
        };
        let real = fs::canonicalize(dir.path().join("site")).unwrap();
        assert_eq!(script.document_root.unwrap(), real.as_os_str().as_bytes());
        assert_eq!(
            script.filename.unwrap(),
            real.join("a.php").as_os_str().as_bytes()
        );
    }

    #[test]
    fn behind_a_chroot_the_root_may_be_that_of_the_file_system() {
        let dir = tree();
        for (remote, root, file) in [
            ("/", "/", "/a.php"),
            ("/app/", "/app", "/app/a.php"),
            ("/app", "/app", "/app/a.php"),
        ] {
            let site = site(&Php {
                remote_root: Some(remote.into()),
                ..config(&dir)
            });
            let path = DecodedPath::parse(b"/a.php").unwrap();
            let Ok(Resolved::Script(script)) = site.resolve(&path, b"/a.php") else {
                panic!("a.php is a script");
            };
            let got = (script.document_root.unwrap(), script.filename.unwrap());
            assert_eq!(got, (root.into(), file.into()), "{remote}");
        }
    }

    #[test]
    fn the_suffix_is_found_only_at_the_end_of_a_segment() {
        let at = |path: &str| find(path.as_bytes(), b".php");
        assert_eq!(at("/a.php"), Suffix::At(6));
        assert_eq!(at("/a.php/b.php"), Suffix::At(6));
        assert_eq!(at("/a.phpx/b.php"), Suffix::At(13));
        assert_eq!(at("/a.php.php/x"), Suffix::At(10));
        assert_eq!(at("/a.pHp/b.php"), Suffix::OtherCase);
        assert_eq!(at("/php"), Suffix::None);
        assert_eq!(at("/"), Suffix::None);
        assert_eq!(find(b"/a", b""), Suffix::None);
    }
}
