//! Whatever stands under `#[saga]` or `#[derive(Refusal)]`, the answer is an error or an expansion, never a panic; it is
//! Rust; and the user's own item is in it.
//!
//! `SEED=7 CASES=100000 cargo test -p saga-macros never_a_panic` runs more of them, from another seed.
//! A case that overflows the stack ends the process without a word: it is found by halving `CASES`, since a case is its number.

use super::{
    dice::Dice,
    looked_at::{Came, of_refusal, of_saga},
    mutate::Mutator,
    reduce::reduce,
    seeds::{self, Seed, Seeds},
};
use proc_macro2::TokenStream;
use quote::quote;

/// How many cases there are, if nobody says otherwise.
const CASES: u64 = 3_000;

/// Room for what lies deep. A compiler has eight megabytes for its own threads.
const STACK: usize = 8 << 20;

#[test]
fn whatever_goes_in_an_error_or_an_expansion_comes_out() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, cases) = (number("SEED").unwrap_or(1), number("CASES").unwrap_or(CASES));
    println!("SEED={seed} CASES={cases}");
    let run = move || {
        let seeds = seeds::read();
        let donors: Vec<TokenStream> =
            seeds.sagas.iter().flat_map(|seed| [seed.item.clone(), attribute(&seed.options)]).collect();
        let whole: Vec<&Seed> =
            seeds.sagas.iter().filter(|seed| of_saga(&seed.options, &seed.item) == Ok(Came::Whole)).collect();
        (seed..seed + cases).map(|number| one(number, &seeds, &whole, &donors)).collect::<Vec<_>>()
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread");
    let came = thread.join().expect("a case failed; its number is above, as SEED");
    // Changes that nothing survives would test the parser only, and such that nothing is wrong with no message.
    let share = came.iter().filter(|came| **came == Came::Whole).count() * 100 / came.len().max(1);
    println!("{share} % of the cases came out whole");
    assert!(cases < 1_000 || (5..95).contains(&share), "{share} % of the cases came out whole");
}

/// The options as they stand on a method, since that is where they will be put.
fn attribute(options: &TokenStream) -> TokenStream {
    quote!(#[step(#options)])
}

/// One case: its number says everything about it.
fn one(number: u64, seeds: &Seeds, whole: &[&Seed], donors: &[TokenStream]) -> Came {
    // Numbers that follow one another begin far apart.
    let dice = Dice(number.wrapping_mul(0xD134_2543_DE82_EF95));
    let mut mutator = Mutator { dice, donors, gentle: false };
    if mutator.dice.once_in(2) {
        // A saga with nothing wrong, whose own parts change places.
        let seed = *mutator.dice.one_of(whole);
        let own = [seed.item.clone()];
        let item = Mutator { dice: mutator.dice, donors: &own, gentle: true }.mutate(seed.item.clone());
        return unless_it_fails(number, &seed.from, &item, &|item| of_saga(&seed.options, item));
    }
    if mutator.dice.once_in(16) {
        let seed = mutator.dice.one_of(&seeds.refusals).clone();
        let item = mutator.mutate(seed.item);
        return unless_it_fails(number, &seed.from, &item, &of_refusal);
    }
    let seed = mutator.dice.one_of(&seeds.sagas).clone();
    let options = match mutator.dice.roll(8) {
        0 => mutator.options(),
        1 => mutator.mutate(seed.options),
        _ => seed.options,
    };
    let item = match mutator.dice.roll(24) {
        0 => mutator.random(4),
        1 => {
            let inside = mutator.random(4);
            quote!(impl Checkout { #inside })
        }
        _ => mutator.mutate(seed.item),
    };
    unless_it_fails(number, &seed.from, &item, &|item| of_saga(&options, item))
}

/// What came out; fails with the smallest tokens that have the same kind of fault.
fn unless_it_fails(
    number: u64,
    from: &str,
    item: &TokenStream,
    look: &dyn Fn(&TokenStream) -> Result<Came, String>,
) -> Came {
    let found = match look(item) {
        Ok(came) => return came,
        Err(found) => found,
    };
    println!("SEED={number} CASES=1, changed from {from}: {found}");
    let kind = |found: &str| found.chars().take(24).collect::<String>();
    // What is tried on the way would fill the screen with the same panic.
    std::panic::set_hook(Box::new(|_| {}));
    let reduced = reduce(item.clone(), &|tokens| look(tokens).is_err_and(|again| kind(&again) == kind(&found)));
    drop(std::panic::take_hook());
    panic!("reduced: {reduced}\n{:?}", look(&reduced));
}
