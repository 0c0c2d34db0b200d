//! Why a unix socket cannot be reached: which part of its path is in the way, and for whom.
//!
//! The system says no more than "permission denied". This walks along the path, through symbolic links, as
//! the kernel does (path_resolution(7)). Nothing is connected to: some servers log bare connections as errors.
//!
//! Disks and directory services are waited for while an obstacle is looked for, never when it is shown.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use nix::unistd::{self, Gid};

use super::account;

/// What is in the way of a connection to a unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    socket: PathBuf,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Missing(PathBuf),
    NotADirectory(PathBuf),
    NotASocket,
    Forbidden {
        part: PathBuf,
        node: Node,
        names: Names,
    },
    NobodyListens,
    TooManyLinks,
    /// The modes are fine, the system said no all the same.
    Hidden,
    Other(String),
}

/// The user and the groups that a process acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    uid: u32,
    gids: Vec<u32>,
}

/// What the users and groups of [`Kind::Forbidden`] are called.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Names {
    owner: String,
    user: String,
    groups: String,
}

/// What decides about access to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    shape: Shape,
    mode: u32,
    uid: u32,
    gid: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Directory,
    Socket,
    Link(PathBuf),
    Other,
}

impl Obstacle {
    /// What would keep this process from connecting to `socket`; `None` when nothing is seen to. Not for a thread of the
    /// runtime.
    pub fn find(socket: &Path) -> Option<Self> {
        walk(socket, &Who::current(), &inspect).map(|kind| Self {
            socket: socket.to_owned(),
            kind,
        })
    }

    /// Why connecting to `socket` failed with `error`. Not for a thread of the runtime.
    pub fn explain(socket: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                // It may have come into being since.
                walk(socket, &Who::current(), &inspect).unwrap_or_else(|| Kind::Missing(socket.to_owned()))
            }
            io::ErrorKind::PermissionDenied => {
                walk(socket, &Who::current(), &inspect).unwrap_or(Kind::Hidden)
            }
            _ => return Self::unexplained(socket, error),
        };
        Self {
            socket: socket.to_owned(),
            kind,
        }
    }

    /// The same, as far as it is known without a look at the path.
    pub fn unexplained(socket: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => Kind::NobodyListens,
            io::ErrorKind::NotFound => Kind::Missing(socket.to_owned()),
            _ => Kind::Other(error.to_string()),
        };
        Self {
            socket: socket.to_owned(),
            kind,
        }
    }
}

impl Who {
    /// This process.
    pub fn current() -> Self {
        let own = unistd::getegid();
        let others = unistd::getgroups()
            .unwrap_or_default()
            .into_iter()
            .filter(|gid| *gid != own);
        let gids = std::iter::once(own).chain(others).map(Gid::as_raw).collect();
        Self {
            uid: unistd::geteuid().as_raw(),
            gids,
        }
    }

    /// Whether the mode of `node` grants `wanted` (one of the bits `rwx`); the superuser may everything.
    fn may(&self, node: &Node, wanted: u32) -> bool {
        let shift = if self.uid == node.uid {
            6
        } else if self.gids.contains(&node.gid) {
            3
        } else {
            0
        };
        self.uid == 0 || node.mode >> shift & wanted == wanted
    }
}

