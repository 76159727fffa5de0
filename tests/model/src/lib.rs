//! The protocol by which workers share instances, as a model that is searched whole.
//!
//! What can go wrong between two workers goes wrong in an order of events that no test comes across by luck. So this crate says
//! what the events are, as small as they are in the store and in a process, and [stateright](https://docs.rs/stateright) puts them
//! in every order. A [`World`] says how many workers and instances there are and how often something fails; a [`Mistake`] breaks one
//! rule, and the search has to find it.
//!
//! ```text
//! cargo test -p saga-model                               the gate: a few seconds
//! cargo run --release -p saga-model -- --workers 3       the long form; takes memory, and its time
//! cargo run --release -p saga-model -- --mistakes        each mistake, and the shortest way to where it shows
//! ```
//!
//! The gate has two workers with two instances, a pause and a crash (1,264,091 states), and everything at once for one instance
//! (17,744). By hand, in a release build: two instances of which one may be cancelled (6,208,936 states), and three workers of which
//! two crash, with `--workers 3 --instances 1 --crashes 2` (323,591). Three workers with two instances are more states than were
//! searched in seven minutes on two busy cores: that search has never ended yet. What is still to be visited is held in memory.
//!
//! # What stands for what
//!
//! An instance calls three steps, of which two have compensations and the last is the pivot, which may be refused. `src/` is that of
//! `saga-runtime` here.
//!
//! | in the model | in the code | the rule |
//! |---|---|---|
//! | [`Fold`](state::Fold), [`Event`](state::Event) | `src/core/`: the journal's rows and their fold; a commit has the answer before and the call after it | 1 |
//! | [`Lease`](state::Lease) | the rows of `saga.worker`, which a life's epoch names; `src/store/postgres/worker.rs` | 28 |
//! | [`BeginCommit`](Action::BeginCommit) | the first part of the group commit: `held` in `src/store/postgres/write/own.rs`, `begin_as` in `src/store/postgres/transaction.rs`. It locks the worker's row until the end, waits for whoever is deleting it, and finds nothing after that | 28 |
//! | [`WriteRows`](Action::WriteRows), [`Commit`](Action::Commit) | the rest of it. Under `READ COMMITTED` nobody sees the rows in between, and another row of the same number waits | 28 |
//! | [`RollBack`](Action::RollBack) | a connection that breaks, or stands still for longer than the server allows | 28 |
//! | [`Acknowledge`](Action::Acknowledge) | `src/store/committer/task.rs` answers, and `src/engine/journal.rs` goes on | 1 |
//! | [`BeginTakeOver`](Action::BeginTakeOver), [`TakeOver`](Action::TakeOver) | `BURY` in `src/store/postgres/worker.rs`: waits for the commits under way, deletes the row, and is committed | 28 |
//! | [`Claim`](Action::Claim) | `src/store/postgres/claim.rs`: what the dead owned | 28 |
//! | [`Read`](Action::Read) | `src/engine/load.rs`, and `recover` in `src/engine/claimed.rs`, which counts the recovery before anything runs and parks a crash loop | 14 |
//! | [`Attempt`](Action::Attempt) | `src/engine/attempt.rs`: only after a look at `src/engine/lease.rs` | 1, 10 |
//! | [`Hear`](Action::Hear) | what `src/core/decide.rs` makes of an answer | 1, 9 |
//! | [`Cancel`](Action::Cancel) | an attempt that ended without an answer, and a request to cancel after it: `src/engine/requests.rs`. A step that may have begun is undone with `Unknown`, by `src/engine/undo.rs` | 6, 17 |
//! | [`Renew`](Action::Renew) | `RENEW` in `src/store/postgres/worker.rs`, and `src/engine/life.rs`, which begins another life if there is no row any more | 10, 28 |
//! | [`Do`](Action::Do), [`Refuse`](Action::Refuse), [`Undo`](Action::Undo) | a request arrives at a participant that keeps the contract: `saga-participant/src/participant.rs` | 8, 9, 10 |
//! | [`Pause`](Action::Pause), [`Wake`](Action::Wake), [`Crash`](Action::Crash) | a process stopped for longer than its lease, and one killed | |
//!
//! # What is asked of every state
//!
//! All or none, in reverse, the record first, one pivot, the fence and the chain: I2 to I7 of the invariants that
//! `saga_runtime::verify` holds real journals to. An instance's end is asked twice: of every state, that something can still happen
//! unless everything has ended; and of smaller worlds ([`World::ends`]), that no history comes back to where it was. Together they
//! say that every history ends, without assuming that anybody is fair.
//!
//! # What it leaves out
//!
//! - A request that was sent stays on its way for ever, so that it may arrive late, or twice; one that is lost is one that arrives
//!   after everything else.
//! - A renewal, a claim and a read of a journal are one event each: the first two are a single statement, and a journal that was
//!   claimed has no other writer, which is itself asked (I6).
//! - The answer to a commit that is lost (`src/store/postgres/doubt.rs`) while its worker goes on; joins, children, signals and
//!   timers; more than three steps.
//! - The model is of the protocol, and not made from the code: that the store does what its part of the table says is shown by
//!   `saga-runtime/tests/postgres/fence.rs`, on a real server: a check without the lock lets a stale row through, a commit that waits
//!   for a take-over writes nothing, and a take-over waits for the commit under way and sees it.

mod properties;
mod protocol;
mod search;
pub mod state;
mod world;

pub use protocol::Action;
pub use search::{Asked, Found};
pub use world::{Mistake, World};
