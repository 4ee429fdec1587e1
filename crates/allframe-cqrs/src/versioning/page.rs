#![doc = include_str!("../../../../docs/versioning.md")]
