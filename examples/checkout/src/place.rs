//! `checkout place`: sends a file of orders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Failed;
use crate::address;
use crate::order::Order;
use crate::shop::Shop;

/// How many orders are on their way at a time.
pub(crate) const AT_A_TIME: usize = 16;

/// How long a service that does not answer is asked again.
const PATIENCE: Duration = Duration::from_secs(15);

/// What `checkout place` is told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Orders in JSON, one a line.
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
    /// Where the orders service listens.
    #[arg(long, value_name = "URL", value_parser = address::read)]
    orders_url: String,
}

/// Sends every line that is an order, and reports each that is none or was not accepted.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, Failed> {
    let text = fs::read_to_string(&options.file)
        .map_err(|error| format!("{} cannot be read: {error}", options.file.display()))?;
    let shop = Shop::at(&[&options.orders_url])?;
    let lines: Vec<(usize, String)> = numbered(&text).map(|(number, line)| (number, line.to_owned())).collect();
    let total = lines.len();
    let bar = bar(total, "placed");
    let mut bad = send_all(&shop, lines, &bar).await?;
    bar.finish_and_clear();
    bad.sort_unstable();
    for (number, reason) in &bad {
        eprintln!("{}", complaint(&options.file, *number, reason));
    }
    println!("{} of {total} orders placed", total - bad.len());
    Ok(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A progress bar over orders. It is drawn on a terminal only.
pub(crate) fn bar(total: usize, verb: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{pos}}/{{len}} orders {verb} {{wide_msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total as u64).with_style(style)
}

/// The lines that say something, each with its number.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim().is_empty())
}

fn complaint(file: &Path, number: usize, reason: &str) -> String {
    format!("{}:{number}: {reason}", file.display())
}

/// Sends all lines and gives back those that were not placed, each with the reason.
async fn send_all(shop: &Shop, lines: Vec<(usize, String)>, bar: &ProgressBar) -> Result<Vec<(usize, String)>, Failed> {
    let gate = Arc::new(Semaphore::new(AT_A_TIME));
    let mut sending = JoinSet::new();
    for (number, line) in lines {
        let (shop, gate) = (shop.clone(), Arc::clone(&gate));
        sending.spawn(async move {
            let _turn = gate.acquire_owned().await;
            (number, send(&shop, &line).await)
        });
    }
    let mut bad = Vec::new();
    while let Some(sent) = sending.join_next().await {
        let (number, result) = sent?;
        match result {
            Ok(()) => bar.inc(1),
            Err(reason) => bad.push((number, reason)),
        }
    }
    Ok(bad)
}

async fn send(shop: &Shop, line: &str) -> Result<(), String> {
    Order::read(line.as_bytes()).map_err(|problem| problem.detail)?;
    shop.place(line, PATIENCE).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_are_passed_over_and_counted() {
        let lines: Vec<_> = numbered("a\n\n  \nb\n").collect();
        assert_eq!(lines, [(1, "a"), (4, "b")]);
    }

    #[test]
    fn a_complaint_can_be_clicked() {
        assert_eq!(complaint(Path::new("orders.jsonl"), 7, "/id is missing"), "orders.jsonl:7: /id is missing");
    }

    #[test]
    fn the_orders_that_are_shipped_are_good_and_varied() {
        let text = include_str!("../orders.jsonl");
        let orders: Vec<Order> =
            text.lines().map(|line| Order::read(line.as_bytes()).unwrap_or_else(|e| panic!("{e:?}: {line}"))).collect();
        let different =
            |of: fn(&Order) -> String| orders.iter().map(of).collect::<std::collections::BTreeSet<_>>().len();
        assert!(orders.len() >= 120, "{}", orders.len());
        assert_eq!(different(|order| order.id.clone()), orders.len());
        assert!(different(|order| order.currency.to_string()) >= 8);
        assert!(different(|order| order.lines.len().to_string()) >= 5);
        assert!(orders.iter().any(|order| order.card.starts_with("tok_declined")));
        assert!(orders.iter().any(|order| !order.customer.is_ascii()));
        assert!(orders.iter().any(|order| order.lines.iter().any(|line| line.quantity >= 100_000)));
    }
}
