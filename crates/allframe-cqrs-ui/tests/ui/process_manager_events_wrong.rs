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
    fn placed(&mut self) {}

    #[on(String)]
    fn other(&mut self) {}
}

mod no_events {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", key = order)]
    impl Shipping {
        #[on_timer]
        fn unpaid(&mut self) {}
    }
}

mod no_key {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping")]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(&mut self) {}
    }
}

mod bare {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", key = order)]
    impl Shipping {
        #[on]
        fn placed(&mut self) {}
    }
}

fn main() {}
