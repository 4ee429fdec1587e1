//! The service as a process, and who speaks to it.

use std::{
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::until::{soon, until};

pub(crate) struct Service {
    process: Child,
    pub(crate) address: SocketAddr,
    client: Client,
}

/// A command that starts the service on any free port, in memory, and tells only what goes wrong.
pub(crate) fn program(variables: &[(&str, &str)]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_service"));
    program
        .env_clear()
        .env("SERVICE_LISTEN", "127.0.0.1:0")
        .env("SERVICE_LOG", "error")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    program
}

impl Service {
    /// Starts it; it listens, and may not be ready.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let mut process = program(variables).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = soon("the line that says where it listens", lines.next_line()).await.unwrap();
        let line = line.expect("it has ended before it listened");
        let address = line.strip_prefix("listening on http://").expect(&line).parse().unwrap();
        // One that is kept may be closed by the service, for having been idle, just when it is used again.
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { process, address, client }
    }

    /// Starts it on a store in this directory, and waits until it is ready.
    pub(crate) async fn on(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let store = format!("wal:{}", directory.display());
        let service = Self::start(&[&[("SERVICE_STORE", store.as_str())], variables].concat()).await;
        service.becomes_ready().await;
        service
    }

    /// Starts it in memory, and waits until it is ready.
    pub(crate) async fn in_memory() -> Self {
        let service = Self::start(&[]).await;
        service.becomes_ready().await;
        service
    }

    pub(crate) async fn becomes_ready(&self) {
        until("the service is ready", async || {
            let ready = self.get("/health/ready").send().await.unwrap();
            (ready.status() == StatusCode::OK).then_some(())
        })
        .await;
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn post(&self, command: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("http://{}/commands/{command}", self.address)).json(body)
    }

    /// Carries a command out that must succeed.
    pub(crate) async fn done(&self, command: &str, body: Value) -> Answer {
        let answer = Answer::of(self.post(command, &body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{command}: {}", answer.body);
        answer
    }

    /// A workshop with so many seats, at five euros each.
    pub(crate) async fn publish(&self, workshop: &str, seats: u32) -> Answer {
        let title = format!("All about {workshop}");
        let body = json!({ "workshop": workshop, "title": title, "seats": seats, "price": 500 });
        self.done("PublishWorkshop", body).await
    }

    pub(crate) async fn top_up(&self, customer: &str, amount: u64) -> Answer {
        self.done("TopUpWallet", json!({ "customer": customer, "amount": amount })).await
    }

    pub(crate) async fn book(&self, booking: &str, workshop: &str, customer: &str, seats: u32) -> Answer {
        let body = json!({ "booking": booking, "workshop": workshop, "customer": customer, "seats": seats });
        self.done("RequestBooking", body).await
    }

    /// Waits until a booking is not pending any more.
    pub(crate) async fn settled(&self, booking: &str) -> Value {
        until("the booking is settled", async || {
            let answer = Answer::of(self.get(&format!("/bookings/{booking}"))).await;
            // The read model may not have it yet.
            (answer.status == StatusCode::OK && answer.body["status"] != "pending").then_some(answer.body)
        })
        .await
    }

    /// The answer to this, once it is this one; read models follow.
    pub(crate) async fn comes_to(&self, path: &str, expected: &Value) {
        until(&format!("{path} answers {expected}"), async || {
            (Answer::of(self.get(path)).await.body == *expected).then_some(())
        })
        .await;
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// As ctrl-c does.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits until the service says that it is in this phase.
    pub(crate) async fn comes_into(&self, phase: &str) {
        until(&format!("the service is {phase}"), async || {
            let ready = Answer::of(self.get("/health/ready")).await;
            (ready.body["phase"] == phase).then_some(())
        })
        .await;
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    pub(crate) async fn exited(mut self) -> ExitStatus {
        soon("the end of the process", self.process.wait()).await.unwrap()
    }

    /// Asks it to end, which goes well.
    pub(crate) async fn ends_well(self) {
        self.terminate();
        let status = self.exited().await;
        assert!(status.success(), "{status}");
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::read(soon("an answer", request.send()).await.unwrap()).await
    }

    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.json().await.unwrap();
        Self { status, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// That of the last event, as a query takes it.
    pub(crate) fn position(&self) -> &str {
        self.header("event-position").expect("a command that has stored something says where")
    }
}
