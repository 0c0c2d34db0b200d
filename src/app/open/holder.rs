//! What has the address that a listener wants, when that is ours or was given to us.

use crate::transport::{Address, BoundSocket, Inherited, Lender, Listener};

/// Why an address cannot be listened on, though no other program has it.
/// An error for an operator: what has the address, and what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Holder {
    /// Another `[[listen]]` of the same configuration.
    #[error("{wanted}: in use by our own [[listen]] with address = \"{holder}\"; one of the two has to go")]
    Ours { wanted: Address, holder: Address },
    /// The same, with a socket that the service manager has opened for more than its address says.
    #[error(
        "{wanted}: in use by our own [[listen]] with address = \"{holder}\", whose socket systemd has opened for IPv4, \
         too; leave this one out, or set BindIPv6Only=ipv6-only in the socket unit"
    )]
    Dual { wanted: Address, holder: Address },
    /// A listener of the configuration that a reload replaces.
    #[error(
        "{wanted}: in use by our own listener {holder}; a reload opens before it closes: load a configuration without \
         either of them first, or restart"
    )]
    Running { wanted: Address, holder: Address },
    /// A socket of the service manager that no `[[listen]]` has asked for.
    #[error(
        "{wanted}: in use by the socket {holder}, which systemd has opened for us; write address = \"{holder}\", or \
         change ListenStream= in the socket unit"
    )]
    Manager { wanted: Address, holder: Address },
    /// A socket of the process that is being replaced.
    #[error(
        "{wanted}: in use by the listener {holder} of the process that this one replaces, which closes only when this \
         one serves; restart instead"
    )]
    Predecessor { wanted: Address, holder: Address },
}

impl Holder {
    /// What has `wanted` among the sockets of this configuration, those that were given to us, and the listeners that are
    /// open already. `None`: it is none of ours.
    pub(super) fn find<'a>(
        wanted: &Address,
        mut added: impl Iterator<Item = &'a BoundSocket>,
        inherited: &Inherited,
        mut running: impl Iterator<Item = &'a Listener>,
    ) -> Option<Self> {
        if let Some(socket) = added.find(|socket| socket.holds(wanted)) {
            let (wanted, holder) = (wanted.clone(), socket.address().clone());
            let more = matches!(wanted, Address::Tcp(_)) && !holder.overlaps(&wanted, false);
            return Some(match socket.lender() {
                Some(Lender::Manager) if more => Self::Dual { wanted, holder },
                _ => Self::Ours { wanted, holder },
            });
        }
        if let Some(socket) = inherited.holder(wanted) {
            let (wanted, holder) = (wanted.clone(), socket.address.clone());
            return Some(match socket.lender {
                Lender::Manager => Self::Manager { wanted, holder },
                Lender::Predecessor => Self::Predecessor { wanted, holder },
            });
        }
        let listener = running.find(|listener| listener.holds(wanted))?;
        Some(Self::Running {
            wanted: wanted.clone(),
            holder: listener.address().clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::transport::{InheritedSocket, Ownership};

    fn find(wanted: &Address, added: &[BoundSocket], inherited: &Inherited) -> Option<Holder> {
        Holder::find(wanted, added.iter(), inherited, [].into_iter())
    }

    /// A socket as systemd opens it by default: of IPv6 and IPv4.
    fn of_the_manager() -> (Inherited, Address, Address) {
        let socket = TcpListener::bind("[::]:0").unwrap();
        let address = socket.local_addr().unwrap();
        let mut inherited = Inherited::default();
        inherited.add(InheritedSocket::from_manager(socket.into()).unwrap());
        let four = format!("0.0.0.0:{}", address.port()).parse().unwrap();
        (inherited, Address::Tcp(address), four)
    }

    #[test]
    fn a_socket_of_systemd_is_said_to_be_that() {
        let (mut inherited, holder, wanted) = of_the_manager();
        let found = find(&wanted, &[], &inherited);
        let expected = Holder::Manager {
            wanted: wanted.clone(),
            holder: holder.clone(),
        };
        assert_eq!(found, Some(expected));
        let taken = BoundSocket::open(&holder, 16, &Ownership::default(), &mut inherited).unwrap();
        let found = find(&wanted, &[taken], &inherited);
        assert_eq!(found, Some(Holder::Dual { wanted, holder }));
    }

    #[tokio::test]
    async fn a_socket_of_our_own_is_named_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let own = Address::Unix(dir.path().join("x.sock"));
        std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
        let wanted = Address::Unix(dir.path().join("link/x.sock"));
        let added = [BoundSocket::bind(&own, 16, &Ownership::default()).unwrap()];
        let error = find(&wanted, &added, &Inherited::default()).unwrap().to_string();
        let told = format!("{wanted}: in use by our own [[listen]] with address = \"{own}\"; ");
        assert!(error.starts_with(&told), "{error}");
        assert_eq!(
            find(&"127.0.0.1:80".parse().unwrap(), &added, &Inherited::default()),
            None
        );
        let [added] = added;
        let running = Listener::new(added).unwrap();
        let found = Holder::find(
            &wanted,
            [].into_iter(),
            &Inherited::default(),
            [&running].into_iter(),
        );
        assert_eq!(found, Some(Holder::Running { wanted, holder: own }));
    }
}
