//! Every decoder, on what the library writes and on much that is like it.
//!
//! `SEED=7 CASES=1000000 cargo test -p saga-decoders` feeds more, from another seed; `DECODER=journal` feeds one of them.

use saga_decoders::{ALL, Decoder, Mutator, Written};
use std::{
    env, fs,
    io::{self, Write as _},
    panic::catch_unwind,
    path::Path,
    thread,
};

/// How many for each, if nobody says otherwise; fewer for what takes longer.
const CASES: u64 = 20_000;

/// What a thread of tokio's has.
const STACK: usize = 2 << 20;

/// Runs in a stack that is as small as where the library runs.
fn in_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(run).expect("there is a thread");
    thread.join().expect("what failed is above");
}

fn read(decoder: &Decoder, bytes: &[u8], which: &str) {
    let read = catch_unwind(|| (decoder.read)(bytes));
    assert!(read.is_ok(), "{}, {which}: {:?}", decoder.name, String::from_utf8_lossy(bytes));
}

#[test]
fn whatever_is_read_gives_a_value_that_comes_back_or_an_error() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, cases) = (number("SEED").unwrap_or(1), number("CASES").unwrap_or(CASES));
    let only = env::var("DECODER").ok();
    // Said also where it passes. A line that nobody reads is no failure.
    let _ = writeln!(io::stdout(), "SEED={seed} CASES={cases}");
    in_a_small_stack(move || {
        let written = Written::new();
        for decoder in ALL.iter().filter(|decoder| only.as_ref().is_none_or(|only| only == decoder.name)) {
            let seeds = (decoder.seeds)(&written);
            assert!(!seeds.is_empty(), "{}", decoder.name);
            for text in &seeds {
                read(decoder, text.as_bytes(), "as it was written");
            }
            for number in seed..seed + cases.div_ceil(decoder.weighs) {
                let bytes = Mutator::new(number).mutate(&seeds);
                read(decoder, &bytes, &format!("SEED={number} CASES=1"));
            }
        }
    });
}

/// What a decoder failed on once.
#[test]
fn every_kept_case_is_read() {
    in_a_small_stack(|| {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let (mut count, mut failed) = (0, Vec::new());
        for decoder in &ALL {
            for file in fs::read_dir(cases.join(decoder.name)).into_iter().flatten() {
                let file = file.expect("the folder can be read").path();
                let bytes = fs::read(&file).expect("the file can be read");
                if catch_unwind(|| (decoder.read)(&bytes)).is_err() {
                    failed.push(file);
                }
                count += 1;
            }
        }
        assert!(count > 0, "there are kept cases");
        assert!(failed.is_empty(), "{failed:#?}");
    });
}
