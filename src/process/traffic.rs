//! What an application's life has to do with requests.

use crate::transport::Address;

/// Where a generation of an application takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its socket.
    pub address: Address,
    /// How many requests it answers at a time; `None`: it does not say.
    pub slots: Option<usize>,
}

/// What sends requests to applications. A generation is not asked for anything before it is ready.
pub trait Traffic: Send + Sync + 'static {
    /// Sends the requests of `urls` to an application's generation at `place`, and waits for the answers.
    ///
    /// # Errors
    ///
    /// In words, when one of them was not answered as it should be.
    fn warm(
        &self,
        app: &str,
        place: &Place,
        urls: &[String],
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Waits until no request is under way at an address that is no longer published.
    fn drained(&self, address: &Address) -> impl Future<Output = ()> + Send;
}
