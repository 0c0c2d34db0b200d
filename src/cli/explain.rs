//! `bridgehead explain`: what the gateway would do with a request, and exactly what the application would get.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use http::{Method, Uri};

use super::output::output;
use super::{START_FAILED, USAGE, complaint, config_file, field, load};
use crate::app::explain::{Explanation, Question, explain};
use crate::protocol::fields::Fields;

/// Show what would become of a request, without sending it.
///
/// The route, the script, the endpoints, the limits in force, the fields that are left out, and every variable
/// that the application would get, in order.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file [default: ./bridgehead.toml, then /etc/bridgehead/bridgehead.toml].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Method of the request.
    #[arg(value_name = "METHOD")]
    method: String,
    /// Its URL, or the path alone.
    #[arg(value_name = "URL")]
    url: String,
    /// A header field.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Address of the client [default: this machine].
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Explains; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let found = question(args).and_then(|question| Ok((question, file(args)?)));
    let (question, file) = match found {
        Ok(found) => found,
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            return USAGE.into();
        }
    };
    let config = match load(&file) {
        Ok(config) => config,
        Err(code) => return code,
    };
    match explain(config, question).and_then(|found| text(&found, args.json)) {
        Ok(text) => output(text),
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            START_FAILED.into()
        }
    }
}

/// The configuration file; which one it is, is said when the command line does not.
fn file(args: &Args) -> Result<PathBuf> {
    let file = config_file::find(args.config.as_deref())?;
    if args.config.is_none() {
        eprintln!("configuration file: {}", file.display());
    }
    Ok(file)
}

fn question(args: &Args) -> Result<Question> {
    let method: Method = args
        .method
        .parse()
        .with_context(|| format!("`{}` is not a method", args.method))?;
    let url: Uri = args
        .url
        .parse()
        .with_context(|| format!("`{}` is neither a path nor a URL", args.url))?;
    let mut fields = Fields::new();
    for text in &args.headers {
        let (name, value) = field(text)?;
        fields.append_named(name, value);
    }
    Ok(Question {
        method,
        url,
        fields,
        from: args.from,
    })
}

fn text(explanation: &Explanation, json: bool) -> Result<String> {
    match json {
        true => Ok(serde_json::to_string_pretty(explanation)? + "\n"),
        false => Ok(explanation.to_string()),
    }
}
