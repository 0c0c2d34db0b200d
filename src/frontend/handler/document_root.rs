//! Which directory the files of a route are in, and how the paths of requests lead into it.

use std::path::{Path, PathBuf};

/// A directory, under the words that nginx has for the two ways into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentRoot {
    /// `root`: the whole path is looked up below it. `/static/a.css` is `ROOT/static/a.css`, whatever the route.
    Root(PathBuf),
    /// `alias`: it stands for the path of the route. On a route for `/static`, `/static/a.css` is `ALIAS/a.css`.
    Alias(PathBuf),
}

/// Nowhere yet.
impl Default for DocumentRoot {
    fn default() -> Self {
        Self::Root(PathBuf::new())
    }
}

impl DocumentRoot {
    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        match self {
            Self::Root(path) | Self::Alias(path) => path,
        }
    }

    /// Where the part of a request's path begins that is looked up, on a route for `route`.
    pub fn start(&self, route: &str) -> usize {
        match self {
            Self::Root(_) => 0,
            Self::Alias(_) => route.trim_end_matches('/').len(),
        }
    }

    /// Where the path of the route itself leads to.
    pub fn base(&self, route: &str) -> PathBuf {
        match self {
            Self::Root(path) => path.join(route.trim_matches('/')),
            Self::Alias(path) => path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_keeps_the_path_of_the_route_and_an_alias_stands_for_it() {
        let (root, alias) = (
            DocumentRoot::Root("/srv".into()),
            DocumentRoot::Alias("/srv".into()),
        );
        assert_eq!((root.start("/a/b"), alias.start("/a/b")), (0, 4));
        assert_eq!((root.start("/"), alias.start("/")), (0, 0));
        assert_eq!(root.base("/a/b"), Path::new("/srv/a/b"));
        assert_eq!(alias.base("/a/b"), Path::new("/srv"));
        assert_eq!((root.base("/"), alias.base("/")), ("/srv/".into(), "/srv".into()));
    }
}
