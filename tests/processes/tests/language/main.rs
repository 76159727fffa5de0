//! The programs of `docs/language.md`: what the page shows is cut out of these files, and the pictures are drawn from the
//! sagas in them. `UPDATE_PAGE=1 cargo test -p saga-process-tests --test language` writes both anew.

#![expect(clippy::unused_async, reason = "a step is async, also where it calls nobody, as in a program to read")]

mod attempts;
mod branch;
mod cancel;
mod child;
mod deadline;
mod each;
mod inner;
mod join;
mod labels;
mod launch;
mod page;
mod pivot;
mod policy;
mod race;
mod repeat;
mod runs;
mod sequence;
mod sleep;
mod transaction;
mod wait;

use saga_runtime::definition::Definition;

// On the page:
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// What a saga is given, keeps and returns is saved as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Trip {
    cities: Vec<String>,
    card: String,
}

/// The business "no": an answer, and so never retried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Refusal)]
enum No {
    SoldOut,
    Declined,
    Rejected,
}

/// Stands for a request to some service. It carries the call's key, under which the service acts once.
async fn ask(cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
    match what {
        "Atlantis" => Err(No::SoldOut.into()),
        "a stolen card" => Err(No::Declined.into()),
        _ => Ok(format!("{what}, {}", cx.key())),
    }
}

/// Stands for the request that undoes what was done under the key `cx.undoes()`, if anything was.
async fn undo(cx: &StepContext) -> Result<(), Transient> {
    println!("undo {:?}", cx.undoes());
    Ok(())
}
// Not on the page:

/// A trip to these cities.
fn trip(cities: &[&str]) -> Trip {
    Trip { cities: cities.iter().map(|&city| city.into()).collect(), card: "a card".into() }
}

/// The no that ended a flow.
fn no<T>(end: Result<T, Unwind<No>>) -> No {
    match end {
        Err(Unwind::Refused(no)) => no,
        _ => panic!("it was not refused"),
    }
}
