#![doc = include_str!("../../../../docs/consumer-groups.md")]
