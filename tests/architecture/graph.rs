//! Which file of a crate uses which.
//!
//! A name is followed through `pub use` to the file that defines it. A module file uses its private modules; what
//! these take from it, or from a module around it, is left out: they are one thing in several files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::imports::Imports;

/// The files of a crate, and the files that each of them uses.
pub(crate) struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

type ModulePath = Vec<String>;

/// The modules of a crate.
struct Modules {
    files: BTreeMap<ModulePath, (String, Imports)>,
}

impl Graph {
    /// The graph of these files: names below the source directory, and their text.
    pub(crate) fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = files
            .into_iter()
            .map(|(name, text)| (module(&name), (name, Imports::of(&text))));
        let modules = Modules {
            files: files.collect(),
        };
        let edges = modules.files.iter();
        Self {
            edges: edges
                .map(|(path, (name, _))| (name.clone(), modules.used_by(path)))
                .collect(),
        }
    }

    /// Every pair of a file and a file that it uses.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.edges
            .iter()
            .flat_map(|(from, to)| to.iter().map(|to| (from.as_str(), to.as_str())))
    }

    /// Circles, the shortest first: `a.rs -> b.rs -> a.rs`. No two have a file in common: what is left of a tangle shows
    /// when the first one is open.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut circles: Vec<_> = self.edges.keys().filter_map(|file| self.circle(file)).collect();
        circles.sort_by_key(Vec::len);
        let mut named = BTreeSet::new();
        circles.retain(|circle| {
            let apart = circle.iter().all(|file| !named.contains(file));
            if apart {
                named.extend(circle.iter().copied());
            }
            apart
        });
        circles.iter().map(|circle| circle.join(" -> ")).collect()
    }

    /// The shortest way from a file to itself.
    fn circle<'a>(&'a self, start: &'a str) -> Option<Vec<&'a str>> {
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(file) = open.pop_front() {
            for next in &self.edges[file] {
                if next == start {
                    let mut way = vec![start, file];
                    while way.last() != Some(&start) {
                        way.push(from[way[way.len() - 1]]);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !from.contains_key(next.as_str()) {
                    from.insert(next, file);
                    open.push_back(next);
                }
            }
        }
        None
    }
}

impl Modules {
    fn used_by(&self, path: &[String]) -> BTreeSet<String> {
        let (own, imports) = &self.files[path];
        let names = imports.names.iter().map(|(_, used)| used);
        let used = names.chain(&imports.globs).chain(&imports.paths);
        let mut files: BTreeSet<_> = used
            .filter_map(|used| self.resolve(path, used, DEEPEST))
            .filter(|(module, is_item)| *is_item && !self.is_private_part(path, module))
            .map(|(module, _)| self.files[&module].0.clone())
            .collect();
        let private = imports.modules.iter().filter(|(_, private)| *private);
        let private =
            private.filter_map(|(name, _)| self.files.get(&[path, std::slice::from_ref(name)].concat()));
        files.extend(private.map(|(name, _)| name.clone()));
        files.remove(own);
        files
    }

    /// The module that defines what a path in the file of `from` leads to, and whether that is more than the module.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<(ModulePath, bool)> {
        let (first, rest) = path.split_first()?;
        let depth = depth.checked_sub(1)?;
        match first.as_str() {
            "crate" => self.descend(Vec::new(), rest, depth),
            "self" => self.descend(from.to_vec(), rest, depth),
            "super" => {
                let (_, parent) = from.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(parent, rest, depth),
                    _ => self.descend(parent.to_vec(), rest, depth),
                }
            }
            name if self.has(from, name) => self.descend(from.to_vec(), path, depth),
            _ => None,
        }
    }

    /// Whether a name stands for something else than an item of the module's own file.
    fn has(&self, module: &[String], name: &str) -> bool {
        let (_, imports) = &self.files[module];
        imports.modules.iter().any(|(module, _)| module == name)
            || imports.names.iter().any(|(alias, _)| alias == name)
    }

    fn descend(&self, mut module: ModulePath, path: &[String], depth: usize) -> Option<(ModulePath, bool)> {
        for (at, name) in path.iter().enumerate() {
            let (_, imports) = self.files.get(&module)?;
            let inner = [&module[..], std::slice::from_ref(name)].concat();
            if self.files.contains_key(&inner) {
                module = inner;
                continue;
            }
            return match imports.names.iter().find(|(alias, _)| alias == name) {
                Some((_, behind)) => {
                    let whole = [behind, &path[at + 1..]].concat();
                    self.resolve(&module, &whole, depth)
                }
                None => Some((module, true)),
            };
        }
        Some((module, false))
    }

    /// Whether `module` is around `path`, and nothing in between is public.
    fn is_private_part(&self, path: &[String], module: &[String]) -> bool {
        path.starts_with(module)
            && (module.len()..path.len()).all(|length| {
                let (_, imports) = &self.files[&path[..length]];
                imports.modules.contains(&(path[length].clone(), true))
            })
    }
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module(file: &str) -> ModulePath {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path
        .strip_suffix("mod")
        .map_or(path, |path| path.trim_end_matches('/'));
    match path {
        "lib" | "main" | "" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

/// Imports of imports that are followed.
const DEEPEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn circles<const N: usize>(files: [(&str, &str); N]) -> Vec<String> {
        Graph::of(files.map(|(name, text)| (name.to_owned(), text.to_owned()))).circles()
    }

    #[test]
    fn a_circle_is_named_as_a_path_of_files() {
        let planted = [
            ("lib.rs", "pub mod a; pub mod b;"),
            ("a.rs", "use crate::b::c::C; pub struct A;"),
            ("b/mod.rs", "pub mod c; mod d; pub use d::D;"),
            ("b/c.rs", "use super::D; pub struct C;"),
            ("b/d.rs", "pub struct D; fn f() { crate::a::A::new(); }"),
        ];
        assert_eq!(circles(planted), ["a.rs -> b/c.rs -> b/d.rs -> a.rs"]);
    }

    #[test]
    fn private_brothers_are_no_exception() {
        let planted = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use super::b::B; pub struct A;"),
            ("b.rs", "use super::a::{self}; fn f(a: a::A) {} pub struct B;"),
        ];
        assert_eq!(circles(planted), ["a.rs -> b.rs -> a.rs"]);
    }

    #[test]
    fn a_module_and_its_private_parts_are_one_thing_and_with_a_public_part_they_are_two() {
        let private = [
            ("lib.rs", "pub mod a;"),
            ("a.rs", "mod b; use b::B; pub struct A;"),
            ("a/b.rs", "use super::A; pub struct B;"),
        ];
        assert!(circles(private).is_empty());
        let public = [
            ("lib.rs", "pub mod a;"),
            ("a.rs", "pub mod b; use b::B; pub struct A;"),
            ("a/b.rs", "use super::A; pub struct B;"),
        ];
        assert_eq!(circles(public), ["a.rs -> a/b.rs -> a.rs"]);
    }

    #[test]
    fn a_circle_over_a_private_part_is_one() {
        let planted = [
            ("lib.rs", "pub mod a; pub mod c;"),
            ("a.rs", "mod b; pub struct A;"),
            ("a/b.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::A; pub struct C;"),
        ];
        assert_eq!(circles(planted), ["a.rs -> a/b.rs -> c.rs -> a.rs"]);
    }

    #[test]
    fn one_import_that_closes_many_circles_is_named_by_the_shortest() {
        let planted = [
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use super::b::B; use super::c::C; pub struct A;"),
            ("b.rs", "use super::d::D; pub struct B;"),
            ("c.rs", "use super::d::D; use super::b::B; pub struct C;"),
            ("d.rs", "use super::a::A; pub struct D;"),
        ];
        assert_eq!(circles(planted), ["a.rs -> b.rs -> d.rs -> a.rs"]);
    }

    #[test]
    fn what_a_module_only_passes_on_is_not_its_own() {
        let files = [
            ("lib.rs", "pub mod a;"),
            ("a.rs", "pub mod b; pub mod c; pub use b::B;"),
            ("a/b.rs", "pub struct B;"),
            ("a/c.rs", "use super::B;"),
        ];
        assert!(circles(files).is_empty());
    }
}
