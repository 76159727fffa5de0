//! The contract of [`Store`], as tests that every store passes.
//!
//! Each case gets a new, empty store, and panics with a sentence if the store does not do what the contract says.
//! [`run`] runs all of them; [`CASES`] is the list, for test runners that show each on its own.
//!
//! ```
//! use saga_runtime::store::{conformance, memory::Memory};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! conformance::run(async || Arc::new(Memory::new()) as _).await;
//! # });
//! ```
//!
//! What a store promises about crashes (a commit that was answered is found again, one that was not is there wholly or not
//! at all) cannot be shown from within one process: test it by killing one.

#![expect(clippy::missing_panics_doc, reason = "a test fails by a panic")]

mod appends;
mod batches;
mod burial;
mod claims;
mod data;
mod epochs;
mod lists;
mod messages;
mod requests;
mod retention;
mod sends;
mod starts;
mod support;
mod transactions;
mod workers;

use super::Store;
use std::{fmt, pin::Pin, sync::Arc};

/// One sentence of the contract, as a test.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it shows, e.g. `starts::the_same_identity_is_found_and_not_started_again`.
    pub name: &'static str,
    test: Test,
}

type Test = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

impl Case {
    /// Runs it on a new, empty store. It panics if the store fails it.
    pub async fn run(&self, store: Arc<dyn Store>) {
        (self.test)(store).await;
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Runs every case, each on a store of its own that `open` makes, and panics at the end with the names of those that failed.
///
/// Needs a tokio runtime.
pub async fn run(mut open: impl AsyncFnMut() -> Arc<dyn Store>) {
    let mut failed = Vec::new();
    for case in CASES {
        let store = open().await;
        let at_work = Arc::clone(&store);
        // As a task of its own, so that one that fails does not hide the others.
        if tokio::spawn(async move { case.run(at_work).await }).await.is_err() {
            failed.push(case.name);
        }
        // The next store may want the place of this one. One that fails to close fails its next open.
        let _ = store.close().await;
    }
    assert!(failed.is_empty(), "the store does not keep its contract: {}", failed.join(", "));
}

/// One sentence of the contract of a store on which several workers live, each with a value of its own.
#[derive(Clone, Copy)]
pub struct PairCase {
    /// What it shows, e.g. `workers::whoever_renews_its_lease_is_left_alone`.
    pub name: &'static str,
    test: PairTest,
}

type PairTest = fn((Arc<dyn Store>, Arc<dyn Store>)) -> Pin<Box<dyn Future<Output = ()> + Send>>;

impl PairCase {
    /// Runs it on two values of a new, empty store. It panics if the store fails it.
    pub async fn run(&self, one: Arc<dyn Store>, other: Arc<dyn Store>) {
        (self.test)((one, other)).await;
    }
}

impl fmt::Debug for PairCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PairCase").field(&self.name).finish()
    }
}

/// As [`run`], for a store with [leases](Store::lease): `open` makes two values of one store. Several cases wait for a lease to
/// run out, so give it a short one, of a second or so.
pub async fn run_workers(mut open: impl AsyncFnMut() -> (Arc<dyn Store>, Arc<dyn Store>)) {
    let mut failed = Vec::new();
    for case in WORKERS {
        let (one, other) = open().await;
        let (first, second) = (Arc::clone(&one), Arc::clone(&other));
        if tokio::spawn(async move { case.run(first, second).await }).await.is_err() {
            failed.push(case.name);
        }
        let _ = (one.close().await, other.close().await);
    }
    assert!(failed.is_empty(), "the store does not keep its contract: {}", failed.join(", "));
}

macro_rules! pair_cases {
    ($($name:ident),+ $(,)?) => {
        /// Every case with two workers.
        pub const WORKERS: &[PairCase] = &[$(PairCase {
            name: concat!("workers::", stringify!($name)),
            test: |pair| Box::pin(workers::$name(pair)),
        }),+];
    };
}

pair_cases! {
    workers_live_beside_one_another,
    a_worker_that_begins_again_ends_its_own_life_only,
    whoever_is_not_heard_of_for_a_lease_is_dead_once_another_one_says_so,
    of_the_dead_it_is_told_whether_they_owned_anything,
    whoever_renews_its_lease_is_left_alone,
    whoever_stops_in_good_order_hands_over_at_once,
    what_was_given_back_is_for_whoever_has_not_had_it,
    what_waits_for_its_turn_at_a_living_worker_is_left_to_it,
    claims_of_several_workers_share_nothing,
    requests_are_for_whoever_may_decide_them,
    a_touch_that_is_written_again_takes_nothing_from_whoever_has_it_now,
    a_worker_hears_what_the_others_do,
}

macro_rules! cases {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        /// Every case.
        pub const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($module), "::", stringify!($name)),
            test: |store| Box::pin($module::$name(store)),
        }),+),+];
    };
}

