//! The account with a directory: made once, and kept with its key.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::base64;
use super::client::{Client, Signer};
use super::config::DirectoryConfig;
use super::disk::on_disk;
use super::failure::{Cause, Failure};
use super::jose::AccountKey;
use super::message;
use super::store::{ACCOUNTS, Store};

/// An account that a directory knows.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) key: AccountKey,
    pub(super) url: String,
    /// Where its orders are listed, if they are.
    pub(super) orders: Option<String>,
}

/// As it is kept. The key is written before the directory is told of it: when that is not known any more, it is told again,
/// and knows the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    directory: String,
    /// A secret.
    key: String,
    url: Option<String>,
    orders: Option<String>,
    email: Option<String>,
}

impl Account {
    pub(super) fn signer(&self) -> Signer<'_> {
        Signer {
            key: &self.key,
            account: Some(&self.url),
        }
    }

    /// The account with a directory; a new one if there is none.
    pub(super) async fn open(
        store: &Store,
        client: &mut Client,
        config: &DirectoryConfig,
        email: &str,
    ) -> Result<Self, Failure> {
        let file = file(config);
        let _lock = lock(store, &file).await?;
        let mut kept = kept(store, &file, config).await?;
        let key = AccountKey::from_text(&kept.key).map_err(|error| Cause::Request(error.to_string()))?;
        if kept.url.is_none() {
            register(client, &key, config, email, &mut kept).await?;
            save(store, &file, kept.clone()).await?;
        } else if kept.email.as_deref() != Some(email) {
            tell_email(client, &key, email, &mut kept).await?;
            save(store, &file, kept.clone()).await?;
        }
        let url = kept
            .url
            .ok_or_else(|| Cause::Senseless("an account without a Location".to_owned()))?;
        Ok(Self {
            key,
            url,
            orders: kept.orders,
        })
    }

    /// The directory does not know it any more: the next time it is told of the key.
    pub(super) async fn forget(store: &Store, config: &DirectoryConfig) -> Result<(), Cause> {
        let file = file(config);
        let _lock = lock(store, &file).await?;
        let mut kept = kept(store, &file, config).await?;
        kept.url = None;
        save(store, &file, kept).await
    }
}

async fn register(
    client: &mut Client,
    key: &AccountKey,
    config: &DirectoryConfig,
    email: &str,
    kept: &mut Kept,
) -> Result<(), Failure> {
    let url = client.directory.new_account.clone();
    let mut wish = json!({ "termsOfServiceAgreed": true, "contact": contact(email) });
    if let Some(eab) = &config.eab {
        let secret = base64::decode(&eab.key);
        let secret = secret.ok_or_else(|| Cause::Request("the key of `eab` is not base64url".to_owned()))?;
        let binding = key.bind(&eab.id, &secret, &url);
        wish["externalAccountBinding"] = binding.map_err(|error| Cause::Request(error.to_string()))?;
    } else if client.directory.meta.external_account_required {
        return Err(Cause::Request(format!("{} wants an external account: set `eab`", config.url)).into());
    }
    let signer = Signer { key, account: None };
    let reply = client
        .post(signer, &url, Some(&wish))
        .await
        .map_err(Cause::from)?;
    if !reply.is_good() {
        let problem = Box::new(reply.problem());
        return Err(Failure {
            cause: Cause::Refused {
                asked: "an account",
                problem,
            },
            retry_after: reply.retry_after,
        });
    }
    let account: message::Account = serde_json::from_slice(&reply.body).unwrap_or_default();
    kept.url = reply.location;
    kept.orders = account.orders;
    kept.email = Some(email.to_owned());
    Ok(())
}

/// Another address for what is wrong with certificates.
async fn tell_email(
    client: &mut Client,
    key: &AccountKey,
    email: &str,
    kept: &mut Kept,
) -> Result<(), Failure> {
    let url = kept.url.clone().unwrap_or_default();
    let signer = Signer {
        key,
        account: Some(&url),
    };
    let wish = json!({ "contact": contact(email) });
    let reply = client
        .post(signer, &url, Some(&wish))
        .await
        .map_err(Cause::from)?;
    match reply.is_good() {
        true => {
            kept.email = Some(email.to_owned());
            Ok(())
        }
        false => Err(Cause::Refused {
            asked: "another email",
            problem: Box::new(reply.problem()),
        }
        .into()),
    }
}

fn contact(email: &str) -> Value {
    json!([format!("mailto:{email}")])
}

/// Accounts of different customers with one directory are different.
fn file(config: &DirectoryConfig) -> String {
    let customer = config.eab.as_ref().map_or("", |eab| &eab.id);
    let digest = digest(&SHA256, format!("{} {customer}", config.url).as_bytes());
    let name = base64::encode(&digest.as_ref()[..12]);
    format!("{name}.json")
}

async fn lock(store: &Store, file: &str) -> Result<super::store::Lock, Cause> {
    for _ in 0..LOCK_TRIES {
        let (store, name) = (store.clone(), format!("account-{file}"));
        if let Some(lock) = on_disk(move || store.lock(&name)).await? {
            return Ok(lock);
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Err(Cause::Store(std::io::Error::other(
        "another process works on the account",
    )))
}

async fn kept(store: &Store, file: &str, config: &DirectoryConfig) -> Result<Kept, Cause> {
    let (store, file, directory) = (store.clone(), file.to_owned(), config.url.clone());
    on_disk(move || {
        if let Some(kept) = store.read_json::<Kept>(ACCOUNTS, &file)? {
            return Ok::<_, Cause>(kept);
        }
        let key = AccountKey::generate().map_err(|error| Cause::Request(error.to_string()))?;
        let kept = Kept {
            directory,
            key: key.to_text(),
            url: None,
            orders: None,
            email: None,
        };
        store.write_json(ACCOUNTS, &file, &kept)?;
        Ok(kept)
    })
    .await
}

async fn save(store: &Store, file: &str, kept: Kept) -> Result<(), Cause> {
    let (store, file) = (store.clone(), file.to_owned());
    on_disk(move || store.write_json(ACCOUNTS, &file, &kept)).await
}

/// An account is made by one process at a time; that takes a few requests.
const LOCK_PAUSE: Duration = Duration::from_millis(100);
const LOCK_TRIES: u32 = 600;
