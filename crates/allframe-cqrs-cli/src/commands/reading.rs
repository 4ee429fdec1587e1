use crate::{exit::Exit, failure::Failure, interrupted::soon_when_interrupted, store::Location};

/// Does what only reads a store. Where a reader keeps files elsewhere, a signal ends it so that these go; of other stores nothing is left.
pub(super) async fn reading(
    location: &dyn Location,
    read: impl AsyncFnOnce(&dyn Location) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let read = async { read(location).await.map(|()| Exit::Done) };
    match location.reader_keeps_files() {
        true => soon_when_interrupted(read).await,
        false => read.await,
    }
}