impl Names {
    /// Asks the system.
    fn find(node: &Node, who: &Who) -> Self {
        let groups: Vec<String> = who.gids.iter().map(|gid| account::group_name(*gid)).collect();
        let (owner, group) = (account::user_name(node.uid), account::group_name(node.gid));
        Self {
            owner: format!("{owner}:{group}"),
            user: account::user_name(who.uid),
            groups: groups.join(", "),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot open {}: ", self.socket.display())?;
        match &self.kind {
            Kind::Missing(part) if *part == self.socket => {
                write!(f, "it does not exist; is the application running?")
            }
            Kind::Missing(part) => write!(f, "there is no {}", part.display()),
            Kind::NotADirectory(part) => write!(f, "{} is not a directory", part.display()),
            Kind::NotASocket => write!(f, "it is not a socket"),
            Kind::Forbidden {
                part,
                node,
                names: Names { owner, user, groups },
            } => {
                let (shape, wish) = match node.shape {
                    Shape::Directory => ("directory", "pass"),
                    Shape::Socket | Shape::Link(_) | Shape::Other => ("socket", "write"),
                };
                let (part, mode) = (part.display(), node.mode & 0o7777);
                write!(
                    f,
                    "{shape} {part} (mode {mode:04o}, owner {owner}) does not let user {user} (groups {groups}) {wish}"
                )
            }
            Kind::NobodyListens => write!(f, "nobody listens; the application that made it is gone"),
            Kind::TooManyLinks => write!(f, "too many symbolic links"),
            Kind::Hidden => {
                write!(
                    f,
                    "permission denied, though the modes allow it; look for ACLs, SELinux or AppArmor"
                )
            }
            Kind::Other(error) => f.write_str(error),
        }
    }
}

/// Goes from the root to `socket`; gives the first thing that stops `who`.
fn walk(socket: &Path, who: &Who, inspect: &dyn Fn(&Path) -> io::Result<Node>) -> Option<Kind> {
    let mut rest: VecDeque<OsString> = parts(socket).collect();
    let mut here = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            here.pop();
            continue;
        }
        let next = here.join(part);
        let node = match inspect(&next) {
            Ok(node) => node,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Kind::Missing(next)),
            Err(error) => return Some(Kind::Other(error.to_string())),
        };
        if let Shape::Link(target) = &node.shape {
            links += 1;
            if links > MAX_LINKS {
                return Some(Kind::TooManyLinks);
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            for part in parts(target).rev() {
                rest.push_front(part);
            }
            continue;
        }
        if let Some(kind) = stop(&next, node, rest.is_empty(), who) {
            return Some(kind);
        }
        here = next;
    }
    None
}

/// Whether `who` is stopped at `part`, a directory to pass or (`last`) the socket to write to.
fn stop(part: &Path, node: Node, last: bool, who: &Who) -> Option<Kind> {
    let wanted = if last { WRITE } else { PASS };
    match (&node.shape, last) {
        (Shape::Directory, false) | (Shape::Socket, true) if who.may(&node, wanted) => None,
        (Shape::Directory, false) | (Shape::Socket, true) => Some(Kind::Forbidden {
            part: part.to_owned(),
            names: Names::find(&node, who),
            node,
        }),
        (_, false) => Some(Kind::NotADirectory(part.to_owned())),
        (_, true) => Some(Kind::NotASocket),
    }
}

/// The names in a path; `..` stays, since it means something behind a link.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn inspect(path: &Path) -> io::Result<Node> {
    let metadata = path.symlink_metadata()?;
    let kind = metadata.file_type();
    let shape = if kind.is_symlink() {
        Shape::Link(path.read_link()?)
    } else if kind.is_dir() {
        Shape::Directory
    } else if kind.is_socket() {
        Shape::Socket
    } else {
        Shape::Other
    };
    Ok(Node {
        shape,
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
    })
}

/// The bit `x`, which a directory needs to be passed.
const PASS: u32 = 0o1;

/// The bit `w`, which a socket needs to be connected to (unix(7)).
const WRITE: u32 = 0o2;

