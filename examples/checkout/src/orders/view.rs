//! From what the runtime knows of a saga to what this service's callers get to see.

use saga_runtime::prelude::*;
use saga_runtime::runtime::{Entry, Progress};
use serde_json::Value;

use super::saga::Checkout;
use crate::shop::{Listed, Moment, OrderView, Status};

/// One order in a list.
pub(super) fn listed(instance: &saga_runtime::runtime::Listed) -> Listed {
    Listed { id: instance.id.to_string(), status: status(instance.progress) }
}

/// One order.
pub(super) async fn order(handle: &Handle<Checkout>) -> Result<OrderView, saga_runtime::Error> {
    let now = handle.status().await?;
    let mut view = OrderView {
        id: handle.id().to_owned(),
        status: status(now.progress),
        receipt: None,
        cause: now.parked.map(|cause| cause.to_string()),
        reason: now.reason.map(Into::into),
    };
    if matches!(view.status, Status::Completed | Status::Compensated) {
        // It has ended, so this does not wait.
        match handle.result().await? {
            End::Completed(receipt) => view.receipt = Some(receipt),
            End::Compensated { cause, .. } => {
                let (cause, reason) = told(&cause);
                (view.cause, view.reason) = (Some(cause), Some(reason));
            }
        }
    }
    Ok(view)
}

fn status(progress: Progress) -> Status {
    match progress {
        Progress::Running | Progress::Unwinding | Progress::Sleeping | Progress::Waiting => Status::Running,
        // Nothing more happens by itself until somebody starts the build that it waits for.
        Progress::Parked | Progress::WaitsForBuild => Status::Parked,
        Progress::Completed => Status::Completed,
        Progress::Compensated | Progress::CompensatedWithDebt => Status::Compensated,
    }
}

/// Why an order was undone, in a word and in a sentence.
fn told(cause: &Cause<super::saga::Denial>) -> (String, String) {
    match cause {
        Cause::Refused(denial) => {
            let (kind, detail) = denial.told();
            (kind.to_owned(), detail.to_owned())
        }
        Cause::Exhausted(exhausted) => (format!("{}-exhausted", exhausted.step()), exhausted.to_string()),
        Cause::Cancelled(reason) => ("cancelled".to_owned(), reason.to_string()),
        Cause::Deadline => ("deadline".to_owned(), "its time ran out".to_owned()),
    }
}

/// One line of a timeline.
pub(super) fn moment(entry: &Entry) -> Moment {
    // An event is written as its name, or as an object of one field that has its name.
    let event = match serde_json::to_value(&entry.what) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(fields)) => fields.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
        _ => String::new(),
    };
    Moment {
        row: entry.row,
        at_micros: entry.at,
        state: entry.state.as_deref().unwrap_or_default().to_owned(),
        event,
        detail: entry.what.to_string(),
    }
}
