#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    eventstore_torture::fuzz::arbitrary_directory(data).unwrap();
});
