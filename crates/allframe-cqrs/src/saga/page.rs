#![doc = include_str!("../../../../docs/sagas.md")]
