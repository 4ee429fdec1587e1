use std::{pin::pin, time::Duration};

use anyhow::{Result, bail};
use axum::{Router, serve::Listener};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use crate::lifecycle::Lifecycle;

/// How long others are waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Whoever sends a request: for its head, and then for its body.
    pub(crate) read: Duration,
    /// Requests that are under way when the service ends.
    pub(crate) end: Duration,
}

/// How long those that are cut off may take to notice: they do where they wait for something next.
const NOTICE: Duration = Duration::from_secs(1);

/// Takes connections until the service ends, and then answers those requests that are under way. By hand, and not by `axum::serve`,
/// which waits for the head of a request for ever: whoever sends half of one would hold up the end.
///
/// When it returns, nobody is at work any more, but for those that were cut off and did not notice for a second. Dropping the future early
/// cuts them all off, and does not wait until they are gone.
///
/// # Errors
///
/// Says that requests were cut off, where they took longer than they may, and whether any of them are still at work.
pub(super) async fn serve(
    mut listener: TcpListener,
    router: Router,
    lifecycle: Lifecycle,
    patience: Patience,
) -> Result<()> {
    let http = http(patience.read);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // It tries again where there are too many open files.
            (stream, _) = Listener::accept(&mut listener) => {
                connections.spawn(converse(http.clone(), stream, router.clone(), lifecycle.clone()));
            }
            // So that those which have ended take no room.
            Some(_) = connections.join_next() => {}
            () = lifecycle.ending() => break,
        }
    }
    // From now on others are refused, and do not wait for an answer that does not come.
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(patience.end, ended).await.is_err() {
        let noticed = timeout(NOTICE, connections.shutdown()).await;
        let still = match noticed {
            Ok(()) => String::new(),
            Err(_) => format!(", and {} of them did not notice and may be at work still", connections.len()),
        };
        bail!("requests were cut off that were still under way after {:?}{still}", patience.end);
    }
    Ok(())
}

fn http(patience: Duration) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    // The time of the head begins when the request before has been answered: so it is how long a connection may be idle, too.
    http.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    http
}

async fn converse(http: Builder<TokioExecutor>, stream: TcpStream, router: Router, lifecycle: Lifecycle) {
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = lifecycle.ending() => {
            // One that is idle ends at once, others after their answer.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Of no concern to anybody here: somebody has gone away, or was not heard of for too long.
        tracing::debug!(error, "a connection has broken");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{Arc, Mutex, mpsc},
    };

    use axum::routing::get;
    use tokio::{io::AsyncWriteExt, sync::Notify};

    use super::*;
    use crate::lifecycle::Phase;

    /// What the end says, when a request has come that is handled so, which says when it has begun.
    async fn ended_with_a_request(router: Router, at_work: &Notify) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lifecycle = Lifecycle::new();
        let patience = Patience { read: Duration::from_secs(3600), end: Duration::from_millis(10) };
        let server = tokio::spawn(serve(listener, router, lifecycle.clone(), patience));

        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        timeout(Duration::from_secs(60), at_work.notified()).await.unwrap();
        lifecycle.enter(Phase::Ending);
        server.await.unwrap().unwrap_err().to_string()
    }

    #[tokio::test]
    async fn nobody_is_at_work_any_more_once_requests_were_cut_off() {
        let at_work = Arc::new(Notify::new());
        let handler = {
            let at_work = Arc::clone(&at_work);
            async move || {
                at_work.notify_one();
                pending::<()>().await;
            }
        };
        let told = ended_with_a_request(Router::new().route("/", get(handler)), &at_work).await;
        assert!(told.contains("were cut off") && !told.contains("at work"), "{told}");
        // The handler had one.
        assert_eq!(Arc::strong_count(&at_work), 1);
    }

    /// It waits for its thread, and so for nothing at which it could be cut off.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_does_not_notice_that_he_was_cut_off_is_told_of() {
        let at_work = Arc::new(Notify::new());
        let (may_end, end) = mpsc::channel::<()>();
        let handler = {
            let (at_work, end) = (Arc::clone(&at_work), Arc::new(Mutex::new(end)));
            async move || {
                at_work.notify_one();
                let _ = end.lock().unwrap().recv();
            }
        };
        let told = ended_with_a_request(Router::new().route("/", get(handler)), &at_work).await;
        assert!(told.contains("1 of them did not notice and may be at work still"), "{told}");
        drop(may_end);
    }
}
