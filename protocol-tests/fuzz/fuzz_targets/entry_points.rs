//! `cargo +nightly fuzz run entry_points`: the fuzzer's first byte chooses an entry point of
//! [`deltaic_protocol_tests::entry_points`], `DELTAIC_ENTRY_POINT=<name>` keeps to one; the rest is its input.

#![no_main]

use deltaic_log::ErrorKind;
use deltaic_protocol_tests::entry_points::ALL;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, input)) = bytes.split_first() else { return };
    let wanted = std::env::var("DELTAIC_ENTRY_POINT").ok();
    let chosen = ALL.iter().find(|(name, _)| wanted.as_deref() == Some(name));
    let (name, enter) = chosen.unwrap_or(&ALL[usize::from(*first) % ALL.len()]);
    if let Err(error) = enter(input) {
        assert_ne!(error.kind(), ErrorKind::Internal, "{name}: {error:?}");
    }
});
