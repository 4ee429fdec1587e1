use std::sync::Arc;

use allframe_cqrs::{
    Addressed, CommandBus, CommandError, Decision, EventStore, command, command_handler, event, handlers,
};
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

    #[command_handler]
    async fn file_twice(self: Arc<Self>, _: FileTwice, others: Arc<Self>) -> Vec<Filed> {
        assert!(Arc::ptr_eq(&self, &others));
        vec![Filed, Filed]
    }

    #[cfg(any())]
    #[command_handler]
    async fn another(_: File) -> Vec<Filed> {
        vec![Filed]
    }
}

#[command(stream = "file-2")]
struct FileTwice;

#[command(stream = "file-3")]
struct FileAtOnce;

#[command_handler]
const fn file_at_once(_: FileAtOnce) -> Decision<Filed> {
    Decision::none()
}

#[command]
struct FileElsewhere(bool);

type Done = Result<(), String>;

#[command_handler(events = Filed)]
async fn file_elsewhere(command: FileElsewhere) -> Done {
    if command.0 { Ok(()) } else { Err("full".into()) }
}

fn bus(files: Arc<Files>) -> CommandBus<Filed> {
    CommandBus::builder(EventStore::<Filed>::new()).discover().provide(files).build().unwrap()
}

/// A command may be given on the command line too, where clap has an attribute of the same name.
#[derive(clap::Parser)]
#[allframe_cqrs::command(name = "file-away")]
#[command(about = "Files it away")]
struct FileAway {
    #[arg(long)]
    drawer: u32,
}

#[test]
fn the_attribute_of_clap_stands_beside_ours() {
    let away = <FileAway as clap::Parser>::try_parse_from(["file", "--drawer", "7"]).unwrap();
    assert_eq!((away.drawer, <FileAway as allframe_cqrs::Command>::name()), (7, "file-away"));
}

#[test]
fn a_field_with_the_name_of_a_keyword_can_stand_in_the_name_of_the_stream() {
    assert_eq!(File { r#type: "a" }.stream_id().unwrap().as_str(), "file-a-\"a\"");
}

#[test]
fn a_method_that_a_condition_leaves_out_is_no_handler() {
    let commands = bus(Arc::new(Files)).commands();
    assert_eq!(commands, ["File", "FileAtOnce", "FileElsewhere", "FileTwice"]);
}

#[tokio::test]
async fn a_method_may_ask_for_its_own_type_as_self() {
    let done = bus(Arc::new(Files)).dispatch(FileTwice).await.unwrap();
    assert_eq!(done.events.len(), 2);
}

#[tokio::test]
async fn a_constant_function_handles_too() {
    let done = bus(Arc::new(Files)).dispatch(FileAtOnce).await.unwrap();
    assert!(done.events.is_empty());
}

#[tokio::test]
async fn a_handler_that_stores_by_itself_may_say_so_with_a_type_of_another_name() {
    let bus = bus(Arc::new(Files));
    bus.dispatch(FileElsewhere(true)).await.unwrap();
    let error = bus.dispatch(FileElsewhere(false)).await.unwrap_err();
    assert!(matches!(&error, CommandError::Rejected(why) if why.to_string() == "full"), "{error}");
    let with_a_key = bus.dispatch_idempotent(FileElsewhere(true), "k").await.unwrap_err();
    assert!(matches!(with_a_key, CommandError::StoresByItself { .. }), "{with_a_key}");
}
