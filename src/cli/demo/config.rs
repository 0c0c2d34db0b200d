//! The configuration of the demo, as a file.

use std::num::NonZeroUsize;
use std::path::Path;

use toml::Value;

use crate::cli::invocation::{program, quoted};
use crate::config::env;
use crate::demo::Protocol;
use crate::transport::Address;

/// The file that the demo runs with, for sockets in `directory`. It is read the same way as every other file.
pub(super) fn text(listen: &Address, directory: &Path, workers: NonZeroUsize) -> String {
    // A demo that was killed leaves nothing anywhere else.
    let server = format!(
        "[server]\ntemp_dir = {}\ntimeouts = {{ drain = \"5s\" }}\n\n",
        quote(&directory.to_string_lossy())
    );
    server + &body(listen, directory, workers)
}

/// The same as a file to start from, with what to do with it.
pub(super) fn template(listen: &Address, directory: &Path, workers: NonZeroUsize) -> String {
    let (program, sockets) = (program(), quoted(&directory.to_string_lossy()));
    let line = |command: String| format!("#     {command}\n");
    let lines = [
        "# What `bridgehead demo` serves, as a file to start from. Its applications, without the port of this file:\n#\n"
            .to_owned(),
        line(format!(
            "{program} demo --sockets {sockets} --workers {workers} --listen 127.0.0.1:0"
        )),
        "#\n# And in another terminal, with the name of this file:\n#\n".to_owned(),
        line(format!("{program} serve -c bridgehead.toml")),
        "#\n# Then put the addresses of your own applications into `endpoints`, one after the other.\n\n".to_owned(),
    ];
    lines.concat() + &body(listen, directory, workers)
}

fn body(listen: &Address, directory: &Path, workers: NonZeroUsize) -> String {
    let upstream = |protocol: &Protocol| {
        let endpoint = quote(&format!("unix:{}", socket(directory, *protocol)));
        // An idle connection holds a worker.
        let keep_alive = match protocol {
            Protocol::FastCgi => format!("keep_alive = {}\n", workers.get() / 2),
            Protocol::Uwsgi | Protocol::Scgi => String::new(),
        };
        format!(
            "\n[upstream.{protocol}]\nprotocol = \"{protocol}\"\nendpoints = [{endpoint}]\nmax_connections = {workers}\n{keep_alive}"
        )
    };
    let route = |protocol: &Protocol| {
        format!(
            "\n[[route]]\npath = \"/{protocol}\"\nproxy = {{ upstream = \"{protocol}\", mount = \"/{protocol}\" }}\n"
        )
    };
    [
        head(listen),
        Protocol::ALL.iter().map(upstream).collect(),
        gone(directory),
        Protocol::ALL.iter().map(route).collect(),
        landing(),
    ]
    .concat()
}

/// Where the pool of a protocol listens.
pub(super) fn socket(directory: &Path, protocol: Protocol) -> String {
    directory.join(format!("{protocol}.sock")).display().to_string()
}

fn head(listen: &Address) -> String {
    format!(
        "[log]\naccess = \"stderr\"\n\n[[listen]]\naddress = {}\n",
        quote(&listen.to_string())
    )
}

/// An upstream that is not there, to show what is said about it.
fn gone(directory: &Path) -> String {
    let endpoint = quote(&format!("unix:{}", directory.join("gone.sock").display()));
    format!(
        "
# Nothing listens there: what an error looks like. The start need not warn of it.
[upstream.gone]
protocol = \"fastcgi\"
endpoints = [{endpoint}]
warn_unreachable = false

[[route]]
path = \"/gone\"
proxy = {{ upstream = \"gone\", mount = \"/gone\" }}
"
    )
}

/// Everything else goes to an application, which has a page about all of it.
fn landing() -> String {
    "\n[[route]]\npath = \"/\"\nproxy = { upstream = \"fastcgi\" }\n".to_owned()
}

/// A string as TOML, safe from the expansion of environment references.
fn quote(text: &str) -> String {
    Value::String(env::escape(text)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn the_file_is_fine_whatever_the_directory_is_called() {
        let listen = "127.0.0.1:0".parse().unwrap();
        for (directory, workers) in [("/tmp/x", 1), ("/tmp/${HOME}\"quoted\"", 4)] {
            let workers = NonZeroUsize::new(workers).unwrap();
            for form in [text, template] {
                let text = form(&listen, Path::new(directory), workers);
                let (config, warnings) = config::parse("demo", &text, &|_| None)
                    .unwrap_or_else(|failure| panic!("{}", failure.render(false)));
                assert!(warnings.is_empty(), "{}", warnings[0].render(false));
                let endpoints = config.upstreams.iter().flat_map(|upstream| &upstream.endpoints);
                let inside =
                    |address: &Address| matches!(address, Address::Unix(path) if path.starts_with(directory));
                assert!(endpoints.map(|endpoint| &endpoint.address).all(inside));
            }
        }
    }
}
