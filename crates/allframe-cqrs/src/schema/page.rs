#![doc = include_str!("../../../../docs/schemas.md")]