cases! {
    epochs:
        every_worker_gets_a_higher_epoch,
        an_old_epoch_writes_nothing,
        an_old_epoch_claims_nothing,
        an_epoch_that_was_never_given_writes_nothing,
        an_empty_commit_says_whether_the_epoch_still_owns_the_work;
    starts:
        a_start_is_found_with_everything_that_was_said,
        the_same_identity_is_found_and_not_started_again,
        the_same_identity_twice_in_one_batch_starts_once,
        an_identity_is_both_saga_and_id,
        an_existing_identity_does_not_disturb_the_rest_of_the_batch,
        numbers_rise_and_are_not_used_again,
        a_start_whose_rows_do_not_begin_at_one_is_refused,
        a_delayed_start_sleeps_until_its_time;
    appends:
        rows_are_read_in_order_from_any_place,
        rows_are_read_by_their_numbers,
        journals_are_read_together,
        labels_change_with_the_rows,
        a_gap_is_refused_and_nothing_is_written,
        a_sequence_that_is_taken_is_refused,
        an_instance_that_does_not_exist_is_refused,
        a_touch_changes_the_row_and_nothing_else_does,
        without_a_touch_the_row_stays_as_it_is,
        the_first_end_is_the_moment_of_the_end,
        nobody_owns_what_has_ended,
        consumed_requests_leave_with_the_rows_that_answer_them,
        consuming_what_is_not_there_changes_nothing;
    batches:
        answers_are_in_the_order_of_the_writes,
        each_write_sees_those_before_it,
        one_bad_write_is_named_and_nothing_is_written,
        the_first_of_several_bad_writes_is_named,
        batches_of_every_size_are_written_as_they_are,
        ten_thousand_writes_fit_into_one,
        ten_thousand_rows_fit_into_one_write,
        concurrent_commits_all_arrive,
        one_identity_started_many_times_at_once_starts_once;
    claims:
        a_ready_instance_is_claimed_once,
        an_owned_instance_is_not_claimed,
        a_sleeping_instance_is_claimed_when_its_time_has_come,
        a_claimed_instance_is_ready,
        the_one_that_waited_longest_comes_first,
        no_more_than_asked_for,
        only_of_the_sagas_named,
        the_sagas_take_turns,
        parked_and_ended_instances_are_not_claimed,
        what_a_dead_worker_owned_is_orphaned,
        what_was_lost_with_a_worker_stays_so_until_it_is_told,
        what_waits_for_a_build_is_claimed_by_the_next_worker_only,
        what_waits_for_its_turn_is_claimed_by_the_next_worker_at_once,
        the_next_wake_is_the_earliest_that_is_left,
        concurrent_claims_share_nothing,
        one_is_claimed_whatever_it_waits_for,
        one_that_a_living_worker_owns_is_not_claimed,
        one_claimed_by_a_worker_that_died_is_claimed_again,
        what_waits_with_a_worker_that_died_is_woken_by_its_message;
    lists:
        a_list_is_by_number_and_in_pages,
        a_list_of_some_statuses_has_no_others,
        a_filter_admits_what_it_says_and_nothing_else,
        the_newest_can_come_first,
        an_empty_store_lists_nothing,
        a_list_is_of_one_moment;
    requests:
        requests_are_kept_in_order,
        an_ended_instance_takes_requests_only_where_allowed,
        an_instance_that_does_not_exist_takes_no_request,
        an_inbox_is_its_instances_alone,
        instances_with_requests_are_listed_in_pages,
        requests_race_with_the_end_and_none_is_lost;
    messages:
        messages_are_kept_in_order_until_they_are_consumed,
        a_known_id_counts_once,
        an_unknown_or_ended_instance_takes_no_message,
        messages_race_with_the_end_and_none_is_lost,
        the_moments_of_messages_never_decrease,
        a_waiting_instance_is_claimed_when_its_time_has_come,
        a_message_makes_whoever_waits_for_it_due_at_once,
        a_wait_that_begins_after_its_message_is_due_at_once;
    sends:
        what_an_append_starts_is_there_with_it,
        what_an_append_sends_arrives_with_it,
        what_an_append_asks_of_others_arrives_with_it,
        a_target_that_is_gone_disturbs_nothing,
        an_append_that_fails_starts_and_sends_nothing;
    retention:
        a_child_is_not_buried_before_its_parent_has_ended,
        what_ended_first_is_buried_first_and_no_more_than_asked_for,
        a_batch_goes_on_where_the_one_before_it_ended,
        only_what_is_named_is_buried,
        a_forgotten_identity_is_free,
        ticks_never_go_back;
    transactions:
        a_store_says_whether_it_has_transactions_for_steps,
        an_old_epoch_begins_no_transaction,
        a_transaction_commits_its_batch_and_others_go_on,
        a_transaction_that_does_not_commit_writes_nothing;
    burial:
        only_what_has_ended_without_open_debt_is_buried,
        a_tombstone_keeps_the_identity_and_nothing_else,
        a_tombstone_takes_no_more_rows,
        burying_twice_is_the_same_as_once;
    data:
        any_text_comes_back_as_it_was,
        large_rows_come_back_whole,
        extreme_numbers_come_back;
}
