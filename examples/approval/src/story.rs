//! A request's timeline, for people: in days, and with the checkout's own beneath the line that starts it.

use checkout::Checkout;
use saga_runtime::prelude::*;
use saga_runtime::runtime::{Entry, Happened, Timeline};

use crate::{Approval, Failed};

/// What is longer is cut.
const WIDTH: usize = 84;

/// A day in microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// All that happened to a request, a line each.
///
/// # Errors
/// The store cannot be read.
pub async fn tell(runtime: &Runtime, request: &Handle<Approval>) -> Result<String, Failed> {
    let timeline = request.timeline().await?;
    let begun = timeline.entries.first().map_or(0, |entry| entry.at);
    let mut told = String::new();
    for entry in &timeline.entries {
        told += &line(entry, begun, "");
        let Happened::StartsSaga { id, .. } = &entry.what else { continue };
        let Some(child) = runtime.get::<Checkout>(id).await? else { continue };
        let Timeline { entries, .. } = child.timeline().await?;
        told.extend(entries.iter().map(|entry| line(entry, begun, "| ")));
    }
    Ok(told)
}

/// What happened, or nothing: that a call was made is not told, since its answer is.
fn line(entry: &Entry, begun: i64, margin: &str) -> String {
    let day = |at: i64| (at - begun) / DAY;
    let what = match &entry.what {
        Happened::Called { .. } => return String::new(),
        Happened::Started { .. } => "started".to_owned(),
        Happened::Waits { until: Some(until), .. } => format!("waits until day {}", day(*until)),
        Happened::StartsSaga { saga, .. } => format!("starts the saga {saga}, and waits for its end"),
        other => other.to_string().replace("attempt 1 answered null", "done").replace(" by attempt 1", ""),
    };
    // An attempt is only told of where it was not the first.
    let what = what.strip_prefix("attempt 1 ").unwrap_or(&what);
    let short: String = what.chars().take(WIDTH).collect();
    let cut = if short.len() < what.len() { ".." } else { "" };
    let state = format!("{margin}{}", entry.state.as_deref().unwrap_or_default());
    format!("  day {:>2}  {state:<20}  {short}{cut}\n", day(entry.at))
}
