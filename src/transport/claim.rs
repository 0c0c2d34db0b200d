//! What a listening socket has for itself.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use socket2::SockRef;

use super::Address;

/// Whether a socket that listens at `own` keeps `address` from being listened on. Another program may have opened it for
/// IPv4, too; a path may lead to it by another spelling.
pub(super) fn covers<'a>(socket: impl Into<SockRef<'a>>, own: &Address, address: &Address) -> bool {
    if let (Address::Unix(own), Address::Unix(path)) = (own, address) {
        return is_same_file(own, path);
    }
    let six = matches!(own, Address::Tcp(number) if number.is_ipv6());
    let dual = six && socket.into().only_v6().is_ok_and(|only| !only);
    own.overlaps(address, dual)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let node = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino())).ok();
    one == other || node(one).is_some_and(|one| node(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn a_path_leads_to_a_socket_by_any_spelling() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("x.sock"), dir.path().join("link/x.sock"));
        let socket = UnixListener::bind(&path).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
        let own = Address::Unix(path);
        assert!(covers(&socket, &own, &Address::Unix(other)));
        assert!(!covers(&socket, &own, &Address::Unix(dir.path().join("y.sock"))));
    }

    #[test]
    fn a_socket_of_ipv6_has_ipv4_only_if_it_was_opened_for_it() {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        let (six, four) = ("[::]:80".parse().unwrap(), "127.0.0.1:80".parse().unwrap());
        for (only, covered) in [(false, true), (true, false)] {
            socket.set_only_v6(only).unwrap();
            assert_eq!(covers(&socket, &six, &four), covered);
        }
    }
}
