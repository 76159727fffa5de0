//! Random flows on the engine: each does what it means.
//!
//! The build script has `saga_meaning` write a few hundred flows, with every construct of the language, and prints them as Rust. Here
//! each runs on the engine, with the store in memory and with time skipped: undisturbed, and with a crash before and after every
//! commit in turn. What the participants saw has to be what the reference says: the end, the effects, and what undoes them with what
//! the undo is told, in the order that the rules demand; how often each call was attempted; how many ran at a time; and that nothing
//! began after a branch was refused. Where nothing is in doubt, no join fails and no other saga is called, the plain method is a
//! second reference, which checks the first.
//!
//! The flows are the same each time. Others are those of another seed:
//!
//! ```text
//! SAGA_MEANING_SEED=1000 SAGA_MEANING_FLOWS=200 cargo test -p saga-meaning-flows
//! ```
//!
//! A flow that fails is printed with its seed, what it means and its timeline. Its seed goes to `cases.txt`, and what was wrong gets
//! a test of its own where its construct is tested, since a seed means another flow once the generator changes.

mod life;
mod subject;
mod world;

pub use self::{
    subject::{Plain, Subject, check},
    world::{No, World, unrefused},
};
pub use saga_meaning::reference::{branch, first, length, mix, sum};

/// What a test program is made of: the flows of one part, and the names that they use.
#[macro_export]
macro_rules! flows {
    ($part:literal) => {
        // Nobody reads them, and clippy would take longer for them than for everything else.
        #[cfg(not(clippy))]
        #[allow(
            unused,
            unreachable_patterns,
            reason = "the flows are written at random, and some of what is in them is idle"
        )]
        mod flows {
            use saga_meaning_flows::{No, World, branch, first, length, mix, subject, sum, unrefused};
            use saga_runtime::prelude::*;

            include!(concat!(env!("OUT_DIR"), $part));
        }
    };
}

/// The test of one flow: its seed, its saga, and the sagas that it calls.
#[macro_export]
macro_rules! subject {
    ($seed:literal $main:ident $($child:ident)*) => {
        #[test]
        fn does_what_it_means() {
            $crate::check(&$crate::Subject::of::<$main>(
                $seed,
                |builder, world| builder.register($main(world.clone()))$(.register($child(world.clone())))*,
                |world, cx, input| Box::pin(async move { $main(world).run(&cx, input).await }),
            ));
        }
    };
}
