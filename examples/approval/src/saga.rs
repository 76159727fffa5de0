//! The saga: a request waits for somebody to decide, and a yes is a checkout.

use std::time::Duration;

use checkout::{Checkout, Denial, Order, Receipt};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::post::Post;

/// What somebody wants to have bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Whose money it is.
    pub department: String,
    /// Any one of them may decide.
    pub approvers: Vec<String>,
    /// May decide too, once they have let five days pass.
    pub manager: String,
    /// What is bought if the answer is yes.
    pub order: Order,
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub by: String,
    /// Yes or no.
    pub approved: bool,
    /// Why.
    pub why: String,
}

/// What became of a request that was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bought {
    /// Who said yes.
    pub approved_by: String,
    /// What the shop gave for it.
    pub receipt: Receipt,
}

/// Why nothing is bought: a business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub enum Refused {
    /// Somebody said no.
    TurnedDown(Decision),
    /// Whoever made the request does not want it any more, and says why.
    Withdrawn(String),
    /// Ten days, and neither the approvers nor the manager said anything.
    NobodyAnswered,
    /// It was approved, and cannot be had.
    NotForSale(Denial),
}

/// How long a request has been waiting when the approvers are reminded, ..
const REMINDED: Duration = Duration::from_hours(2 * 24);
/// .. when the manager is asked, ..
const ESCALATED: Duration = Duration::from_hours(5 * 24);
/// .. and when it is over.
const GIVEN_UP: Duration = Duration::from_hours(10 * 24);

/// Purchase requests, and the post by which people are asked.
pub struct Approval {
    /// Brings letters to people.
    pub post: Post,
}

#[saga(name = "approval", version = 1)]
impl Approval {
    /// Somebody decided. It counts for nothing if that is nobody who was asked.
    #[signal]
    pub const DECIDED: Signal<Self, Decision> = Signal::new("decided");

    /// It is not wanted any more, for this reason.
    #[signal]
    pub const WITHDRAWN: Signal<Self, String> = Signal::new("withdrawn");

    /// Asks, reminds, escalates, gives up; and buys what is approved.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, request: Request) -> Result<Bought, Unwind<Refused>> {
        cx.set_label("department", &request.department);
        cx.set_label("approver", request.approvers.join(", "));
        let since = cx.now();
        let mut asked = request.approvers.clone();
        let mut patience = REMINDED;
        self.ask(cx, &asked, &request.order).await?;

        let decision = loop {
            match cx.wait((Self::DECIDED, Self::WITHDRAWN)).until(since + patience).await {
                Ok(OneOf2::First(decision)) if asked.contains(&decision.by) => break decision,
                Ok(OneOf2::First(_)) => {} // not theirs to decide, or not yet: wait on, until the same moment
                Ok(OneOf2::Second(why)) => return Err(Refused::Withdrawn(why).into()),
                Err(Elapsed) => match patience {
                    REMINDED => {
                        self.remind(cx, &asked, &request.order).await?;
                        patience = ESCALATED;
                    }
                    ESCALATED => {
                        cx.set_label("approver", &request.manager);
                        let manager = vec![request.manager.clone()];
                        #[state("escalate")]
                        self.ask(cx, &manager, &request.order).await?;
                        asked.extend(manager);
                        patience = GIVEN_UP;
                    }
                    _ => return Err(Refused::NobodyAnswered.into()),
                },
            }
        };
        if !decision.approved {
            return Err(Refused::TurnedDown(decision).into());
        }

        // A saga of its own, from cart to parcel. Once that is done there is no way back.
        match cx.child::<Checkout>(request.order).pivot().forever().await {
            Ok(receipt) => Ok(Bought { approved_by: decision.by, receipt }),
            Err(failed) => Err(failed.refuse_as(Refused::NotForSale).into()),
        }
    }

    /// Asks people to decide.
    #[step]
    async fn ask(&self, cx: &StepContext, people: &[String], order: &Order) -> Result<(), Transient> {
        self.post.send(cx.key(), people, &format!("please decide on {}", order.id)).await
    }

    /// A letter cannot be unsent; but another one can say that nobody needs to decide any more. This is what undoes the
    /// request wherever it ends without a purchase. Whether the first letter arrived makes no difference.
    #[compensate(ask)]
    async fn call_off(&self, cx: &StepContext, people: &[String], order: &Order) -> Result<(), Transient> {
        self.post.send(cx.key(), people, &format!("{} is off, there is nothing to decide", order.id)).await
    }

    /// Asks again.
    #[step(no_compensation = "whoever was asked is told when there is nothing to decide any more, once")]
    async fn remind(&self, cx: &StepContext, people: &[String], order: &Order) -> Result<(), Transient> {
        self.post.send(cx.key(), people, &format!("{} still waits for you", order.id)).await
    }
}
