#![doc = include_str!("../../../../docs/copying-a-store.md")]
