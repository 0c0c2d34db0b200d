//! What the clients of a route get in place of errors: its pages.

use http::StatusCode;

use super::answer::Answer;
use super::exchange::Exchange;
use super::flow::InternalUri;
use super::location;
use crate::protocol::fields::FieldName;
use crate::variables::Template;

/// The pages of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// Of each status one at most, and of each class.
    pub pages: Vec<(Statuses, Page)>,
    /// Whether errors of the application get them, too.
    pub intercept: bool,
}

/// Statuses that have one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statuses {
    /// `404`: this one. Comes before its class.
    One(StatusCode),
    /// `5xx`: those of the class that have none of their own.
    Class(u16),
}

/// What stands in for an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it is.
    pub to: PagePlace,
    /// What the client gets as the status.
    pub status: PageStatus,
}

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PagePlace {
    /// `"/404.html"`: the request is routed again, as a GET for that.
    Target(Template),
    /// `"@app"`: the route of that name.
    Route(String),
    /// `"https://status.example"`: the client is sent there.
    Elsewhere(Template),
}

/// The status of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageStatus {
    /// That of the error.
    #[default]
    Error,
    /// What the page itself says: it is no page for an error then, but goes on with the request.
    Own,
    /// This one.
    Fixed(StatusCode),
}

impl Errors {
    /// The page for a status.
    pub fn page(&self, status: StatusCode) -> Option<&Page> {
        let mut found = self.pages.iter().filter(|(statuses, _)| statuses.has(status));
        found.next().map(|(_, page)| page)
    }

    /// The names of the routes that it leads to.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().filter_map(|(_, page)| match &page.to {
            PagePlace::Route(name) => Some(name.as_str()),
            PagePlace::Target(_) | PagePlace::Elsewhere(_) => None,
        })
    }
}

impl Statuses {
    fn has(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => status.as_u16() / 100 == class,
        }
    }
}

impl Page {
    /// Where an exchange goes on whose answer is an error; `None`: it has its answer now.
    pub(super) fn lead(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let status = exchange.answer.status;
        let uri = match &self.to {
            PagePlace::Route(name) => InternalUri::Named(name.as_str().into()),
            PagePlace::Target(to) => {
                let to = uri(to, exchange);
                InternalUri::new(to.clone().into()).unwrap_or(InternalUri::Invalid(to.into()))
            }
            PagePlace::Elsewhere(to) => {
                let to = uri(to, exchange);
                exchange.turn(None);
                exchange.answer = self.elsewhere(&to);
                return None;
            }
        };
        exchange.turn(match self.status {
            PageStatus::Error => Some(status),
            PageStatus::Own => None,
            PageStatus::Fixed(status) => Some(status),
        });
        Some(uri)
    }

    fn elsewhere(&self, to: &[u8]) -> Answer {
        let status = match self.status {
            PageStatus::Fixed(status) => status,
            PageStatus::Error | PageStatus::Own => StatusCode::FOUND,
        };
        let mut answer = Answer::redirect(status);
        answer.fields.try_set(FieldName::Location, to);
        answer
    }
}

/// What a template comes to; the query of the request is not for the page.
fn uri(to: &Template, exchange: &mut Exchange) -> Vec<u8> {
    exchange.client();
    location::uri(to, &exchange.request.head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_its_own_comes_before_its_class() {
        let page = |text: &str| Page {
            to: PagePlace::Route(text.to_owned()),
            status: PageStatus::Error,
        };
        let errors = Errors {
            pages: vec![
                (Statuses::One(StatusCode::BAD_GATEWAY), page("one")),
                (Statuses::Class(5), page("class")),
            ],
            intercept: false,
        };
        let found = |status: u16| errors.page(StatusCode::from_u16(status).unwrap());
        assert_eq!(found(502), Some(&page("one")));
        assert_eq!(found(503), Some(&page("class")));
        assert_eq!(found(404), None);
        assert_eq!(errors.names().collect::<Vec<_>>(), ["one", "class"]);
    }
}
