//! Puts the cases, profiles and expectations into the program, so that it needs no files beside it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for directory in ["cases", "profiles", "expectations"] {
        collect(Path::new(directory), &mut files)?;
    }
    files.sort();
    // No absolute path: this text outlives a move of the source tree.
    let entry = |path: &PathBuf| {
        let path = path.display().to_string();
        format!("    ({path:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/\", {path:?}))),\n")
    };
    let entries: String = files.iter().map(entry).collect();
    let code = format!("const EMBEDDED: &[(&str, &str)] = &[\n{entries}];\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("embedded.rs"), code)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", directory.display());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
