//! The table of points: what the trial has to hit, as the program itself lists it.

use crate::StoreKind;
use saga_runtime::runtime::Point;

/// A point at which a process may end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is called: when, and about what.
    pub name: String,
    /// The store that alone has it, if not each of them has.
    pub only: Option<StoreKind>,
}

/// What a worker, or whoever speaks to one, asks of a store in order to write.
pub mod call {
    /// Begins a life.
    pub const REGISTER: &str = "register";
    /// Shows that it is alive.
    pub const RENEW: &str = "renew";
    /// Shows that it is alive, and ends the lives of those that are not.
    pub const BURY: &str = "bury dead workers";
    /// Ends its life in good order.
    pub const RETIRE: &str = "retire";
    /// Takes instances that want to run.
    pub const CLAIM: &str = "claim";
    /// Takes one for a decision.
    pub const CLAIM_ONE: &str = "claim one";
    /// Writes a batch.
    pub const COMMIT: &str = "commit";
    /// Asks an instance for something.
    pub const REQUEST: &str = "request";
    /// Tells an instance something.
    pub const SEND: &str = "send";
    /// Begins the transaction of a step.
    pub const TRANSACT: &str = "begin a step's transaction";
    /// Commits it.
    pub const COMMIT_STEP: &str = "commit a step's transaction";
    /// Takes back what was written in it.
    pub const ROLL_BACK: &str = "roll a step's transaction back";

    /// All of them.
    pub const ALL: [&str; 12] =
        [REGISTER, RENEW, BURY, RETIRE, CLAIM, CLAIM_ONE, COMMIT, REQUEST, SEND, TRANSACT, COMMIT_STEP, ROLL_BACK];
}

/// What a batch holds.
pub mod write {
    /// An instance that runs at once.
    pub const START: &str = "a start";
    /// An instance that waits to be claimed.
    pub const WAITING: &str = "a start that waits";
    /// Rows.
    pub const ROWS: &str = "rows";
    /// An answer to a request, which leaves the inbox.
    pub const CONSUMED: &str = "an answered request";
    /// A message that is taken.
    pub const RECEIVED: &str = "a received message";
    /// Labels.
    pub const LABELS: &str = "labels";
    /// Other instances that are started.
    pub const STARTS: &str = "the start of another";
    /// Messages to other instances.
    pub const SENDS: &str = "a message to another";
    /// Requests to other instances.
    pub const REQUESTS: &str = "a request to another";
    /// The instance is let go, and goes on later.
    pub const LETS_GO: &str = "letting go";
    /// The instance has ended.
    pub const END: &str = "an end";

    /// All of them. Requests to others are left out: the engine makes them one by one so far, and one in a batch would be a point that is
    /// not in the table.
    pub const ALL: [&str; 10] = [START, WAITING, ROWS, CONSUMED, RECEIVED, LABELS, STARTS, SENDS, LETS_GO, END];
}

/// What a worker finds.
pub mod found {
    /// An instance that waited to run.
    pub const READY: &str = "an instance that waits";
    /// An instance of a worker that is dead.
    pub const ORPHAN: &str = "an instance of a dead worker";
    /// A worker that is dead.
    pub const DEAD: &str = "a dead worker";

    /// All of them.
    pub const ALL: [&str; 3] = [READY, ORPHAN, DEAD];
}

/// What a participant does.
pub mod effect {
    /// What a step asked for.
    pub const STEP: &str = "step";
    /// What a compensation asked for.
    pub const UNDO: &str = "undo";
    /// What a step writes in the store's transaction.
    pub const STEP_WITHIN: &str = "step, in the store's transaction";
    /// What a compensation writes there.
    pub const UNDO_WITHIN: &str = "undo, in the store's transaction";

    /// All of them.
    pub const ALL: [&str; 4] = [STEP, UNDO, STEP_WITHIN, UNDO_WITHIN];
}

/// What only a store for several workers is asked for, or tells: nobody is taken for dead on the other one, where a worker lives until
/// the next one is registered.
const AMONG_SEVERAL: [&str; 3] = [call::RENEW, call::BURY, found::DEAD];

/// Every point: those of the engine; those around each write that the store is asked for, by what is asked, by what is written and by
/// what is found; and those around what participants do.
///
/// Reads have none: a process that ends around a read ends between two writes. Neither have the sweeping out of old instances and the
/// ticks of recurring starts, which belong to no instance that is under way.
pub fn table() -> Vec<Named> {
    let around = |kind: &str, all: &[&str]| -> Vec<String> {
        let moments = ["before", "after"];
        moments.iter().flat_map(|moment| all.iter().map(move |about| format!("{moment} {kind}: {about}"))).collect()
    };
    let found = found::ALL.iter().map(|about| format!("found: {about}"));
    let names = Point::table()
        .into_iter()
        .chain(around("call", &call::ALL))
        .chain(around("write", &write::ALL))
        .chain(found)
        .chain(around("effect", &effect::ALL));
    names
        .map(|name| {
            let about = name.split_once(": ").map_or("", |(_, about)| about);
            let only = AMONG_SEVERAL.contains(&about).then_some(StoreKind::Postgres);
            Named { name, only }
        })
        .collect()
}
