//! The configuration of the demo, as a file.

use std::num::NonZeroUsize;
use std::path::Path;

use toml::Value;

use crate::config::env;
use crate::demo::Protocol;
use crate::transport::Address;

/// The file for sockets in `directory`. It is read the same way as every other file.
pub(super) fn text(listen: &Address, directory: &Path, workers: NonZeroUsize) -> String {
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
        head(listen, directory),
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

fn head(listen: &Address, directory: &Path) -> String {
    let (listen, directory) = (quote(&listen.to_string()), quote(&directory.to_string_lossy()));
    format!(
        "# What `bridgehead demo` serves. The sockets exist while it runs.

[server]
temp_dir = {directory}
timeouts = {{ drain = \"5s\" }}

[log]
access = \"stderr\"

[[listen]]
address = {listen}
"
    )
}

/// An upstream that is not there, to show what is said about it.
fn gone(directory: &Path) -> String {
    let endpoint = quote(&format!("unix:{}", directory.join("gone.sock").display()));
    format!(
        "
# Nobody listens there: what an error looks like.
[upstream.gone]
protocol = \"fastcgi\"
endpoints = [{endpoint}]

[[route]]
path = \"/gone\"
proxy = {{ upstream = \"gone\", mount = \"/gone\" }}
"
    )
}

fn landing() -> String {
    let paths = crate::demo::PATHS.join(" ");
    let text = format!(
        "Bridgehead demo\n\nApplications: /fastcgi /uwsgi /scgi\nEach answers: {paths}\nBroken: /gone\n"
    );
    format!(
        "\n[[route]]\npath = \"/\"\nrespond = {{ status = 200, body = {} }}\n",
        quote(&text)
    )
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
            let text = text(&listen, Path::new(directory), workers);
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
