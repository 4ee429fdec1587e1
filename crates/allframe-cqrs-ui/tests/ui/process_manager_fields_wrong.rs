use allframe_cqrs::{event, process_manager};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum OrderEvent {
    Placed { order: u64 },
    Paid { order: u64 },
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Shipping;

#[process_manager(name = "shipping", key = basket)]
impl Shipping {
    #[on(OrderEvent::Placed)]
    fn placed(&mut self) {}
}

mod other_field {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Shipping;

    #[allframe_cqrs::process_manager(name = "shipping", key = order)]
    impl Shipping {
        #[on(crate::OrderEvent::Placed)]
        fn placed(&mut self, total: u64) {
            let _ = total;
        }

        #[on(crate::OrderEvent::Paid)]
        fn paid(&mut self, order: &str) {
            let _ = order;
        }
    }
}

fn main() {}
