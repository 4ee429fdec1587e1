#![doc = include_str!("../../../../docs/process-managers.md")]
