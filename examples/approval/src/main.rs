//! The demonstration: four requests, ten days, and a restart in the middle. See the README beside this crate.

use std::process::ExitCode;
use std::time::Instant;

use approval::{Failed, Office, Refused, Request, tell};
use saga_runtime::prelude::*;

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(argument) = std::env::args().nth(1) {
        eprintln!(
            "error: `{argument}` means nothing here: the demonstration takes no arguments, see examples/approval/README.md"
        );
        return ExitCode::from(2);
    }
    match demonstrate().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate() -> Result<(), Failed> {
    println!("Ten days pass here within seconds: the runtime's time is a `testing::ManualClock`, moved by hand.\n");
    let (began, folder) = (Instant::now(), tempfile::tempdir()?);
    let mut office = Office::open(folder.path()).await?;
    for sku in ["chair", "desk", "lamp", "plant"] {
        office.request(request(sku)?).await?;
    }
    office.decide("a-chair", "bob", true, "boxes are no seats").await?;
    office.pass(1).await?;
    let (tasks, rows) = (office.runtime().running(), office.waits_for("ada, bob").await?);
    println!("Day 1: {} wait, as rows and not as tasks, of which there are {tasks}.", rows.join(", "));
    office.restart().await?;
    println!("       The runtime was stopped, and another one has been started on the same file.");
    office.pass(2).await?;
    office.withdraw("a-lamp", "there is one in the cellar").await?;
    office.pass(3).await?;
    println!("Day 6: {} wait for the manager.\n", office.waits_for("carol").await?.join(", "));
    office.decide("a-desk", "carol", true, "it is needed").await?;
    office.pass(4).await?;

    let expected = [
        ("a-chair", "approved at once", Ok("bob")),
        ("a-desk", "reminded, escalated, and approved by the manager", Ok("carol")),
        ("a-lamp", "withdrawn", Err(Refused::Withdrawn("there is one in the cellar".into()))),
        ("a-plant", "nobody answers", Err(Refused::NobodyAnswered)),
    ];
    let mut wrong = Vec::new();
    for (id, title, expected) in expected {
        let request = office.handle(id).await?;
        println!("{id}: {title}\n{}", tell(office.runtime(), &request).await?);
        let end = request.result().await?;
        let right = match (&expected, &end) {
            (Ok(by), End::Completed(bought)) => bought.approved_by == *by,
            (Err(no), End::Compensated { cause: Cause::Refused(cause), debt }) => no == cause && debt.is_empty(),
            _ => false,
        };
        if !right {
            wrong.push(format!("{id} ended as {end:?}, and not as {expected:?}"));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let verdict = office.verify().await?;
    println!("Journals held against what the shop's services accepted: {verdict}");
    if !verdict.violations.is_empty() {
        return Err("a promise is broken".into());
    }
    println!("All four ended as they should, after ten days, which took {:.1?}.", began.elapsed());
    Ok(())
}

/// Ada and Bob may decide on it, and later Carol.
fn request(sku: &str) -> Result<Request, Failed> {
    let order = format!(
        r#"{{"id": "a-{sku}", "customer": "Dora", "currency": "EUR", "card": "tok_visa",
            "lines": [{{"sku": "{sku}", "quantity": 1, "unit_price": "129.00"}}]}}"#
    );
    let approvers = vec!["ada".into(), "bob".into()];
    Ok(Request { department: "design".into(), approvers, manager: "carol".into(), order: order.parse()? })
}
