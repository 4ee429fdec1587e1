//! Process managers whose handlers are methods.

use std::time::Duration;

use allframe_cqrs::{
    EventStore, InMemoryBackend, ManualClock, Recorded, event,
    process::{Process, Processes, Reacted, Reaction, Refused},
    process_manager,
    saga::SagaOrchestrator,
};
use serde::{Deserialize, Serialize};

use crate::shop::{Cancel, DeliveryEvent, OrderEvent, Ship, Shop, Told, until};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Shipping(Told);

#[process_manager(name = "shipping", key = order)]
impl Shipping {
    #[on(OrderEvent::Placed)]
    fn placed(&mut self, event: &Recorded<OrderEvent>, then: &mut Reaction<'_>) {
        self.0.note(format!("placed as version {}", event.version()));
        then.set_timer("payment", DAY, &"a day".to_owned()).set_timer("reminder", DAY / 2, &());
    }

    #[on(OrderEvent::Paid)]
    fn paid(&mut self, order: &u64, then: &mut Reaction<'_>) {
        self.0.note("paid");
        then.cancel_timer("payment").dispatch(Ship { order: *order });
    }

    #[on(OrderEvent::Noted)]
    fn noted(&mut self, text: String, _order: &u64) {
        self.0.note(text);
    }

    #[on_timer("payment")]
    fn unpaid(&mut self, then: &mut Reaction<'_>, after: &str_of::Text) {
        self.0.note(format!("unpaid after {after}"));
        let order = then.key().parse().unwrap();
        then.dispatch(Cancel { order }).end();
    }

    #[on_timer]
    fn reminder(&mut self) {
        self.0.note("reminded");
    }

    #[on_refused]
    fn refused(&mut self, refused: &Refused, then: &mut Reaction<'_>) {
        self.0.note(refused.reason());
        then.end();
    }

    /// One that is no handler.
    #[allow(dead_code)]
    fn told(&self) -> usize {
        self.0.0.len()
    }
}

/// A type of payloads that is found by a path.
mod str_of {
    pub(crate) type Text = String;
}

async fn open(shop: &Shop) -> Processes {
    let shipping = Shipping::process_manager().dispatches::<Ship>(&shop.bus).dispatches::<Cancel>(&shop.bus);
    Processes::builder(shop.orchestrator()).process(&shop.orders, shipping).open().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn methods_are_given_the_fields_of_events_the_event_and_what_timers_were_set_with() {
    let shop = Shop::new();
    assert_eq!(Shipping::NAME, "shipping");
    let _processes = open(&shop).await;
    shop.happens(OrderEvent::Placed { order: 1 }).await;
    shop.happens(OrderEvent::Noted { order: 1, text: "a note".to_owned() }).await;
    shop.is_told("shipping", "1", "a note").await;
    shop.clock.advance(DAY / 2);
    shop.is_told("shipping", "1", "reminded").await;
    shop.clock.advance(DAY / 2);
    assert_eq!(shop.delivers(1, 1).await, [DeliveryEvent::Cancelled { order: 1 }]);
    let told = shop.is_told("shipping", "1", "unpaid after a day").await;
    assert_eq!(told.0, ["placed as version 1", "a note", "reminded", "unpaid after a day"]);

    shop.happens(OrderEvent::Paid { order: 2 }).await;
    assert_eq!(shop.delivers(2, 1).await, [DeliveryEvent::Shipped { order: 2 }]);
    shop.happens(OrderEvent::Paid { order: 13 }).await;
    assert_eq!(shop.is_told("shipping", "13", "there is none left").await.0[0], "paid");
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Measured {
    sensor: String,
    degrees: i32,
}

#[derive(Default, Serialize, Deserialize)]
struct Alarm {
    hottest: i32,
}

#[process_manager(name = "alarm", key = sensor)]
impl Alarm {
    #[on(Measured)]
    fn measured(&mut self, degrees: &i32) {
        self.hottest = self.hottest.max(*degrees);
    }
}

#[event(prefix = "meter.")]
#[derive(Clone, Serialize, Deserialize)]
enum MeterEvent {
    Read(String, i32),
    Reset(String),
}

fn meter(event: &MeterEvent) -> Option<String> {
    let (MeterEvent::Read(meter, _) | MeterEvent::Reset(meter)) = event;
    (meter != "broken").then(|| meter.clone())
}

#[derive(Default, Serialize, Deserialize)]
struct Meter {
    sum: i32,
}

#[process_manager(name = "meter", event = MeterEvent, key_of = meter)]
impl Meter {
    #[on(MeterEvent::Read(..))]
    fn read(&mut self, _meter: &str, value: i32) {
        self.sum += value;
    }

    #[on(MeterEvent::Reset(..))]
    fn reset(&mut self, _event: &MeterEvent) {
        self.sum = 0;
    }
}

#[tokio::test(start_paused = true)]
async fn events_may_be_structs_and_fields_may_have_no_names_and_two_managers_have_stores_of_their_own() {
    let backend = InMemoryBackend::new();
    let measured = EventStore::<Measured, _>::with_backend(backend.clone());
    let meters = EventStore::<MeterEvent, _>::with_backend(backend.clone());
    let sagas = SagaOrchestrator::builder(&measured).with_clock(ManualClock::new());
    let processes = Processes::builder(sagas)
        .process(&measured, Alarm::process_manager())
        .process(&meters, Meter::process_manager())
        .open()
        .await
        .unwrap();
    for degrees in [20, 90, 30] {
        measured.append("heat", vec![Measured { sensor: "door".to_owned(), degrees }]).await.unwrap();
    }
    let read = |meter: &str, value| MeterEvent::Read(meter.to_owned(), value);
    meters
        .append(
            "power",
            vec![read("a", 1), read("broken", 9), MeterEvent::Reset("a".to_owned()), read("a", 5)],
        )
        .await
        .unwrap();
    let reacted = EventStore::<Reacted, _>::with_backend(backend.clone());
    for stream in ["process-alarm-door", "process-meter-a"] {
        until(&backend, async || (reacted.get_events(stream).await.unwrap().len() == 3).then_some(())).await;
    }
    let alarm = processes.state::<Alarm>("alarm", "door").await.unwrap().unwrap();
    let meter = processes.state::<Meter>("meter", "a").await.unwrap().unwrap();
    assert_eq!((alarm.state.hottest, meter.state.sum), (90, 5));
    assert!(processes.state::<Meter>("meter", "broken").await.unwrap().is_none());
}
