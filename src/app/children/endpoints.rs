//! The endpoint of an upstream that an application stands behind.

use std::future::pending;

use tokio::sync::watch;

use crate::process::Place;
use crate::upstream::care::Membership;
use crate::upstream::model::config::{EndpointConfig, EndpointSource};

/// What knows where an application is, for one upstream.
pub(in crate::app) struct AppEndpoints {
    /// What the endpoint is like.
    template: EndpointConfig<EndpointSource>,
    /// `None`: there is no such application.
    place: Option<watch::Receiver<Option<Place>>>,
    /// What was given last.
    given: Option<Place>,
}

impl AppEndpoints {
    pub(in crate::app) fn new(
        template: EndpointConfig<EndpointSource>,
        place: Option<watch::Receiver<Option<Place>>>,
    ) -> Self {
        Self {
            template,
            place,
            given: None,
        }
    }

    fn endpoint(&self, place: &Place) -> EndpointConfig {
        EndpointConfig {
            max_connections: self.template.max_connections.or(place.slots),
            ..self.template.at(place.address.clone())
        }
    }
}

impl Membership for AppEndpoints {
    async fn next(&mut self) -> Vec<EndpointConfig> {
        let Some(place) = &mut self.place else {
            return pending().await;
        };
        let given = self.given.clone();
        // Without a guard that would be held while it waits.
        let now = place
            .wait_for(|now| *now != given)
            .await
            .map(|now| now.clone())
            .ok();
        let Some(now) = now else {
            // The application has left the configuration, and the upstream with it.
            return pending().await;
        };
        let endpoints = now.iter().map(|place| self.endpoint(place)).collect();
        self.given = now;
        endpoints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Option<Place> {
        Some(Place {
            address: format!("unix:{path}").parse().unwrap(),
            slots: Some(4),
        })
    }

    #[tokio::test]
    async fn an_endpoint_follows_the_application_and_has_its_slots_unless_it_says_others() {
        let (publish, place_of) = watch::channel(None);
        let template = EndpointConfig::new(EndpointSource::App("shop".to_owned()));
        let mut endpoints = AppEndpoints::new(template.clone(), Some(place_of.clone()));
        let mut own = AppEndpoints::new(
            EndpointConfig {
                max_connections: Some(9),
                ..template
            },
            Some(place_of),
        );
        publish.send_replace(place("/run/1"));
        let first = endpoints.next().await;
        assert_eq!((first.len(), first[0].max_connections), (1, Some(4)));
        assert_eq!(own.next().await[0].max_connections, Some(9));
        publish.send_replace(place("/run/2"));
        assert_eq!(endpoints.next().await[0].address.to_string(), "unix:/run/2");
        publish.send_replace(None);
        assert_eq!(endpoints.next().await, []);
    }
}
