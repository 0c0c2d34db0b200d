//! `bridgehead files`: a directory as it is.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::project::Project;
use super::{Common, directory, quote};
use crate::transport::Address;

/// Serve the files of a directory.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The directory [default: the current one].
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// List directories that have no index.html.
    #[arg(long)]
    listing: bool,
    /// Where to listen [default: 127.0.0.1:8080, or another port if that is taken].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Address>,
    /// Print what would be served as a configuration file to start from, and end.
    #[arg(long)]
    print_config: bool,
}

impl Args {
    /// The same for files: they have no server and no workers.
    pub(super) fn common(&self) -> Common {
        Common {
            listen: self.listen.clone(),
            workers: None,
            server: None,
            print_config: self.print_config,
        }
    }
}

/// Finds the directory.
pub(super) fn find(args: &Args) -> Result<Project> {
    Ok(project(&directory(args.directory.as_deref())?, args.listing))
}

/// The files in a directory.
pub(super) fn project(directory: &Path, listing: bool) -> Project {
    let root = quote(&directory.to_string_lossy());
    let listing = match listing {
        true => ", listing = true",
        false => "",
    };
    Project {
        name: "Files",
        why: "the command `files`".to_owned(),
        kind: None,
        directory: directory.to_owned(),
        program: None,
        application: None,
        args: Vec::new(),
        routes: format!("[[route]]\nfiles = {{ root = {root}{listing} }}\n"),
    }
}