/// What the kernel follows in one path.
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Ids that no system gives names to.
    const OWNER: u32 = 4_000_000_001;
    const GROUP: u32 = 4_000_000_002;
    const STRANGER: u32 = 4_000_000_003;

    fn node(shape: Shape, mode: u32) -> Node {
        Node {
            shape,
            mode,
            uid: OWNER,
            gid: GROUP,
        }
    }

    /// `/run/php/fpm.sock` with the given modes, `/var/run` a link to `/run`.
    fn found(path: &str, who: &Who, directory: u32, socket: u32) -> Option<String> {
        let nodes = HashMap::from([
            ("/run", node(Shape::Directory, 0o40755)),
            ("/run/php", node(Shape::Directory, directory)),
            ("/run/php/fpm.sock", node(Shape::Socket, socket)),
            ("/run/php/file", node(Shape::Other, 0o100666)),
            ("/run/loop", node(Shape::Link("/run/loop".into()), 0o120777)),
            ("/var", node(Shape::Directory, 0o40755)),
            ("/var/run", node(Shape::Link("../run".into()), 0o120777)),
            (
                "/tmp.sock",
                node(Shape::Link("/var/run/php/fpm.sock".into()), 0o120777),
            ),
        ]);
        let inspect = |path: &Path| {
            let known = path.to_str().and_then(|path| nodes.get(path));
            known.cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        let kind = walk(Path::new(path), who, &inspect)?;
        Some(
            Obstacle {
                socket: path.into(),
                kind,
            }
            .to_string(),
        )
    }

    fn who(uid: u32, gid: u32) -> Who {
        Who { uid, gids: vec![gid] }
    }

    #[test]
    fn open_paths_are_passed() {
        let path = "/run/php/fpm.sock";
        assert_eq!(found(path, &who(OWNER, STRANGER), 0o40700, 0o140600), None);
        assert_eq!(found(path, &who(STRANGER, GROUP), 0o40750, 0o140660), None);
        assert_eq!(found(path, &who(STRANGER, STRANGER), 0o40711, 0o140666), None);
        assert_eq!(found(path, &who(0, 0), 0o40000, 0o140000), None);
        assert_eq!(
            found("/tmp.sock", &who(STRANGER, STRANGER), 0o40711, 0o140666),
            None
        );
    }

    #[test]
    fn a_closed_directory_is_named_with_its_owner_and_ours() {
        let says = found("/run/php/fpm.sock", &who(STRANGER, STRANGER), 0o40750, 0o140666).unwrap();
        assert_eq!(
            says,
            "cannot open /run/php/fpm.sock: directory /run/php (mode 0750, owner 4000000001:4000000002) \
             does not let user 4000000003 (groups 4000000003) pass"
        );
    }

    #[test]
    fn a_closed_socket_is_named() {
        let says = found("/run/php/fpm.sock", &who(STRANGER, GROUP), 0o40755, 0o140640).unwrap();
        assert!(says.contains("socket /run/php/fpm.sock (mode 0640"), "{says}");
        assert!(
            says.ends_with("does not let user 4000000003 (groups 4000000002) write"),
            "{says}"
        );
    }

    #[test]
    fn the_owner_is_judged_by_the_owners_bits_alone() {
        assert!(found("/run/php/fpm.sock", &who(OWNER, GROUP), 0o40077, 0o140666).is_some());
    }

    #[test]
    fn what_lies_behind_a_link_is_named_by_its_own_path() {
        let says = found(
            "/var/run/php/fpm.sock",
            &who(STRANGER, STRANGER),
            0o40700,
            0o140666,
        )
        .unwrap();
        assert!(says.contains("directory /run/php "), "{says}");
        let says = found("/run/loop", &who(STRANGER, STRANGER), 0o40755, 0o140666).unwrap();
        assert!(says.ends_with("too many symbolic links"), "{says}");
    }

    #[test]
    fn the_first_missing_part_is_named() {
        let says = |path| found(path, &who(STRANGER, STRANGER), 0o40755, 0o140666).unwrap();
        assert_eq!(
            says("/run/app/app.sock"),
            "cannot open /run/app/app.sock: there is no /run/app"
        );
        assert!(says("/run/php/x.sock").ends_with("it does not exist; is the application running?"));
        assert!(says("/run/php/file").ends_with("it is not a socket"));
        assert!(says("/run/php/file/x").ends_with("/run/php/file is not a directory"));
    }

    #[test]
    fn a_real_socket_is_found_alive_or_dead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.sock");
        let missing = Obstacle::find(&path).unwrap().to_string();
        assert!(
            missing.ends_with("it does not exist; is the application running?"),
            "{missing}"
        );
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(Obstacle::find(&path), None);
        drop(listener);
        let error = std::os::unix::net::UnixStream::connect(&path).unwrap_err();
        let refused = Obstacle::explain(&path, &error).to_string();
        assert!(
            refused.ends_with("nobody listens; the application that made it is gone"),
            "{refused}"
        );
    }
}
