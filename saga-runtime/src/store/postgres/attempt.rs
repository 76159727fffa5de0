//! Attempts that are made once more where that harms nobody.
//!
//! Macros, since a closure that borrows a connection cannot say that its future may be sent between threads.

/// Reads something on one of the connections that read. A connection that broke while nobody looked is no error.
macro_rules! reading {
    ($store:expr, $conn:ident => $read:expr) => {{
        // What is read now may be what a commit is about to change whose answer was lost.
        $store.settle().await?;
        $crate::store::postgres::attempt::on!($store.readers, $conn => $read)
    }};
}

/// Does what may as well be done twice. A connection that broke while nobody looked is no error.
macro_rules! on {
    ($pool:expr, $conn:ident => $work:expr) => {
        loop {
            let mut taken = $pool.take().await?;
            let fresh = taken.is_fresh();
            let answer: Result<_, $crate::store::postgres::error::Fault> = async {
                let $conn: &mut sqlx::PgConnection = &mut taken;
                $work
            }
            .await;
            match taken.end(answer) {
                Err(fault) if fault.is_of_the_connection() && !fresh => {}
                answer => break answer,
            }
        }
    };
}

/// Writes by statements that each stand for themselves. Only the first one may change anything. If the answer is lost, that is the
/// error.
macro_rules! writing {
    ($store:expr, $conn:ident => $write:expr) => {{
        // From within a step's transaction it might wait for that one, which waits for it.
        $crate::store::outside().map_err(|inside| $crate::store::StoreError::Unusable(inside.into()))?;
        $crate::store::postgres::attempt::again!({
            let mut taken = $store.work.take().await?;
            let answer: Result<_, $crate::store::postgres::error::Fault> = async {
                let $conn: &mut sqlx::PgConnection = &mut taken;
                $write
            }
            .await;
            taken.end(answer).map_err($crate::store::postgres::error::Fault::of_commit)
        })
    }};
}

/// Does something once more when it collided with what another worker did.
macro_rules! again {
    ($work:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let done: Result<_, $crate::store::postgres::error::Fault> = async { $work }.await;
            match done {
                Err(fault) if fault.is_a_collision() && tries < $crate::store::postgres::attempt::TRIES => {
                    tracing::debug!(reason = fault.reason(), "tried again");
                }
                done => break done,
            }
        }
    }};
}

pub(super) use {again, on, reading, writing};

/// How often a deadlock with another worker is tried again.
pub(super) const TRIES: u32 = 10;
