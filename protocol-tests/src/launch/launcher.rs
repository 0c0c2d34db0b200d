//! The command that starts a target, and where its targets are.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::Target;
use super::process::Groups;
use crate::net::Address;
use crate::protocol::Protocol;
use crate::side::{Frontend, Server, Side};

/// Gives places to targets, each of which is started by the same command.
#[derive(Debug)]
pub struct Launcher {
    /// With `{socket}` and `{address}` in it.
    template: String,
    protocol: Protocol,
    role: Role,
    interrupted: AtomicBool,
    groups: Arc<Groups>,
}

/// What the targets are, and where, if that is given: otherwise each has a place of its own.
#[derive(Debug)]
enum Role {
    Server(Option<Address>),
    /// Where it finds the kit, and the URL of what it passes on.
    Frontend(Option<(Address, String)>),
}

impl Launcher {
    /// Of application servers. Without an `address` each listens at `{socket}`, the path of a unix socket, or at
    /// `{address}`, a free port of the loopback address, whichever is in the command.
    ///
    /// # Errors
    ///
    /// When the command has neither, and nothing else says where the target is.
    pub fn server(template: &str, protocol: Protocol, address: Option<Address>) -> Result<Self, String> {
        if address.is_none() && !template.contains(SOCKET) && !template.contains(ADDRESS) {
            return Err(format!(
                "the command does not say where the target is to listen: it needs {SOCKET} (a path) or {ADDRESS} \
                 (host:port), or give the address as well"
            ));
        }
        Ok(Self::new(template, protocol, Role::Server(address)))
    }

    /// Of front ends, which listen at `{address}` and find the kit at `{socket}`, unless both are `given`: where the
    /// kit listens, and the URL of what is passed on to it.
    ///
    /// # Errors
    ///
    /// When they are not given, and one of the two is missing in the command.
    pub fn frontend(
        template: &str,
        protocol: Protocol,
        given: Option<(Address, String)>,
    ) -> Result<Self, String> {
        if given.is_none() && !(template.contains(SOCKET) && template.contains(ADDRESS)) {
            return Err(format!(
                "the command needs {ADDRESS}, where the front end is to listen, and {SOCKET}, where it finds the kit; \
                 or give --listen and --url as well"
            ));
        }
        Ok(Self::new(template, protocol, Role::Frontend(given)))
    }

    fn new(template: &str, protocol: Protocol, role: Role) -> Self {
        Self {
            template: template.to_owned(),
            protocol,
            role,
            interrupted: AtomicBool::new(false),
            groups: Arc::default(),
        }
    }

    /// Whether there can be one target at a time only: its place is given.
    pub fn is_single(&self) -> bool {
        matches!(&self.role, Role::Server(Some(_)) | Role::Frontend(Some(_)))
    }

    /// Ends all targets, and starts none any more.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
        self.groups.end();
    }

    /// Whether nothing is to be started any more.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// A place, and the target that will be started there.
    ///
    /// # Errors
    ///
    /// When the system has no place for it.
    pub fn target(&self) -> Result<Target, String> {
        let found = TempDir::with_prefix("conform-");
        let directory = found.map_err(|error| format!("cannot make a directory for the target: {error}"))?;
        let place = self.place(&directory);
        let (side, address, command) =
            place.map_err(|error| format!("there is no place for the target: {error}"))?;
        Ok(Target {
            side,
            command,
            address,
            process: None,
            groups: self.groups.clone(),
            directory,
        })
    }

    fn place(&self, directory: &TempDir) -> io::Result<(Box<dyn Side>, Address, String)> {
        match &self.role {
            Role::Server(given) => {
                let address = match given {
                    Some(address) => address.clone(),
                    None if self.template.contains(SOCKET) => Address::Unix(directory.path().join("s")),
                    None => free_port()?,
                };
                let command = self.filled(&address, &address);
                let side = Server::new(address.clone(), self.protocol);
                Ok((Box::new(side), address, command))
            }
            Role::Frontend(given) => {
                let (listen, url) = match given {
                    Some((listen, url)) => (listen.clone(), url.clone()),
                    None => {
                        let listen = Address::Unix(directory.path().join("kit"));
                        (listen, format!("http://{}/", free_port()?))
                    }
                };
                let (address, _) = Address::of_url(&url).map_err(io::Error::other)?;
                let command = self.filled(&listen, &address);
                let side = Frontend::new(&listen, self.protocol, &url)?;
                Ok((Box::new(side), address, command))
            }
        }
    }

    fn filled(&self, socket: &Address, address: &Address) -> String {
        let bare = |address: &Address| {
            let text = address.to_string();
            text.strip_prefix("unix:").map_or(text.clone(), str::to_owned)
        };
        self.template
            .replace(SOCKET, &bare(socket))
            .replace(ADDRESS, &bare(address))
    }
}

fn free_port() -> io::Result<Address> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    Ok(Address::Tcp(address.to_string()))
}

const SOCKET: &str = "{socket}";
const ADDRESS: &str = "{address}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_the_place_of_its_target() {
        let launcher = Launcher::server("serve {socket}", Protocol::Scgi, None).expect("a place");
        let target = launcher.target().expect("a target");
        assert_eq!(
            target.command,
            format!("serve {}/s", target.directory.path().display())
        );
        assert!(!launcher.is_single());
        let given = "unix:@app".parse().ok();
        let launcher = Launcher::server("serve {socket}", Protocol::Scgi, given).expect("a place");
        assert_eq!(launcher.target().expect("a target").command, "serve @app");
        assert!(launcher.is_single());
    }

    #[test]
    fn a_command_that_does_not_say_where_is_refused() {
        let error = Launcher::server("serve", Protocol::Scgi, None).expect_err("where?");
        assert!(error.contains("{socket}"), "{error}");
        let error = Launcher::frontend("serve {address}", Protocol::Scgi, None).expect_err("from where?");
        assert!(error.contains("--listen"), "{error}");
    }

    #[test]
    fn a_target_that_does_not_start_is_reported_with_its_last_words() {
        let command = "echo no such setting >&2; exit 3; # {socket}";
        let launcher = Launcher::server(command, Protocol::Scgi, None).expect("a place");
        let error = launcher
            .target()
            .expect("a target")
            .start()
            .expect_err("it has ended");
        assert!(
            error.contains("exit status: 3") && error.contains("no such setting"),
            "{error}"
        );
    }
}
