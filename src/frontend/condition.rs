//! What else a request has to be for a route, besides its host and its path.

use std::net::IpAddr;

use http::Method;
use ipnet::IpNet;

use super::pattern::Pattern;
use crate::protocol::RequestHead;
use crate::variables::{NamedField, argument, cookies};

/// Conditions of a route: all of them have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// One of these methods; none: any. GET stands for HEAD, too.
    pub method: Vec<Method>,
    /// Clients in one of these networks; none: any.
    pub from: Vec<IpNet>,
    /// Fields by their names, in lower case.
    pub header: Vec<(String, Wanted)>,
    /// Arguments of the query by their names.
    pub query: Vec<(String, Wanted)>,
    /// Cookies by their names.
    pub cookie: Vec<(String, Wanted)>,
    /// Whether the client speaks TLS, to us or to a trusted proxy.
    pub secure: Option<bool>,
    /// One of these ports of ours; none: any.
    pub port: Vec<u16>,
    /// One of the listeners of these names; none: any.
    pub listen: Vec<String>,
}

/// What a value has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// There.
    Present,
    /// Not there.
    Absent,
    /// This text.
    Text(String),
    /// One that the pattern matches.
    Pattern(Pattern),
}

/// A request, as far as conditions ask.
pub trait Conditional {
    /// Its head.
    fn head(&self) -> &RequestHead;

    /// The client's address; `None` on a unix socket.
    fn client(&self) -> Option<IpAddr>;

    /// Whether the client speaks TLS.
    fn is_secure(&self) -> bool;

    /// The port of ours that the client is connected to.
    fn port(&self) -> Option<u16>;

    /// What the listener is called that the client came through.
    fn listener(&self) -> Option<&str>;
}

impl When {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many conditions there are: the more, the more special is the route.
    pub fn count(&self) -> usize {
        let lists = [
            !self.method.is_empty(),
            !self.from.is_empty(),
            !self.port.is_empty(),
            !self.listen.is_empty(),
        ];
        let lists = lists.into_iter().filter(|asked| *asked).count();
        let values = self.header.len() + self.query.len() + self.cookie.len();
        lists + values + usize::from(self.secure.is_some())
    }

    /// Whether all conditions hold for a request.
    pub fn holds(&self, request: &impl Conditional) -> bool {
        let head = request.head();
        let is_among = |ip: IpAddr| {
            let ip = ip.to_canonical();
            self.from.iter().any(|network| network.contains(&ip))
        };
        (self.method.is_empty() || self.has_method(&head.method))
            && (self.port.is_empty() || request.port().is_some_and(|port| self.port.contains(&port)))
            && (self.listen.is_empty() || request.listener().is_some_and(|name| self.has_listener(name)))
            && self.secure.is_none_or(|secure| request.is_secure() == secure)
            && self.has_values(head)
            && (self.from.is_empty() || request.client().is_some_and(is_among))
    }

    fn has_method(&self, method: &Method) -> bool {
        let asked = |wanted: &Method| wanted == method || *method == Method::HEAD && *wanted == Method::GET;
        self.method.iter().any(asked)
    }

    fn has_listener(&self, name: &str) -> bool {
        self.listen.iter().any(|wanted| wanted == name)
    }

    fn has_values(&self, head: &RequestHead) -> bool {
        let header = |(name, wanted): &(String, Wanted)| wanted.holds(field(head, name).as_deref());
        let query = |(name, wanted): &(String, Wanted)| wanted.holds(argument(head, name));
        let cookie = |(name, wanted): &(String, Wanted)| wanted.holds(cookies(head, name).next());
        self.header.iter().all(header) && self.query.iter().all(query) && self.cookie.iter().all(cookie)
    }

    /// Its patterns.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let values = [&self.header, &self.query, &self.cookie];
        let all = values.into_iter().flatten();
        all.filter_map(|(_, wanted)| match wanted {
            Wanted::Pattern(pattern) => Some(pattern),
            _ => None,
        })
    }
}

impl Wanted {
    fn holds(&self, value: Option<&[u8]>) -> bool {
        match (self, value) {
            (Self::Present, value) => value.is_some(),
            (Self::Absent, value) => value.is_none(),
            (Self::Text(text), Some(value)) => text.as_bytes() == value,
            (Self::Pattern(pattern), Some(value)) => pattern.is_match(value),
            (Self::Text(_) | Self::Pattern(_), None) => false,
        }
    }
}

/// The value of a field; several of one name are joined, as everywhere.
fn field(head: &RequestHead, name: &str) -> Option<Vec<u8>> {
    head.fields.contains_named(name.as_bytes()).then_some(())?;
    let mut value = Vec::new();
    let field = NamedField::of(name, "")?.ok()?;
    field.write(&head.fields, &mut |piece| value.extend_from_slice(piece));
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Fields;
    use crate::protocol::{Target, samples};

    struct Asked(RequestHead);

    impl Conditional for Asked {
        fn head(&self) -> &RequestHead {
            &self.0
        }

        fn client(&self) -> Option<IpAddr> {
            Some("10.1.2.3".parse().unwrap())
        }

        fn is_secure(&self) -> bool {
            false
        }

        fn port(&self) -> Option<u16> {
            Some(8080)
        }

        fn listener(&self) -> Option<&str> {
            Some("public")
        }
    }

    fn holds(when: &When) -> bool {
        let mut head = samples::request(Method::HEAD);
        head.target = Target::from_static("/?a=1&b=");
        head.fields = Fields::from_iter([
            ("x-beta", "1"),
            ("cookie", "seen=yes; x"),
            ("via", "a"),
            ("via", "b"),
        ]);
        when.holds(&Asked(head))
    }

    #[test]
    fn all_conditions_have_to_hold() {
        let text = |value: &str| Wanted::Text(value.to_owned());
        let one = |name: &str, wanted: Wanted| vec![(name.to_owned(), wanted)];
        let pattern = |text: &str| Wanted::Pattern(Pattern::new(text).unwrap().unwrap());
        assert!(holds(&When::default()));
        let when = When {
            method: vec![Method::GET],
            from: vec!["10.0.0.0/8".parse().unwrap()],
            header: one("x-beta", text("1")),
            query: one("a", pattern("~ ^[0-9]$")),
            cookie: one("seen", Wanted::Present),
            secure: Some(false),
            port: vec![8080],
            listen: vec!["inner".to_owned(), "public".to_owned()],
        };
        assert!(holds(&when) && when.count() == 8);
        for changed in [
            When {
                method: vec![Method::POST],
                ..when.clone()
            },
            When {
                from: vec!["11.0.0.0/8".parse().unwrap()],
                ..when.clone()
            },
            When {
                header: one("x-beta", text("2")),
                ..when.clone()
            },
            When {
                header: one("x-other", Wanted::Present),
                ..when.clone()
            },
            When {
                query: one("b", Wanted::Absent),
                ..when.clone()
            },
            When {
                cookie: one("seen", text("no")),
                ..when.clone()
            },
            When {
                secure: Some(true),
                ..when.clone()
            },
            When {
                port: vec![80],
                ..when.clone()
            },
            When {
                listen: vec!["inner".to_owned()],
                ..when.clone()
            },
        ] {
            assert!(!holds(&changed), "{changed:?}");
        }
        assert!(holds(&When {
            header: one("via", text("a, b")),
            ..When::default()
        }));
    }
}
