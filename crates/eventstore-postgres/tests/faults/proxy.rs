//! Something between a store and its server that loses what it is told to lose.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use postgres_cluster::Cluster;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// In the payload of an event at which the connection is to be cut.
pub(crate) const MARK: &str = "cut here";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Everything is passed on.
    None,
    /// Ends the connection that brings the mark, before the server gets to see it. Once.
    CutBefore,
    /// Ends the connection that brings the mark when the server has done what it was asked for and says so. Once.
    CutAfter,
    /// Nothing is passed on any more, in neither direction, and every connection stays open.
    Swallow,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    swallowed: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(cluster: &Cluster) -> Self {
        let socket = cluster.directory().join(".s.PGSQL.5432");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, swallowed) = (watch::Sender::new(Fault::None), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(accept(listener, socket, fault.clone(), Arc::clone(&swallowed)));
        Self { address, fault, swallowed }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgresql://postgres@{}/postgres", self.address)
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// How many bytes it has kept from the server so far.
    pub(crate) fn swallowed(&self) -> usize {
        self.swallowed.load(SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    socket: PathBuf,
    fault: watch::Sender<Fault>,
    swallowed: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = UnixStream::connect(&socket).await else { continue };
        tokio::spawn(pass(client, server, fault.clone(), Arc::clone(&swallowed)));
    }
}

/// Returning closes both ends.
async fn pass(
    mut client: TcpStream,
    mut server: UnixStream,
    fault: watch::Sender<Fault>,
    swallowed: Arc<AtomicUsize>,
) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut answer_to_keep: Option<Vec<u8>> = None;
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Ok(count @ 1..) = count else { return };
                let bytes = &asked[..count];
                let has_mark = bytes.windows(MARK.len()).any(|it| it == MARK.as_bytes());
                let now = *fault.borrow();
                match now {
                    Fault::Swallow => {
                        swallowed.fetch_add(count, SeqCst);
                        continue;
                    }
                    Fault::CutBefore if has_mark => {
                        fault.send_replace(Fault::None);
                        return;
                    }
                    Fault::CutAfter if has_mark => {
                        fault.send_replace(Fault::None);
                        answer_to_keep = Some(Vec::new());
                    }
                    _ => {}
                }
                if server.write_all(bytes).await.is_err() { return }
            }
            count = server.read(&mut answered) => {
                let Ok(count @ 1..) = count else { return };
                let bytes = &answered[..count];
                if let Some(kept) = &mut answer_to_keep {
                    kept.extend_from_slice(bytes);
                    // ReadyForQuery, outside of a transaction: what was asked for is committed.
                    if kept.ends_with(b"Z\0\0\0\x05I") { return }
                    continue;
                }
                if *fault.borrow() != Fault::Swallow && client.write_all(bytes).await.is_err() { return }
            }
        }
    }
}
