use allframe_cqrs::{event, process_manager};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum OrderEvent {
    Placed { order: u64 },
    Paid { order: u64 },
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Shipping;

#[process_manager(name = "shipping", key = order)]
impl Shipping {
    #[on(OrderEvent::Placed)]
    async fn placed(&mut self) {}
}

mod answers {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", key = order)]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(&mut self) -> Result<(), String> {
            Ok(())
        }
    }
}

mod without_self {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", key = order)]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(order: u64) {
            let _ = order;
        }
    }
}

mod too_much {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", event = crate::OrderEvent, key = order)]
    impl Shipping {
        #[on_timer]
        fn unpaid(&mut self, after: u64, more: u64) {
            let _ = (after, more);
        }
    }
}

fn main() {}
