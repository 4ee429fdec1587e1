#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    eventstore_torture::fuzz::looked_at_directory(data).unwrap();
});
