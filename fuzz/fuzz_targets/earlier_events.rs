#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    allframe_cqrs_fuzz::run("earlier_events", data).unwrap();
});
