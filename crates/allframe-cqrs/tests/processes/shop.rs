use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    CommandBus, EventStore, EventStoreBackend, InMemoryBackend, ManualClock, command, command_handler, event,
    process::{InstanceState, ProcessManager, Processes, Reacted},
    saga::{SagaDefinition, SagaOrchestrator, SagaStep, StepContext, StepError},
};
use eventstore_conformance::intercept::Intercepted;
use serde::{Deserialize, Serialize};

use crate::trouble::Trouble;

/// What happens to orders, to which the process managers react.
#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum OrderEvent {
    Placed { order: u64 },
    Paid { order: u64 },
    Noted { order: u64, text: String },
    Closed { order: u64 },
}

/// What comes of it.
#[event(prefix = "delivery.")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum DeliveryEvent {
    Shipped { order: u64 },
    Cancelled { order: u64 },
    Mailed { order: u64, text: String },
}

pub(crate) use DeliveryEvent::*;
pub(crate) use OrderEvent::*;

#[command(stream = "delivery-{order}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ship {
    pub(crate) order: u64,
}

#[command(stream = "delivery-{order}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Cancel {
    pub(crate) order: u64,
}

#[command(stream = "delivery-{order}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Mail {
    pub(crate) order: u64,
    pub(crate) text: String,
}

/// Number 13 is not sold.
#[command_handler]
async fn ship(command: Ship) -> Result<Vec<DeliveryEvent>, String> {
    match command.order {
        13 => Err("there is none left".to_owned()),
        order => Ok(vec![Shipped { order }]),
    }
}

#[command_handler]
async fn cancel(command: Cancel) -> Vec<DeliveryEvent> {
    vec![Cancelled { order: command.order }]
}

#[command_handler]
async fn mail(command: Mail) -> Vec<DeliveryEvent> {
    vec![Mailed { order: command.order, text: command.text }]
}

/// What an instance knows: what it was told, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told(pub(crate) Vec<String>);

impl Told {
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }
}

/// One process of the shop, on a way to its store.
pub(crate) struct Shop {
    pub(crate) way: Trouble,
    pub(crate) orders: EventStore<OrderEvent, Intercepted<Trouble>>,
    pub(crate) bus: CommandBus<DeliveryEvent>,
    pub(crate) clock: ManualClock,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::on(Trouble::default(), ManualClock::new())
    }

    pub(crate) fn on(way: Trouble, clock: ManualClock) -> Self {
        let deliveries = EventStore::<DeliveryEvent, _>::with_backend(Intercepted(way.clone()));
        let bus = CommandBus::builder(deliveries).discover().build().unwrap();
        Self { orders: EventStore::with_backend(Intercepted(way.clone())), way, bus, clock }
    }

    /// Another process, at the same store.
    pub(crate) fn another(&self) -> Self {
        Self::on(Trouble::to(&self.way.inner), self.clock.clone())
    }

    /// A process manager that knows where all commands go, and waits for nobody long.
    pub(crate) fn manager(&self, name: &str) -> ProcessManager<Told, OrderEvent> {
        ProcessManager::new(name)
            .dispatches::<Ship>(&self.bus)
            .dispatches::<Cancel>(&self.bus)
            .dispatches::<Mail>(&self.bus)
            .with_group(|group| group.with_lease(Duration::from_secs(1)))
    }

    /// That it sells is shipped once it is paid, and cancelled when it is not within a day.
    pub(crate) fn shipping(&self) -> ProcessManager<Told, OrderEvent> {
        self.manager("shipping")
            .on(key, |told, event, then| match &event.event {
                Placed { .. } => {
                    told.note("placed");
                    then.set_timer("payment", Duration::from_secs(86_400), &"a day");
                }
                Paid { order } => {
                    told.note("paid");
                    then.cancel_timer("payment").dispatch(Ship { order: *order });
                }
                Noted { text, .. } => told.note(text),
                Closed { .. } => {
                    told.note("closed");
                    then.end();
                }
            })
            .on_timer("payment", |told, after: String, then| {
                told.note(format!("unpaid after {after}"));
                let order = then.key().parse().unwrap();
                then.dispatch(Cancel { order }).end();
            })
    }

    pub(crate) async fn open(&self, manager: ProcessManager<Told, OrderEvent>) -> Processes {
        Processes::builder(self.orchestrator()).process(&self.orders, manager).open().await.unwrap()
    }

    pub(crate) fn orchestrator(&self) -> allframe_cqrs::saga::SagaOrchestratorBuilder {
        let thank = SagaStep::new("thank", |context: StepContext<String>| async move {
            Ok::<_, StepError>(format!("thanks, {}", context.input()))
        });
        SagaOrchestrator::builder(&self.orders)
            .with_clock(self.clock.clone())
            .saga(SagaDefinition::new("thanks").then(thank))
    }

    pub(crate) async fn happens(&self, event: OrderEvent) {
        let stream = format!("order-{}", order_of(&event));
        self.orders.append(stream, vec![event]).await.unwrap();
    }

    /// What has been delivered of an order so far.
    pub(crate) async fn delivered(&self, order: u64) -> Vec<DeliveryEvent> {
        let store = EventStore::<DeliveryEvent, _>::with_backend(self.way.inner.clone());
        store.get_events(format!("delivery-{order}")).await.unwrap()
    }

    /// Waits until so much has been delivered of an order.
    pub(crate) async fn delivers(&self, order: u64, count: usize) -> Vec<DeliveryEvent> {
        until(&self.way.inner, async || {
            let delivered = self.delivered(order).await;
            (delivered.len() >= count).then_some(delivered)
        })
        .await
    }

    /// Waits until an instance was told something.
    pub(crate) async fn is_told(&self, process: &str, key: &str, what: &str) -> Told {
        let store = EventStore::<Reacted, _>::with_backend(self.way.inner.clone());
        until(&self.way.inner, async || {
            let reacted = store.get_events(format!("process-{process}-{key}")).await.unwrap();
            let told: Told = serde_json::from_value(reacted.last()?.state.clone()).unwrap();
            told.0.iter().any(|told| told == what).then_some(told)
        })
        .await
    }
}

pub(crate) fn order_of(event: &OrderEvent) -> u64 {
    let (Placed { order } | Paid { order } | Noted { order, .. } | Closed { order }) = event;
    *order
}

/// The order is the key of every event.
pub(crate) fn key(event: &allframe_cqrs::Recorded<OrderEvent>) -> Option<String> {
    Some(order_of(&event.event).to_string())
}

pub(crate) async fn state_of(processes: &Processes, order: u64) -> InstanceState<Told> {
    processes.state("shipping", &order.to_string()).await.unwrap().unwrap()
}

/// How often something was called.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicU32>);

impl Calls {
    /// Counts one more; answers the how manyth it is.
    pub(crate) fn count(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn all(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Waits until there is something, looking again whenever the store has more; a test that would wait for ever fails.
pub(crate) async fn until<T>(backend: &InMemoryBackend, look: impl AsyncFn() -> Option<T>) -> T {
    let found = async {
        loop {
            let head = backend.head().await.unwrap();
            if let Some(found) = look().await {
                return found;
            }
            backend.wait_past(head).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(3_600), found).await.expect("it should have come long ago")
}
