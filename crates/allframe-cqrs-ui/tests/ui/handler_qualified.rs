use allframe_cqrs::{command, command_handler, event, handlers, query, query_handler};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

#[query]
struct Balance;

#[command_handler]
async unsafe fn not_safe(_command: Open) -> Vec<Opened> {
    vec![]
}

#[command_handler]
extern "C" fn not_of_rust(_command: Open) -> Vec<Opened> {
    vec![]
}

#[query_handler]
unsafe fn asked(_query: Balance) -> u64 {
    7
}

struct Bank;

#[handlers]
impl Bank {
    #[command_handler]
    unsafe fn open(&self, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

struct Shop;

#[handlers]
impl Shop {
    #[command_handler]
    async fn shared_otherwise(self: std::rc::Rc<Self>, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

struct Till;

#[handlers(shop)]
impl Till {
    #[command_handler]
    async fn open(&self, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

fn main() {}
