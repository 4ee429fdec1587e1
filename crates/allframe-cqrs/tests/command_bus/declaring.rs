use allframe_cqrs::{Addressed, CommandBus, EventStore, command, event, handlers};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Filed;

struct Files;

#[command(stream = "file-{type}-{type:?}")]
struct File {
    r#type: &'static str,
}

#[handlers]
impl Files {
    #[command_handler]
    async fn file(_: File) -> Vec<Filed> {
        vec![Filed]
    }

    #[cfg(any())]
    #[command_handler]
    async fn another(_: File) -> Vec<Filed> {
        vec![Filed]
    }
}

#[test]
fn a_field_with_the_name_of_a_keyword_can_stand_in_the_name_of_the_stream() {
    assert_eq!(File { r#type: "a" }.stream_id().unwrap().as_str(), "file-a-\"a\"");
}

#[test]
fn a_method_that_a_condition_leaves_out_is_no_handler() {
    let bus = CommandBus::builder(EventStore::<Filed>::new()).discover().build().unwrap();
    assert_eq!(bus.commands(), ["File"]);
}
