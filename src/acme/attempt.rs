//! One attempt to get a certificate: an order that is carried through, or gone on with, under the lock of its name.

use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::answer::Answer;
use super::challenges::Challenges;
use super::client::Client;
use super::config::{AcmeConfig, ChallengeKind, DirectoryConfig};
use super::disk::on_disk;
use super::failure::{Cause, Failure};
use super::hook::Hook;
use super::http::Http;
use super::order::{Order, Record, Step, Terms};
use super::pem;
use super::request;
use super::schedule::choice;
use super::state::{State, Wanted};
use super::store::Store;

/// What attempts need.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) config: Arc<AcmeConfig>,
    pub(super) store: Store,
    pub(super) challenges: Challenges,
}

/// A directory, and how it is to be shown that a name is ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) directory: &'a DirectoryConfig,
    pub(super) challenge: ChallengeKind,
}

/// How often an order is gone on with whose directory does not answer.
const RESUMED: u32 = 5;

impl Surroundings {
    /// How the next attempt is made: the first way, and after a failure the next one, past directories that want to be left
    /// alone, as long as another one does not. `None`: there is none for the name.
    pub(super) fn way(&self, wanted: &Wanted, state: &State, now: i64) -> Option<Way<'_>> {
        let challenges = self.config.ways();
        let suitable = || {
            challenges
                .iter()
                .filter(|challenge| challenge.suits(&wanted.name))
        };
        let directories = self.config.directories.iter();
        let ways =
            directories.flat_map(|directory| suitable().map(move |&challenge| Way { directory, challenge }));
        let ways: Vec<_> = ways.collect();
        let begun = state.order.as_ref().filter(|record| record.resumed < RESUMED);
        let same = |record: &Record, way: &&Way<'_>| {
            way.directory.url == record.directory && way.challenge == record.challenge
        };
        let begun = begun.and_then(|record| ways.iter().find(|way| same(record, way)));
        let first = choice(state.failures.count, ways.len());
        let mut next = ways.iter().cycle().skip(first).take(ways.len());
        let is_open = |way: &&Way<'_>| state.closed_for(&way.directory.url, now).is_zero();
        begun
            .or_else(|| next.find(is_open))
            .or_else(|| ways.get(first))
            .copied()
    }

    /// How long all directories want to be left alone.
    pub(super) fn closed_for(&self, state: &State, now: i64) -> Duration {
        let directories = self.config.directories.iter();
        let closed = directories.map(|directory| state.closed_for(&directory.url, now));
        closed.min().unwrap_or_default()
    }

    /// Makes an attempt. `state` is as it is on the disk at every moment, and `replaces` what the directory knows the
    /// certificate by that there is.
    pub(super) async fn attempt(
        &self,
        wanted: &Wanted,
        state: &mut State,
        way: Way<'_>,
        replaces: Option<&str>,
    ) -> Result<(), Failure> {
        let ca = way.directory.ca.clone();
        let http = on_disk(move || Http::load(ca).map_err(|error| Cause::Request(error.to_string()))).await?;
        let mut client = Client::open(http, &way.directory.url)
            .await
            .map_err(Cause::from)?;
        check_profile(&client, way.directory)?;
        let email = self.config.email.as_deref().unwrap_or_default();
        let account = Account::open(&self.store, &mut client, way.directory, email).await?;
        let is_known =
            client.directory.renewal_info.is_some() && state.issued_by.as_ref() == Some(&way.directory.url);
        let is_begun = self
            .begin(wanted, state, way, replaces.filter(|_| is_known))
            .await?;
        let Some(record) = state.order.clone() else {
            return Err(Cause::Senseless("no order".to_owned()).into());
        };
        let terms = terms(&record, &client, &account, way.directory)?;
        let mut order = Order::new(record, terms, is_begun);
        let carried = self
            .carry(wanted, state, &mut order, (&mut client, &account))
            .await;
        if carried.as_ref().is_err_and(Failure::is_account_gone) {
            Account::forget(&self.store, way.directory).await?;
        }
        carried
    }

    /// Keeps the intent, before the directory hears of it; tells whether there was one already, and an order perhaps.
    async fn begin(
        &self,
        wanted: &Wanted,
        state: &mut State,
        way: Way<'_>,
        replaces: Option<&str>,
    ) -> Result<bool, Cause> {
        if let Some(record) = &mut state.order {
            if record.directory == way.directory.url && record.challenge == way.challenge {
                record.resumed += 1;
                self.save(wanted, state).await?;
                return Ok(true);
            }
            self.clear(wanted, state).await?;
        }
        let kind = wanted.key;
        state.order = Some(Record {
            name: wanted.name.clone(),
            key_kind: kind,
            directory: way.directory.url.clone(),
            challenge: way.challenge,
            profile: way.directory.profile.clone(),
            replaces: replaces.map(str::to_owned),
            key: on_disk(move || request::key(kind)).await?,
            url: None,
            answers: Vec::new(),
            resumed: 0,
        });
        self.save(wanted, state).await?;
        Ok(false)
    }

    /// Step by step, to the certificate or to the failure.
    async fn carry(
        &self,
        wanted: &Wanted,
        state: &mut State,
        order: &mut Order,
        (client, account): (&mut Client, &Account),
    ) -> Result<(), Failure> {
        loop {
            if state.order.as_ref() != Some(&order.record) {
                state.order = Some(order.record.clone());
                self.save(wanted, state).await?;
            }
            match order.next() {
                Step::Send { url, payload } => {
                    let url = url.to_owned();
                    tracing::debug!(name = wanted.name, url, "asking the directory");
                    let reply = client.post(account.signer(), &url, payload.as_ref()).await;
                    order.replied(&reply.map_err(Cause::from)?);
                }
                Step::Publish(answer) => {
                    let answer = answer.clone();
                    match self.publish(answer).await {
                        Ok(()) => order.published(),
                        Err(cause) => order.fail(cause),
                    }
                }
                Step::Wait(time) => {
                    tokio::time::sleep(time).await;
                    order.waited();
                }
                Step::Issued(chain) => {
                    let chain = chain.to_owned();
                    return Ok(self.issued(wanted, state, chain).await?);
                }
                Step::Failed(failure) => return Err(failure),
            }
        }
    }

    /// Keeps the certificate; only then the order is over.
    async fn issued(&self, wanted: &Wanted, state: &mut State, chain: String) -> Result<(), Cause> {
        let Some(record) = state.order.clone() else {
            return Err(Cause::Senseless("a certificate without an order".to_owned()));
        };
        check(&chain, &record)?;
        let (store, of, key) = (self.store.clone(), wanted.clone(), record.key);
        on_disk(move || of.replace(&store, &key, &chain)).await?;
        state.issued_by = Some(record.directory);
        state.advice = None;
        state.failures = super::schedule::Failures::default();
        state.error = None;
        self.clear(wanted, state).await
    }

    /// From now on an answer can be found.
    async fn publish(&self, answer: Answer) -> Result<(), Cause> {
        if let Some(hook) = self.hook(&answer) {
            let made = hook.present(&answer.name, &answer.record()).await;
            return made.map_err(|error| Cause::Answer(error.to_string()));
        }
        let challenges = self.challenges.clone();
        on_disk(move || challenges.publish(&answer)).await
    }

    /// It can be found no longer. What a program leaves in the DNS it has told; it keeps nothing from the next order.
    async fn withdraw(&self, answer: Answer) -> Result<(), Cause> {
        if let Some(hook) = self.hook(&answer) {
            let _ = hook.cleanup(&answer.name, &answer.record()).await;
            return Ok(());
        }
        let challenges = self.challenges.clone();
        on_disk(move || challenges.withdraw(&answer)).await
    }

    /// The program that has answers found, if it is one's.
    fn hook(&self, answer: &Answer) -> Option<Hook> {
        let hook = self
            .config
            .hook
            .clone()
            .filter(|_| answer.kind == ChallengeKind::Dns01);
        hook.map(Hook::new)
    }

    /// Nothing of the order can be found any more, and it is forgotten.
    pub(super) async fn clear(&self, wanted: &Wanted, state: &mut State) -> Result<(), Cause> {
        let answers = state.order.as_ref().map(|record| record.answers.clone());
        for answer in answers.unwrap_or_default() {
            self.withdraw(answer).await?;
        }
        state.order = None;
        self.save(wanted, state).await
    }

    pub(super) async fn save(&self, wanted: &Wanted, state: &State) -> Result<(), Cause> {
        let (store, wanted, state) = (self.store.clone(), wanted.clone(), state.clone());
        on_disk(move || wanted.save(&store, &state)).await
    }
}

