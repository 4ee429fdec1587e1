//! The pages of the macros, whose examples are compiled here: the crate of the macros cannot depend on this one.

#[doc = include_str!("../../allframe-cqrs-macros/src/command.md")]
mod command {}
#[doc = include_str!("../../allframe-cqrs-macros/src/handler/command_handler.md")]
mod command_handler {}
#[doc = include_str!("../../allframe-cqrs-macros/src/event.md")]
mod event {}
#[doc = include_str!("../../allframe-cqrs-macros/src/handler/handlers.md")]
mod handlers {}
#[doc = include_str!("../../allframe-cqrs-macros/src/process/process_manager.md")]
mod process_manager {}
#[doc = include_str!("../../allframe-cqrs-macros/src/projection.md")]
mod projection {}
#[doc = include_str!("../../allframe-cqrs-macros/README.md")]
mod readme {}
#[doc = include_str!("../../allframe-cqrs-macros/src/row.md")]
mod row {}
#[doc = include_str!("../../allframe-cqrs-macros/src/saga/saga.md")]
mod saga {}
#[doc = include_str!("../../allframe-cqrs-macros/src/saga/saga_step.md")]
mod saga_step {}
