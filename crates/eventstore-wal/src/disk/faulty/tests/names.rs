use super::*;

/// All that crashes can leave: the names, with what their files hold.
fn all_names(disk: &FaultyDisk) -> BTreeSet<String> {
    let mut every = Exhaustive::new(16);
    let mut states = BTreeSet::new();
    while every.advance() {
        let files = disk.fork().crash(&mut every).contents();
        let files = files.iter().map(|(name, bytes)| format!("{name}={}", String::from_utf8_lossy(bytes)));
        states.insert(files.collect::<Vec<_>>().join(" "));
    }
    assert!(!every.has_skipped());
    states
}

fn with_files(names: &[&str]) -> FaultyDisk {
    let disk = FaultyDisk::new();
    for name in names {
        let file = disk.open(name, Open::Create).unwrap();
        file.write_at(name.as_bytes(), 0).unwrap();
        file.sync_data().unwrap();
    }
    disk
}

#[test]
fn an_unsynced_name_vanishes_or_stays_and_a_synced_one_stays() {
    let disk = with_files(&["a"]);
    assert_eq!(all_names(&disk), set(&["", "a=a"]));
    disk.sync_names().unwrap();
    assert_eq!(all_names(&disk), set(&["a=a"]));
}

#[test]
fn a_name_may_survive_without_what_its_file_held() {
    let disk = FaultyDisk::new();
    disk.open("a", Open::Create).unwrap().write_at(b"a", 0).unwrap();
    assert_eq!(all_names(&disk), set(&["", "a=", "a=\0", "a=a"]));
}

#[test]
fn names_survive_independently() {
    let disk = with_files(&["a", "b"]);
    assert_eq!(all_names(&disk), set(&["", "a=a", "b=b", "a=a b=b"]));
}

#[test]
fn a_rename_is_never_half() {
    let disk = with_files(&["a", "b"]);
    disk.sync_names().unwrap();
    disk.rename("a", "b").unwrap();
    assert_eq!(all_names(&disk), set(&["a=a b=b", "b=a"]));
}

#[test]
fn a_rename_does_not_survive_without_the_file_it_renamed() {
    let disk = with_files(&["a"]);
    disk.rename("a", "b").unwrap();
    disk.remove("b").unwrap();
    disk.open("b", Open::Create).unwrap();
    assert_eq!(all_names(&disk), set(&["", "a=a", "b=a", "b="]));
}

#[test]
fn a_removed_file_may_come_back_with_what_it_held() {
    let disk = with_files(&["a"]);
    disk.sync_names().unwrap();
    disk.remove("a").unwrap();
    assert_eq!(all_names(&disk), set(&["", "a=a"]));
    disk.sync_names().unwrap();
    assert_eq!(all_names(&disk), set(&[""]));
}

#[test]
fn replacing_a_file_in_place_may_leave_it_empty() {
    let disk = with_files(&["a"]);
    disk.sync_names().unwrap();
    disk.open("a", Open::Replace).unwrap().write_at(b"b", 0).unwrap();
    assert_eq!(all_names(&disk), set(&["a=a", "a=", "a=\0", "a=b"]));
}

#[test]
fn replacing_a_file_by_way_of_a_rename_leaves_the_old_or_the_new_one() {
    let disk = with_files(&["a"]);
    disk.sync_names().unwrap();
    crate::disk::replace(&disk, "a", b"new").unwrap();
    assert_eq!(all_names(&disk), set(&["a=new"]));
}

#[test]
fn a_file_opens_as_it_was_asked_to() {
    let disk = with_files(&["a"]);
    let kind = |name, how| disk.open(name, how).unwrap_err().kind();
    assert_eq!(kind("a", Open::Create), std::io::ErrorKind::AlreadyExists);
    assert_eq!(kind("b", Open::Read), std::io::ErrorKind::NotFound);
    assert_eq!(kind("b", Open::Write), std::io::ErrorKind::NotFound);
    let reader = disk.open("a", Open::Read).unwrap();
    assert_eq!(reader.write_at(b"b", 0).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(disk.rename("b", "c").unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(disk.remove("b").unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(disk.names().unwrap(), ["a"]);
    assert_eq!(disk.describe("a"), "a");
}

#[test]
fn a_removed_file_can_be_read_until_it_is_closed() {
    let disk = with_files(&["a"]);
    let file = disk.open("a", Open::Read).unwrap();
    disk.remove("a").unwrap();
    disk.sync_names().unwrap();
    let mut buffer = [0; 4];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 1);
    assert_eq!(disk.allocated(), 4096);
    drop(file);
    assert_eq!(disk.allocated(), 0);
}
