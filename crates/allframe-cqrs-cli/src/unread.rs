//! Whether somebody still reads what is printed: for what waits, and has nothing to print meanwhile.

/// Waits until nobody reads standard output any more; for ever where it is no pipe, and where the system does not tell, which Linux
/// does. It may be dropped at any time.
#[cfg(unix)]
pub(crate) async fn nobody_reads() {
    use std::{future, io, os::fd::AsFd};

    use tokio::{io::Interest, net::unix::pipe::Sender};

    // Nothing is written through it, so that it may stay as it is: one that does not block would be so for whoever shares it.
    let pipe = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    if let Ok(pipe) = pipe
        && pipe.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    future::pending::<()>().await;
}

#[cfg(not(unix))]
pub(crate) async fn nobody_reads() {
    std::future::pending::<()>().await;
}
