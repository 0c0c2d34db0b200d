//! `cargo xtask tls-audit`: testssl.sh against a listener with `tls = true` and nothing else said about TLS.

mod finding;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use testbed::{Authority, Gateway, Package, package};

use crate::debian::{self, Consent};
use crate::step;
use finding::Finding;

/// Prints what testssl.sh has found, and fails when anything of it weighs medium or more.
///
/// # Errors
///
/// The findings; also when testssl.sh is missing or does not come to its end.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    ensure!(arguments.is_empty(), "usage: cargo xtask tls-audit");
    debian::ensure(&PACKAGES, consent)?;
    let program = testbed::bridgehead()?;
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let authority = Authority::new("Audit Authority")?;
    authority.issue(&[HOST])?.write(dir.path(), "server")?;
    fs::write(dir.path().join("ca.pem"), authority.pem())?;
    let config = CONFIG.replace("{certs}", &dir.path().display().to_string());
    let gateway = Gateway::start(&program, &config)?;
    let json = step::named("testssl.sh", || testssl(&gateway, dir.path()))?;
    let findings = Finding::parse(&json)?;
    ensure!(
        findings.len() > LEAST,
        "testssl.sh says no more than {} things",
        findings.len()
    );
    let heavy: Vec<_> = findings.iter().filter(|finding| finding.is_heavy()).collect();
    for finding in &heavy {
        println!("{finding}");
    }
    if !heavy.is_empty() {
        bail!("{} findings of medium or above, see there", heavy.len());
    }
    println!("{} findings, none of medium or above", findings.len());
    Ok(())
}

/// All findings, as JSON. What testssl.sh prints goes to the error output.
fn testssl(gateway: &Gateway, dir: &Path) -> Result<String> {
    let json = dir.join("findings.json");
    let address = gateway.addr();
    let status = Command::new(PACKAGES[0].file)
        .args(["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none"])
        .args(["--ip", &address.ip().to_string(), "--openssl", PACKAGES[1].file])
        .arg("--add-ca")
        .arg(dir.join("ca.pem"))
        .arg("--jsonfile")
        .arg(&json)
        .arg(format!("https://{HOST}:{}/", address.port()))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("cannot run testssl.sh")?;
    // It ends with the number of what it dislikes.
    ensure!(status.code().is_some(), "testssl.sh ended with {status}");
    fs::read_to_string(&json).context("testssl.sh wrote no findings")
}

const PACKAGES: [Package; 2] = [
    package("testssl.sh", "/usr/bin/testssl", "looks for weaknesses of TLS"),
    package("openssl", "/usr/bin/openssl", "speaks TLS for it"),
];

const HOST: &str = "shop.example";
const LEAST: usize = 100; // findings of a whole run: versions, ciphers, weaknesses by name

const CONFIG: &str = r#"
[tls]
certificates = [{ cert = "{certs}/server.pem", key = "{certs}/server.key" }]

[[listen]]
address = "127.0.0.1:0"
tls = true

[[route]]
respond = { body = "shop" }
headers = { Strict-Transport-Security = "max-age=31536000", X-Content-Type-Options = "nosniff" }
"#;
