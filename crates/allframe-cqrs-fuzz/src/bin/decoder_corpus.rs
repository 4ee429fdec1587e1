//! Writes the inputs that fuzzing begins with: `cargo run -p allframe-cqrs-fuzz -- fuzz/corpus`.

use std::{fs, path::PathBuf};

use allframe_cqrs_fuzz::seeds;

fn main() -> std::io::Result<()> {
    let corpus = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("fuzz/corpus"), PathBuf::from);
    for (target, name, input) in seeds() {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), input)?;
    }
    Ok(())
}
