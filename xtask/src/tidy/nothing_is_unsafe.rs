//! No `unsafe` of ours, so that Miri has nothing of ours to look at.

use toml::{Table, Value};

use super::finding::Finding;
use super::repository::Repository;

pub(super) const REASON: &str =
    "whoever reads files and packets that others made does so in safe Rust: the compiler forbids the rest";

const ROOT: &str = "Cargo.toml";

/// Every crate inherits the lints of the workspace, which `crates_have_one_form` sees to; a `forbid` there cannot be taken back.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let Some(root) = repository.file(ROOT) else { return Ok(Vec::new()) };
    let table: Table = root.text.parse()?;
    let lints = table.get("workspace").and_then(|it| it.get("lints")).and_then(|it| it.get("rust"));
    let level = lints.and_then(|it| it.get("unsafe_code")).and_then(Value::as_str);
    let message =
        "`unsafe_code` is to be \"forbid\" in [workspace.lints.rust], and Miri to run where it is not";
    let finding = Finding::at(ROOT, root.line_of("unsafe_code"), message);
    Ok(if level == Some("forbid") { Vec::new() } else { vec![finding] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weaker_level_is_found_with_its_line() {
        let level = |level: &str| format!("[workspace.lints.rust]\nunsafe_code = \"{level}\"\n");
        let found = |text: &str| check(&Repository::of_files(&[(ROOT, text)])).unwrap();
        assert!(found(&level("forbid")).is_empty());
        assert!(found(&level("deny"))[0].to_string().starts_with("Cargo.toml:2: "));
        assert_eq!(found("[workspace]\n").len(), 1);
    }
}
