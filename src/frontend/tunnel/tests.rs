//! Tunnels over pipes in memory, under a clock that stands still unless everybody waits.

use std::future::pending;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Both ends of a tunnel that ends after ten silent seconds.
fn start(
    retired: impl Future<Output = ()> + Send + 'static,
) -> (DuplexStream, DuplexStream, JoinHandle<Account>) {
    let (client, ours) = duplex(1024);
    let (application, theirs) = duplex(1024);
    let running = tokio::spawn(tunnel(ours, theirs, 10 * SECOND, retired));
    (client, application, running)
}

fn account(end: End, from_client: u64, from_application: u64) -> Account {
    Account {
        end,
        from_client,
        from_application,
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nothing_has_moved_for_the_time_of_silence() {
    let (mut client, mut application, running) = start(pending());
    let started = Instant::now();
    let mut bytes = [0; 4];
    for _ in 0..5 {
        sleep(9 * SECOND).await;
        client.write_all(b"ping").await.unwrap();
        application.read_exact(&mut bytes).await.unwrap();
        sleep(9 * SECOND).await;
        application.write_all(b"pong").await.unwrap();
        client.read_exact(&mut bytes).await.unwrap();
    }
    assert_eq!(running.await.unwrap(), account(End::Silent, 20, 20));
    assert_eq!(started.elapsed(), 100 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_not_taken_are_silence_too() {
    let (mut client, application, running) = start(pending());
    let started = Instant::now();
    let _ = client.write(&[0; 4096]).await.unwrap();
    assert_eq!(running.await.unwrap().end, End::Silent);
    assert_eq!(started.elapsed(), 10 * SECOND);
    drop(application);
}

#[tokio::test(start_paused = true)]
async fn an_end_goes_through_and_the_other_direction_goes_on() {
    let (mut client, mut application, running) = start(pending());
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut asked = Vec::new();
    application.read_to_end(&mut asked).await.unwrap();
    assert_eq!(asked, b"question");
    // Longer than both buffers.
    let answer = vec![b'a'; 100_000];
    let (sent, received) = tokio::join!(
        async {
            application.write_all(&answer).await.unwrap();
            sleep(5 * SECOND).await;
            application.shutdown().await
        },
        async {
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.map(|_| received)
        }
    );
    sent.unwrap();
    assert_eq!(received.unwrap(), answer);
    assert_eq!(
        running.await.unwrap(),
        account(End::Closed(Side::Client), 8, 100_000)
    );
}

#[tokio::test(start_paused = true)]
async fn last_words_reach_a_client_whose_application_listens_no_more() {
    let (mut client, mut application, running) = start(pending());
    application.write_all(b"bye").await.unwrap();
    drop(application);
    let _ = client.write(b"not heard").await;
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"bye");
    drop(client);
    assert_eq!(running.await.unwrap().end, End::Closed(Side::Application));
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_upstream() {
    let (retire, retired) = oneshot::channel::<()>();
    let (client, application, running) = start(async move {
        let _ = retired.await;
    });
    retire.send(()).unwrap();
    assert_eq!(running.await.unwrap(), account(End::Retired, 0, 0));
    drop((client, application));
}

/// Reads that fail.
struct Reset;

impl AsyncRead for Reset {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

impl AsyncWrite for Reset {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_either_side_ends_it_at_once() {
    let (_other, ours) = duplex(1024);
    assert_eq!(
        tunnel(Reset, ours, SECOND, pending()).await.end,
        End::Reset(Side::Client)
    );
    let (_other, ours) = duplex(1024);
    assert_eq!(
        tunnel(ours, Reset, SECOND, pending()).await.end,
        End::Reset(Side::Application)
    );
}
