use allframe_cqrs::{event, process_manager};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum OrderEvent {
    Placed { order: u64 },
    Paid { order: u64 },
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Shipping;

#[process_manager(key = order)]
impl Shipping {
    #[on(OrderEvent::Placed)]
    fn placed(&mut self) {}
}

mod illegal_name {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "ship-ping", key = order)]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(&mut self) {}
    }
}

mod two_keys {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", key = order, key_of = order)]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(&mut self) {}
    }
}

mod unknown {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", version = 2)]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(&mut self) {}
    }
}

#[process_manager(name = "shipping")]
struct OnAStruct;

fn main() {}