fn terms(
    record: &Record,
    client: &Client,
    account: &Account,
    directory: &DirectoryConfig,
) -> Result<Terms, Cause> {
    Ok(Terms {
        thumbprint: account.key.thumbprint(),
        new_order: client.directory.new_order.clone(),
        orders: account.orders.clone(),
        csr: request::csr(&record.name, &record.key)?,
        preferred_chain: directory.preferred_chain.clone(),
    })
}

/// A directory that does not know the profile would issue something else.
fn check_profile(client: &Client, directory: &DirectoryConfig) -> Result<(), Cause> {
    let known = &client.directory.meta.profiles;
    match &directory.profile {
        Some(profile) if !known.contains_key(profile) => {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            Err(Cause::Request(format!(
                "{} has no profile `{profile}`, but: {}",
                directory.url,
                known.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

/// Whether a certificate is what was asked for: what cannot be used is not to take the place of what can.
fn check(chain: &str, record: &Record) -> Result<(), Cause> {
    let facts = pem::facts(chain).ok_or_else(|| Cause::Senseless("the certificate is none".to_owned()))?;
    if facts.key != request::public_key(&record.key)? {
        return Err(Cause::Senseless("the certificate is for another key".to_owned()));
    }
    if !facts.names.contains(&record.name) {
        let names = facts.names.join(", ");
        return Err(Cause::Senseless(format!(
            "the certificate is not for {}, but for: {names}",
            record.name
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::config::KeyKind;
    use super::*;

    fn surroundings(urls: &[&str]) -> Surroundings {
        let directories = urls.iter().map(|url| DirectoryConfig {
            url: (*url).to_owned(),
            ..DirectoryConfig::default()
        });
        let store = Store::at("/nonexistent");
        Surroundings {
            config: Arc::new(AcmeConfig {
                directories: directories.collect(),
                ..AcmeConfig::default()
            }),
            challenges: Challenges::of(store.clone()),
            store,
        }
    }

    /// The ways of a name after so many failures.
    fn ways(
        surroundings: &Surroundings,
        name: &str,
        state: &State,
        count: u32,
    ) -> Vec<(String, &'static str)> {
        let wanted = Wanted {
            name: name.to_owned(),
            key: KeyKind::EcdsaP256,
        };
        let ways = (0..count).filter_map(|failures| {
            let mut state = state.clone();
            state.failures.count = failures;
            let way = surroundings.way(&wanted, &state, NOW)?;
            Some((way.directory.url.clone(), way.challenge.as_str()))
        });
        ways.collect()
    }

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn behind_the_challenges_of_a_directory_come_those_of_the_next_one() {
        let surroundings = surroundings(&["a", "b"]);
        let ways = ways(&surroundings, "shop.example", &State::default(), 5);
        let ways: Vec<_> = ways.iter().map(|(url, way)| (&**url, *way)).collect();
        let (http, tls) = ("http-01", "tls-alpn-01");
        assert_eq!(
            ways,
            [("a", http), ("a", tls), ("b", http), ("b", tls), ("a", http)]
        );
    }

    #[test]
    fn a_directory_that_wants_to_be_left_alone_keeps_no_other_from_being_asked() {
        let surroundings = surroundings(&["a", "b"]);
        let mut state = State::default();
        state.close("a", NOW, Duration::from_secs(3600));
        let asked = ways(&surroundings, "shop.example", &state, 4);
        assert!(asked.iter().all(|(url, _)| url == "b"), "{asked:?}");
        assert_eq!(surroundings.closed_for(&state, NOW), Duration::ZERO);
        state.close("b", NOW, Duration::from_secs(60));
        assert_eq!(surroundings.closed_for(&state, NOW), Duration::from_secs(60));
        assert_eq!(ways(&surroundings, "shop.example", &state, 1)[0].0, "a");
        assert_eq!(surroundings.closed_for(&state, NOW + 3600), Duration::ZERO);
    }

    #[test]
    fn a_wildcard_is_shown_by_the_dns_alone_and_an_address_never() {
        let mut surroundings = surroundings(&["a"]);
        assert_eq!(ways(&surroundings, "*.shop.example", &State::default(), 1), []);
        Arc::make_mut(&mut surroundings.config).dns = Some(super::super::dns::DnsConfig::default());
        let of = |name| ways(&surroundings, name, &State::default(), 1)[0].1;
        assert_eq!((of("*.shop.example"), of("192.0.2.1")), ("dns-01", "http-01"));
        let address = ways(&surroundings, "2001:db8::1", &State::default(), 9);
        assert!(address.iter().all(|(_, way)| *way != "dns-01"));
    }
}
