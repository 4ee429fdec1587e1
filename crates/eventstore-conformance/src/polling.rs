use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Polls a future at most this often and drops it then, as a caller does who no longer wants the answer. Its answer,
/// if it had one by then.
///
/// Between two polls other tasks have their turn, so that a backend which works in the background gets on.
pub(crate) async fn dropped_after<T: Send>(
    polls: usize,
    future: impl Future<Output = T> + Send,
) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(answer);
        }
        tokio::task::yield_now().await;
    }
    None
}
