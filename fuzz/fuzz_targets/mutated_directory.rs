#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    eventstore_torture::fuzz::mutated_directory(data).unwrap();
});
