//! What was found in a directory, as a configuration.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::quote;
use crate::process::Kind;
use crate::transport::Address;

/// An application and how it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Project {
    /// What it is, for people: `WordPress`.
    pub(super) name: &'static str,
    /// What it was recognized by.
    pub(super) why: String,
    /// The kind of its server; none where the gateway answers by itself.
    pub(super) kind: Option<Kind>,
    pub(super) directory: PathBuf,
    /// The server program, where it is not the usual one.
    pub(super) program: Option<PathBuf>,
    /// What a Python server loads.
    pub(super) application: Option<String>,
    /// More words of the server's command line.
    pub(super) args: Vec<String>,
    /// The tables of the routes.
    pub(super) routes: String,
}

impl Project {
    /// The name of the application and of its upstream.
    pub(super) const APP: &str = "app";

    /// What is said when it is served.
    pub(super) fn found(&self, address: &str) -> String {
        let (name, why, directory) = (self.name, &self.why, self.directory.display());
        let server = match (&self.program, self.kind) {
            (Some(program), _) => format!(", with {}", program.display()),
            (None, Some(kind)) => format!(", with {}", kind.as_str()),
            (None, None) => String::new(),
        };
        format!(
            "{name} in {directory} ({why}){server}\n\n    http://{address}/\n\n\
             Ctrl-C ends it; --print-config prints the configuration, for `bridgehead serve`."
        )
    }

    /// The configuration that is served with: lines of requests and of the application go to one terminal.
    pub(super) fn served(
        &self,
        listen: &Address,
        workers: Option<NonZeroUsize>,
        server: Option<&str>,
    ) -> String {
        format!(
            "[server]\ntimeouts = {{ drain = \"5s\" }}\n\n{}",
            self.body(listen, workers, server)
        )
    }

    /// The configuration as a file to start from.
    pub(super) fn file(
        &self,
        listen: &Address,
        workers: Option<NonZeroUsize>,
        server: Option<&str>,
    ) -> String {
        format!(
            "# {}, recognized by {}. Serve it with: bridgehead serve -c FILE\n\n{}",
            self.name,
            self.why,
            self.body(listen, workers, server)
        )
    }

    fn body(&self, listen: &Address, workers: Option<NonZeroUsize>, server: Option<&str>) -> String {
        let app = self
            .kind
            .map_or_else(String::new, |kind| self.app(kind, workers, server));
        format!(
            "[log]\naccess = \"stderr\"\n\n[[listen]]\naddress = {}\n\n{app}{}",
            quote(&listen.to_string()),
            self.routes
        )
    }

    /// The tables of the application and of its upstream.
    fn app(&self, kind: Kind, workers: Option<NonZeroUsize>, server: Option<&str>) -> String {
        let name = Self::APP;
        let key = |key: &str, value: Option<String>| {
            value.map_or_else(String::new, |value| format!("{key} = {value}\n"))
        };
        let program = server.map(quote).or(self
            .program
            .as_ref()
            .map(|program| quote(&program.to_string_lossy())));
        let args: Vec<_> = self.args.iter().map(|word| quote(word)).collect();
        let app = [
            format!("kind = \"{}\"\n", kind.as_str()),
            format!("directory = {}\n", quote(&self.directory.to_string_lossy())),
            key("program", program),
            key("application", self.application.as_deref().map(quote)),
            key(
                "args",
                (!args.is_empty()).then(|| format!("[{}]", args.join(", "))),
            ),
            key("workers", workers.map(|workers| workers.to_string())),
        ];
        let upstream = match kind {
            Kind::PhpFpm => "profile = \"php-fpm\"\n",
            Kind::Uwsgi => "protocol = \"uwsgi\"\nprofile = \"uwsgi\"\n",
            Kind::Gunicorn => "protocol = \"http\"\nprofile = \"gunicorn\"\n",
            Kind::Uvicorn | Kind::Hypercorn | Kind::Granian | Kind::Command => {
                "protocol = \"http\"\nmax_connections = 100\n"
            }
        };
        format!(
            "[app.{name}]\n{}\n[upstream.{name}]\n{upstream}endpoints = [\"app:{name}\"]\n\n",
            app.concat()
        )
    }
}
