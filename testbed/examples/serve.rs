//! Runs one server until standard input ends: `cargo run -p testbed --example serve php-fpm`.

use std::env;
use std::io::{self, Read};

use anyhow::{Context, Result};
use testbed::{Kind, Options};

fn main() -> Result<()> {
    let name = env::args().nth(1).context("usage: serve KIND [EXTRA...]")?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .context("no such kind")?;
    let backend = kind.start(&Options {
        extra: env::args().skip(2).collect(),
        ..Options::default()
    })?;
    println!("{}", backend.address());
    io::stdin().read_to_end(&mut Vec::new())?;
    eprint!("{}", backend.log());
    Ok(())
}
