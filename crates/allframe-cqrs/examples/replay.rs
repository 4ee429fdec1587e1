//! A chess club keeps its games as events, and shows them again: as the board stood at any moment, and move by move, as they were played.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example replay
//! ```
//!
//! The scholar's mate, seven half moves, one a minute. The board is asked for as it was after two of them and at the fourth minute. Then the
//! game is replayed sixty times as fast as it was played, with a hand on the switch: it is paused after the fifth, and goes on.
//! docs/projections.md has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use allframe_cqrs::{
    EventStore, EventStoreBackend as _, GlobalPosition, InMemoryBackend, Projection, ReplaySpeed,
    ReplayState, StreamId, StreamViews, Timestamp, Version,
    api::{Encoding, EventType, NewEvent, Placement, RecordedEvent},
    event,
};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

const GAME: &str = "game-1";
const MOVES: [(&str, &str); 7] =
    [("e2", "e4"), ("e7", "e5"), ("f1", "c4"), ("b8", "c6"), ("d1", "h5"), ("g8", "f6"), ("h5", "f7")];
const MINUTE: Duration = Duration::from_secs(60);

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Moved {
    from: String,
    to: String,
}

/// Which piece stands where; white has capitals.
#[derive(Clone, Debug, PartialEq)]
struct Board(BTreeMap<String, char>);

impl Default for Board {
    fn default() -> Self {
        let rows = [('1', "RNBQKBNR"), ('2', "PPPPPPPP"), ('7', "pppppppp"), ('8', "rnbqkbnr")];
        let of_row = |(row, pieces): (char, &'static str)| {
            ('a'..='h').zip(pieces.chars()).map(move |(column, piece)| (format!("{column}{row}"), piece))
        };
        Self(rows.into_iter().flat_map(of_row).collect())
    }
}

impl Projection for Board {
    type Event = Moved;

    fn apply(&mut self, moved: &Moved) {
        if let Some(piece) = self.0.remove(&moved.from) {
            self.0.insert(moved.to.clone(), piece);
        }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in ('1'..='8').rev() {
            let squares = ('a'..='h').map(|column| self.0.get(&format!("{column}{row}")).unwrap_or(&'.'));
            writeln!(f, "  {}", squares.map(char::to_string).collect::<Vec<_>>().join(" "))?;
        }
        Ok(())
    }
}

struct Told {
    after_two: Arc<Board>,
    after_four_minutes: Arc<Board>,
    /// The moves that were shown when it was paused, and how far the replay was.
    before_the_pause: (Vec<String>, Option<f64>),
    after_the_pause: Vec<String>,
    at_the_end: Arc<Board>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let told = tell().await?;
    println!("after two half moves:\n{}", told.after_two);
    println!("after four minutes:\n{}", told.after_four_minutes);
    let (shown, share) = &told.before_the_pause;
    println!("replayed: {}, and a pause at {:.0} %", shown.join(", "), share.unwrap_or_default() * 100.0);
    println!("and then: {}\n{}", told.after_the_pause.join(", "), told.at_the_end);
    Ok(())
}

async fn tell() -> anyhow::Result<Told> {
    let began = Timestamp::from(SystemTime::UNIX_EPOCH);
    let store = EventStore::<Moved>::with_backend(from_a_notebook(began).await?);

    let boards = StreamViews::<Board>::new(store.clone());
    let after_two = boards.get_at_version(GAME, Version::new(2)).await?;
    let minutes = |count: u32| Timestamp::from(SystemTime::UNIX_EPOCH + count * MINUTE);
    let after_four_minutes = boards.get_at(GAME, minutes(4)).await?;

    let (show, mut shown) = mpsc::channel(MOVES.len());
    let replay = store.replay().speed(ReplaySpeed::original_times(60.0)?).into_handler(move |moved, _| {
        let show = show.clone();
        async move { Ok(show.send(format!("{}-{}", moved.event.from, moved.event.to)).await?) }
    })?;
    let control = replay.control();
    let mut updates = control.updates();
    let mut share = None;
    while let Some(progress) = updates.next().await {
        match progress.state {
            ReplayState::Running if progress.events == 5 => control.pause(),
            ReplayState::Paused => {
                share = progress.share();
                break;
            }
            _ => {}
        }
    }
    let mut before = Vec::new();
    while let Ok(moved) = shown.try_recv() {
        before.push(moved);
    }
    control.resume();
    replay.await?;
    let mut after_the_pause = Vec::new();
    while let Some(moved) = shown.recv().await {
        after_the_pause.push(moved);
    }

    Ok(Told {
        after_two: after_two.state,
        after_four_minutes: after_four_minutes.state,
        before_the_pause: (before, share),
        after_the_pause,
        at_the_end: boards.get(GAME).await?.state,
    })
}

/// The game as somebody has noted it, with the times of then. What an application appends has the time at which it does so.
async fn from_a_notebook(began: Timestamp) -> anyhow::Result<InMemoryBackend> {
    let mut notes: Vec<RecordedEvent> = Vec::new();
    let mut at = SystemTime::from(began);
    for (number, (from, to)) in (1..).zip(MOVES) {
        at += MINUTE;
        let placement = Placement {
            stream: StreamId::new(GAME)?,
            version: Version::new(number),
            position: GlobalPosition::new(number),
            recorded_at: Timestamp::from(at),
        };
        let moved = serde_json::to_string(&Moved { from: from.into(), to: to.into() })?;
        let moved = NewEvent::new(EventType::new("Moved")?, moved).with_encoding(Encoding::JSON);
        notes.push(moved.record(placement));
    }
    let backend = InMemoryBackend::new();
    backend.restore(notes).await?;
    Ok(backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(moves: usize) -> Board {
        let mut board = Board::default();
        MOVES.iter().take(moves).for_each(|(from, to)| {
            board.apply(&Moved { from: (*from).into(), to: (*to).into() });
        });
        board
    }

    #[tokio::test(start_paused = true)]
    async fn a_board_is_shown_as_it_was_and_a_game_as_it_was_played() {
        let told = tell().await.unwrap();
        assert_eq!(*told.after_two, board(2));
        assert_eq!(*told.after_four_minutes, board(4));
        assert_eq!(*told.at_the_end, board(7));

        let (before, share) = told.before_the_pause;
        assert_eq!(before, ["e2-e4", "e7-e5", "f1-c4", "b8-c6", "d1-h5"]);
        assert_eq!(share, Some(5.0 / 7.0));
        assert_eq!(told.after_the_pause, ["g8-f6", "h5-f7"]);
    }

    #[test]
    fn a_piece_that_is_taken_is_gone() {
        let board = board(7).0;
        assert_eq!((board.len(), board["f7"]), (31, 'Q'));
    }
}
