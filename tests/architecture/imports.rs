//! What a source file says about modules: which it declares, which names it imports, which paths it uses.

use super::tokens::{Token, tokens};

/// One file, as far as modules are concerned.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    /// The modules that it declares: their names, and whether they are private.
    pub(crate) modules: Vec<(String, bool)>,
    /// The names that it imports, and the paths behind them.
    pub(crate) names: Vec<(String, Vec<String>)>,
    /// Modules all of whose names it imports.
    pub(crate) globs: Vec<Vec<String>>,
    /// The other paths in it, of two words or more.
    pub(crate) paths: Vec<Vec<String>>,
}

impl Imports {
    /// Reads a file.
    pub(crate) fn of(text: &str) -> Self {
        let tokens = tokens(text);
        let mut imports = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token.word() {
                Some("mod") => imports.module(&tokens, at),
                Some("use") => imports.import(&tokens, at + 1, &[]) + 1,
                Some(_) => imports.path(&tokens, at),
                None => at + 1,
            };
        }
        imports
    }

    /// `mod name;` What is in braces is a part of the file.
    fn module(&mut self, tokens: &[Token], at: usize) -> usize {
        let name = tokens.get(at + 1).and_then(Token::word);
        if let (Some(name), Some(Token::Mark(';'))) = (name, tokens.get(at + 2)) {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            let public = matches!(before, Some(Token::Mark(')')))
                || before.and_then(Token::word).is_some_and(|word| word == "pub");
            self.modules.push((name.to_owned(), !public));
        }
        at + 1
    }

    /// A tree of imports below `prefix`, up to its comma, brace or semicolon.
    fn import(&mut self, tokens: &[Token], mut at: usize, prefix: &[String]) -> usize {
        let mut path = prefix.to_vec();
        loop {
            match tokens.get(at) {
                Some(Token::Word(word)) if word == "as" => {
                    let alias = tokens.get(at + 1).and_then(Token::word).unwrap_or("_");
                    self.names.push((alias.to_owned(), path));
                    return at + 2;
                }
                Some(Token::Word(word)) => path.push(word.clone()),
                Some(Token::Path) => {}
                Some(Token::Mark('*')) => {
                    self.globs.push(path);
                    return at + 1;
                }
                Some(Token::Mark('{')) => return self.group(tokens, at + 1, &path),
                _ => {
                    self.name(path);
                    return at;
                }
            }
            at += 1;
        }
    }

    fn group(&mut self, tokens: &[Token], mut at: usize, prefix: &[String]) -> usize {
        loop {
            match tokens.get(at) {
                None | Some(Token::Mark('}')) => return at + 1,
                Some(Token::Mark(',')) => at += 1,
                Some(_) => at = self.import(tokens, at, prefix),
            }
        }
    }

    fn name(&mut self, mut path: Vec<String>) {
        path.pop_if(|last| last == "self");
        if let Some(last) = path.last() {
            self.names.push((last.clone(), path));
        }
    }

    /// A path in the code; a word alone may be an imported name as well.
    fn path(&mut self, tokens: &[Token], mut at: usize) -> usize {
        let mut path = Vec::new();
        while let Some(word) = tokens.get(at).and_then(Token::word) {
            path.push(word.to_owned());
            at += 1;
            match (tokens.get(at), tokens.get(at + 1)) {
                (Some(Token::Path), Some(Token::Word(_))) => at += 1,
                _ => break,
            }
        }
        if path.len() > 1 {
            self.paths.push(path);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_imports_are_taken_apart() {
        let imports = Imports::of("pub use crate::a::{self, b::{C, D as E}, f::*}; use super::g;");
        let names: Vec<_> = imports
            .names
            .iter()
            .map(|(name, path)| format!("{name} = {}", path.join("::")))
            .collect();
        assert_eq!(
            names,
            [
                "a = crate::a",
                "C = crate::a::b::C",
                "E = crate::a::b::D",
                "g = super::g"
            ]
        );
        assert_eq!(imports.globs, [["crate", "a", "f"]]);
    }

    #[test]
    fn declared_modules_and_paths_are_found() {
        let imports =
            Imports::of("mod a; pub mod b; pub(super) mod c; mod d { } fn e() { f::G::new(h::<I>()) }");
        let modules = [("a", true), ("b", false), ("c", false)];
        assert_eq!(
            imports.modules,
            modules.map(|(name, private)| (name.to_owned(), private))
        );
        assert_eq!(imports.paths, [["f", "G", "new"]]);
    }
}
