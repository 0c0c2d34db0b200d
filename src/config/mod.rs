//! File text to checked settings.
//!
//! The way of a configuration: text -> TOML document, environment references replaced ([`env`](mod@env)), other files
//! and snippets put in -> the declared tables, as typed -> [`Config`], checked, with every default filled in. All complaints of all steps are
//! reported together, each with its place ([`Diagnostic`]). [`print`](fn@print) goes the other way;
//! [`schema`](fn@schema) describes the file to editors, [`reference`](fn@reference) to operators.
//!
//! # A new setting
//!
//! One line in the table's file (`tables/`): documentation, name, type, unit. Its default is that of the settings
//! struct in the module that uses it, which has a field of the same name; where every key goes to the field of its name,
//! a field without a key does not compile. A new table is one file and the key that it stands under; a new way to write
//! values is a unit (`units/`). Then `bridgehead check --reference > docs/configuration.md`.

pub mod address;
mod at;
mod complaints;
mod diagnostic;
mod document;
pub mod env;
mod include;
mod layout;
mod node;
mod places;
mod print;
mod reference;
mod schema;
mod shown;
mod snippet;
mod source;
mod suggest;
mod table;
mod tables;
pub mod units;

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use complaints::Complaints;
pub use diagnostic::{Diagnostic, Severity, headline};
pub use places::Places;
pub use print::print;
pub use reference::reference;
pub use schema::schema;
pub use source::Source;
use table::Table;

/// Everything that one configuration file says, checked, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The process itself.
    pub server: Server,
    /// Logs.
    pub log: crate::telemetry::LogConfig,
    /// The HTTP side.
    pub frontend: crate::frontend::FrontendConfig,
    /// TLS.
    pub tls: crate::transport::tls::TlsConfig,
    /// Certificates that are got by themselves.
    pub acme: crate::acme::AcmeConfig,
    /// The upstreams, in the order of their names; handlers refer to them by index.
    pub upstreams: Vec<crate::upstream::UpstreamConfig>,
    /// The applications that the gateway runs, in the order of their names; upstreams refer to them by name.
    pub apps: Vec<crate::process::AppConfig>,
}

/// The `[server]` table, as far as it concerns the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Runtime threads.
    pub workers: usize,
    /// Where spools go to, and what they may take together.
    pub spool: crate::spool::SpoolConfig,
    /// Memory for small files that are sent from it, in bytes.
    pub file_cache: usize,
    /// Written once every listener is open.
    pub pid_file: Option<PathBuf>,
    /// User to become, by name or number; `None`: the one it was started as.
    pub user: Option<String>,
    /// Group to become, by name or number; `None`: the user's.
    pub group: Option<String>,
    /// How the DNS is asked.
    pub resolver: crate::transport::resolve::ResolverConfig,
}

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Where it says what.
    pub places: Places,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is wrong: at least one error, and all warnings.
    #[error("{}", summary(.0))]
    Invalid(Vec<Diagnostic>),
}

impl Default for Server {
    fn default() -> Self {
        Self {
            // As many as the process may use.
            workers: thread::available_parallelism().map_or(1, NonZero::get),
            spool: crate::spool::SpoolConfig {
                temp_dir: Self::TEMP_DIR.into(),
                ..crate::spool::SpoolConfig::default()
            },
            file_cache: 16 * 1024 * 1024,
            pid_file: None,
            user: None,
            group: None,
            resolver: crate::transport::resolve::ResolverConfig::default(),
        }
    }
}

impl Server {
    /// Spools, unless configured: on disk (unlike `/tmp` on many systems), always there, open to every user.
    pub const TEMP_DIR: &str = "/var/tmp";
}

impl Failure {
    /// All that is to be said about it, as rustc would show it; ends with a newline.
    pub fn render(&self, colour: bool) -> String {
        let summary = headline(&self.to_string(), colour);
        match self {
            Self::Read { .. } => summary,
            Self::Invalid(found) => {
                let blocks: Vec<String> = found.iter().map(|found| found.render(colour)).collect();
                format!("{}\n{summary}", blocks.join("\n"))
            }
        }
    }
}

/// Reads the file at `path`; warnings come with the configuration.
///
/// `env` finds environment variables: `&|name| std::env::var(name).ok()`.
pub fn load(path: &Path, env: &env::Lookup<'_>) -> Result<(Config, Vec<Diagnostic>), Failure> {
    load_with_places(path, env).map(|loaded| (loaded.config, loaded.warnings))
}

/// The same, with the places of the settings.
pub fn load_with_places(path: &Path, env: &env::Lookup<'_>) -> Result<Loaded, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::Read {
        path: path.to_owned(),
        error,
    })?;
    parse_with_places(&path.to_string_lossy(), &text, env)
}

/// Reads `text`; complaints call it `name`.
pub fn parse(name: &str, text: &str, env: &env::Lookup<'_>) -> Result<(Config, Vec<Diagnostic>), Failure> {
    parse_with_places(name, text, env).map(|loaded| (loaded.config, loaded.warnings))
}

fn parse_with_places(name: &str, text: &str, env: &env::Lookup<'_>) -> Result<Loaded, Failure> {
    let mut complaints = Complaints::new(Arc::new(Source::new(name, text)));
    let mut document = document::read(text, 0, env, &mut complaints);
    let directory = Path::new(name).parent().unwrap_or(Path::new(""));
    include::include(&mut document, directory, env, &mut complaints);
    snippet::apply(&mut document, &mut complaints);
    let file = tables::File::read(&document, &mut complaints);
    let config = tables::check(&file, &mut complaints);
    let source = complaints.source();
    match complaints.errors() {
        0 => Ok(Loaded {
            config,
            warnings: complaints.into_vec(),
            places: Places::new(source, document),
        }),
        _ => Err(Failure::Invalid(complaints.into_vec())),
    }
}

/// "2 errors and 1 warning in the configuration"
fn summary(found: &[Diagnostic]) -> String {
    let count = |severity| found.iter().filter(|found| found.severity() == severity).count();
    let plural = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let errors = plural(count(Severity::Error), "error");
    match count(Severity::Warning) {
        0 => format!("{errors} in the configuration"),
        warnings => format!(
            "{errors} and {} in the configuration",
            plural(warnings, "warning")
        ),
    }
}
