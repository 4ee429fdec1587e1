// What the others do, with tokio alone: a task owns the accounts, appends, reads, and takes one command.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

enum Request {
    Append(String, Vec<AccountEvent>, oneshot::Sender<usize>),
    Read(String, oneshot::Sender<Vec<AccountEvent>>),
    Withdraw(String, u64, oneshot::Sender<Result<usize, String>>),
}

async fn serve(mut requests: mpsc::Receiver<Request>) {
    let mut streams: HashMap<String, Vec<AccountEvent>> = HashMap::new();
    while let Some(request) = requests.recv().await {
        match request {
            Request::Append(stream, events, answer) => {
                let stream = streams.entry(stream).or_default();
                stream.extend(events);
                let _ = answer.send(stream.len());
            }
            Request::Read(stream, answer) => {
                let _ = answer.send(streams.get(&stream).cloned().unwrap_or_default());
            }
            Request::Withdraw(stream, amount, answer) => {
                let stream = streams.entry(stream).or_default();
                let mut account = Account::default();
                stream.iter().for_each(|event| account.apply(event));
                let _ = answer.send(account.withdraw(amount).map(|events| {
                    stream.extend(events);
                    stream.len()
                }));
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (requests, received) = mpsc::channel(16);
    let served = tokio::spawn(serve(received));

    let (answer, answered) = oneshot::channel();
    let events = vec![AccountEvent::Opened { owner: "ann".into() }, AccountEvent::Deposited { amount: 100 }];
    requests.send(Request::Append("account-7".into(), events, answer)).await?;
    answered.await?;

    for amount in [30, 500] {
        let (answer, answered) = oneshot::channel();
        requests.send(Request::Withdraw("account-7".into(), amount, answer)).await?;
        match answered.await? {
            Ok(version) => println!("withdrawn: version {version}"),
            Err(refused) => println!("refused: {refused}"),
        }
    }

    let (answer, answered) = oneshot::channel();
    requests.send(Request::Read("account-7".into(), answer)).await?;
    for event in answered.await? {
        println!("{event:?}");
    }
    drop(requests);
    Ok(served.await?)
}
