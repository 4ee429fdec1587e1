use crate::support::{Place, killed_and_completed, many};

#[test]
fn what_was_acknowledged_is_there_and_importing_again_completes_it() {
    let lines = many(60_000, 37);
    let there = [1, 7, 20].map(|batches| {
        let place = Place::new();
        killed_and_completed(&place, |arguments| place.command(arguments), &lines, batches)
    });
    assert!(there.iter().any(|there| *there < 60_000), "none was killed on the way");
}
