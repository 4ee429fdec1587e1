use eventstore_api::Result;

use super::{entries::Asked, events::each_event};
use crate::database::Database;

/// Goes through all events once more, and looks up each entry that they ask for: of the first one that is not as it should be, the
/// error says which event it is of. Tells how many events it has looked at, as [`each_event`] does.
///
/// It reads here and there in every index, which takes far longer than going through them: it is for a store of which it is known
/// that something is wrong.
pub(super) fn look_up(database: &Database, tell: impl FnMut(u64)) -> Result<()> {
    let mut asked = Asked::default();
    each_event(database, tell, |event, length| {
        asked.by(event, length, |index, key, wanted| {
            let found = database.get(index.family(), key)?;
            if found.as_deref() == Some(wanted) {
                return Ok(());
            }
            let position = event.position;
            Err(database
                .corrupted(format!("the index of {index} does not lead to the event at position {position}")))
        })
    })?;
    Ok(())
}
