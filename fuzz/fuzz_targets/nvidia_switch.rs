#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| prooftrail_fuzz_bodies::run("nvidia_switch", bytes));
