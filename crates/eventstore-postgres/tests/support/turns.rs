//! How often a client spoke after the server.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use postgres_cluster::Cluster;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

/// The URL of somebody who passes on what he hears, and counts how often the client spoke after the server.
pub(crate) async fn counting_turns(server: &Cluster) -> (String, Arc<AtomicUsize>) {
    let socket = server.directory().join(".s.PGSQL.5432");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", listener.local_addr().unwrap().port());
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, turns) = (UnixStream::connect(&socket).await.unwrap(), Arc::clone(&counted));
            tokio::spawn(pass_on(client, server, turns));
        }
    });
    (url, turns)
}

async fn pass_on(mut client: TcpStream, mut server: UnixStream, turns: Arc<AtomicUsize>) {
    let (mut said, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut was_answered = true;
    loop {
        tokio::select! {
            Ok(length) = client.read(&mut said) => {
                turns.fetch_add(usize::from(was_answered), SeqCst);
                was_answered = false;
                if length == 0 || server.write_all(&said[..length]).await.is_err() { return }
            }
            Ok(length) = server.read(&mut answered) => {
                was_answered = true;
                if length == 0 || client.write_all(&answered[..length]).await.is_err() { return }
            }
            else => return,
        }
    }
}
