// The first program, with its events kept as JSON: what serde_json alone weighs.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

enum Request {
    Append(String, Vec<AccountEvent>, oneshot::Sender<serde_json::Result<usize>>),
    Read(String, oneshot::Sender<serde_json::Result<Vec<AccountEvent>>>),
    Withdraw(String, u64, oneshot::Sender<serde_json::Result<Result<usize, String>>>),
}

fn append(stream: &mut Vec<String>, events: &[AccountEvent]) -> serde_json::Result<usize> {
    for event in events {
        stream.push(serde_json::to_string(event)?);
    }
    Ok(stream.len())
}

fn read(stream: &[String]) -> serde_json::Result<Vec<AccountEvent>> {
    stream.iter().map(|event| serde_json::from_str(event)).collect()
}

fn withdraw(stream: &mut Vec<String>, amount: u64) -> serde_json::Result<Result<usize, String>> {
    let mut account = Account::default();
    read(stream)?.iter().for_each(|event| account.apply(event));
    match account.withdraw(amount) {
        Ok(events) => append(stream, &events).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

async fn serve(mut requests: mpsc::Receiver<Request>) {
    let mut streams: HashMap<String, Vec<String>> = HashMap::new();
    while let Some(request) = requests.recv().await {
        match request {
            Request::Append(stream, events, answer) => {
                let _ = answer.send(append(streams.entry(stream).or_default(), &events));
            }
            Request::Read(stream, answer) => {
                let _ = answer.send(streams.get(&stream).map_or(Ok(vec![]), |stream| read(stream)));
            }
            Request::Withdraw(stream, amount, answer) => {
                let _ = answer.send(withdraw(streams.entry(stream).or_default(), amount));
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
    answered.await??;

    for amount in [30, 500] {
        let (answer, answered) = oneshot::channel();
        requests.send(Request::Withdraw("account-7".into(), amount, answer)).await?;
        match answered.await?? {
            Ok(version) => println!("withdrawn: version {version}"),
            Err(refused) => println!("refused: {refused}"),
        }
    }

    let (answer, answered) = oneshot::channel();
    requests.send(Request::Read("account-7".into(), answer)).await?;
    for event in answered.await?? {
        println!("{event:?}");
    }
    drop(requests);
    Ok(served.await?)
}
