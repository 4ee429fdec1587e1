use std::{io, path::Path, sync::Arc};

use eventstore_api::message_with_causes;
use eventstore_wal::{ArchivePolicy, WalBackend, WalConfig};

use super::{Counts, Opened, Store, does_something_meanwhile, durability, files, files_called};
use crate::arguments::Write;

/// With segments as small as makes them come and go, archived in every other life.
pub(crate) struct Wal;

impl Store for Wal {
    fn open(&self, life: &Write) -> Result<Opened, String> {
        let config = WalConfig {
            segment_bytes: life.segment_bytes,
            preallocate_bytes: life.segment_bytes.min(1 << 20),
            durability: durability(life),
            ..WalConfig::default()
        };
        let opened = if does_something_meanwhile(life) {
            let all = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
            WalBackend::with_archive(&life.directory, config, all)
        } else {
            WalBackend::with_config(&life.directory, config)
        };
        let store = opened.map_err(|error| message_with_causes(&error))?;
        Ok(Opened { store: Arc::new(store), meanwhile: None })
    }

    fn log_ending(&self) -> &'static str {
        "wal"
    }

    /// Whether it was killed while it made a part, or before it had removed the segment of one.
    fn left_by_a_kill(&self, directory: &Path) -> io::Result<Counts> {
        let is_half_archived = files(directory)?.iter().any(|path| {
            path.to_str().is_some_and(|name| name.ends_with(".parquet.new"))
                || path.extension().is_some_and(|it| it == "parquet") && path.with_extension("wal").exists()
        });
        Ok(vec![("processes killed in the middle of archiving", u64::from(is_half_archived))])
    }

    fn look_through(&self, _: &Path) -> Result<Counts, String> {
        Ok(Vec::new())
    }

    /// Recovery keeps each torn tail in a file of its own, whichever process it was that recovered.
    fn left_in_the_end(&self, directory: &Path) -> io::Result<Counts> {
        let (tails, parts) = (files_called(directory, "torn")?, files_called(directory, "parquet")?);
        Ok(vec![("torn tails", tails), ("parts", parts)])
    }
}
