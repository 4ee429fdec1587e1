use std::{pin::pin, time::Duration};

use axum::{Router, serve::Listener};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::lifecycle::Lifecycle;

/// Takes connections until the service ends, and then answers those requests that are under way. By hand, and not by `axum::serve`,
/// which waits for the head of a request for ever: whoever sends half of one would hold up the end.
///
/// Dropping the future early cuts them all off.
pub(super) async fn serve(
    mut listener: TcpListener,
    router: Router,
    lifecycle: Lifecycle,
    patience: Duration,
) {
    let http = http(patience);
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
    while connections.join_next().await.is_some() {}
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
