//! Looking at an instance while it runs.

use super::{Error, Handle, Parked, Pending, Progress, Relative, Status, doing};
use crate::{
    core::{
        Event, Parent, ParkAt, State, Verb, child,
        request::{Request, possible},
    },
    engine::{key_has_expired, load::Unfoldable, unknown_to},
    machine::Saga,
    store::{Filter, Instance, Status as Stored},
};
use std::collections::BTreeMap;

/// So many children are named at the most.
const MOST_CHILDREN: usize = 100;

impl<S: Saga> Handle<S> {
    /// What it is doing: the state, each branch, the attempt, the last error and the next try, what is waited for and until
    /// when, how far it is, what is parked and why, its parent and children, and what it was asked for and has not decided.
    ///
    /// It is what the journal says: an instance that runs may be one commit further. Looking keeps nobody from writing.
    ///
    /// ```
    /// # use saga_runtime::{prelude::*, runtime::Activity, store::memory::Memory};
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Refused;
    /// # struct Approval;
    /// # #[saga]
    /// # impl Approval {
    /// #     #[signal]
    /// #     pub const DECIDED: Signal<Self, bool> = Signal::new("decided");
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, _request: String) -> Result<bool, Unwind<Refused>> {
    /// #         Ok(cx.wait(Self::DECIDED).forever().await)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), saga_runtime::Error> {
    /// # let runtime = Runtime::builder().store(Memory::default()).register(Approval).start().await?;
    /// # let request = runtime.start::<Approval>("request-7", "a chair".into()).await?;
    /// let status = request.status().await?;
    /// println!("{status}"); // a few lines
    /// for doing in &status.doing {
    ///     if let Activity::Waiting { signals, .. } = &doing.what {
    ///         assert_eq!(&*signals[0], "decided");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn status(&self) -> Result<Status, Error> {
        let instance = self.instance().await?;
        let mut status = self.outline(&instance);
        if instance.buried {
            return Ok(status);
        }
        let store = &self.engine.store;
        for (_, body) in store.inbox(self.no).await? {
            if let Ok(Request { verb, by, why, .. }) = serde_json::from_str(&body) {
                status.requests.push(Pending { verb: verb.name(), by, why });
            }
        }
        let messages = store.messages(self.no).await?;
        for message in messages.into_iter().filter(|message| !child::is_end(&message.name)) {
            *status.unread_signals.entry(message.name).or_default() += 1;
        }
        let children = Filter { parent: Some(self.no), newest_first: true, ..Filter::default() };
        status.children = store.list(&children, None, MOST_CHILDREN).await?.into_iter().map(Relative::of).collect();
        status.parent = self.parent().await?;
        match self.fold().await {
            Ok(state) => self.say(&mut status, &state).await?,
            Err(Unfoldable::Store(error)) => return Err(error.into()),
            Err(error) => {
                status.parked = (status.progress == Progress::Parked).then_some(super::ParkCause::Unreadable);
                status.reason = Some(error.to_string().into());
            }
        }
        Ok(status)
    }

    /// What the instance's own row says.
    fn outline(&self, instance: &Instance) -> Status {
        Status {
            saga: instance.saga.clone(),
            id: instance.id.clone(),
            version: instance.version,
            at: self.engine.clock.now(),
            started_at: instance.started_at,
            ended_at: instance.ended_at,
            progress: Progress::of(instance.status),
            state: instance.state.clone().unwrap_or_default(),
            unknown: instance.state.clone().filter(|_| instance.status == Stored::WaitsForBuild),
            doing: Vec::new(),
            failed_attempts: 0,
            last_error: None,
            next_try: instance.wake_at,
            parked: None,
            reason: None,
            parks: Vec::new(),
            pivot_passed: false,
            passed: BTreeMap::new(),
            rows: 0,
            deadline: None,
            deadline_passed: false,
            labels: instance.labels.clone(),
            parent: None,
            children: Vec::new(),
            requests: Vec::new(),
            unread_signals: BTreeMap::new(),
            debt: Vec::new(),
        }
    }

    /// What its journal says.
    async fn say(&self, status: &mut Status, state: &State) -> Result<(), Error> {
        if status.progress == Progress::Running && state.is_undoing() {
            status.progress = Progress::Unwinding;
        }
        status.state = state.state_name();
        if status.unknown.is_none() && !state.phase().is_end() {
            status.unknown = unknown_to(S::DEFINITION, state);
        }
        if let Some(tries) = state.tries() {
            status.failed_attempts = tries.count;
            status.last_error.clone_from(&tries.last_error);
            status.next_try = tries.retry_at;
        }
        status.reason = self.engine.waits_for(self.saga, self.no, state);
        status.doing = doing::all(state);
        for doing in &mut status.doing {
            if let Some(child) = doing.what.child_mut() {
                let found = self.engine.store.find(&child.saga, &child.id).await?;
                if let Some(found) = found {
                    *child = Relative::of(found);
                }
                if child.progress == Some(Progress::Parked) {
                    status.reason = Some(format!("blocked by saga {child}").into());
                }
            }
        }
        let now = self.engine.clock.now();
        let expired = |park: &ParkAt| key_has_expired(S::DEFINITION, park, now);
        for park in state.parks() {
            let verbs = possible(state, &park, &expired).into_iter().map(|verb| method(verb, &park)).collect();
            let branch = Some(park.branch.clone()).filter(|branch| !branch.is_empty());
            let strand = state.root.at(&park.branch).and_then(|strand| strand.phase.call());
            let name = strand.filter(|_| branch.is_some()).map(|call| Box::from(&*call.state));
            status.parks.push(Parked {
                row: park.row,
                branch,
                state: name.unwrap_or_else(|| state.state_name()),
                cause: park.cause,
                error: self.parked_for(park.row).await?,
                verbs,
            });
        }
        if let Some(park) = status.parks.first() {
            status.next_try = None;
            status.parked = Some(park.cause);
            status.reason = Some(park.error.clone());
        }
        status.pivot_passed = state.pivot_passed;
        status.passed = state.root.ordinals.iter().map(|(name, count)| ((&**name).into(), *count)).collect();
        status.rows = state.seq;
        status.deadline = state.deadline;
        status.deadline_passed = state.late;
        status.debt = state.debt.iter().map(super::Debt::from).collect();
        Ok(())
    }

    /// The saga that started it, as its first row says.
    async fn parent(&self) -> Result<Option<Relative>, Error> {
        let Ok(Event::Started { parent: Some(parent), .. }) = self.row(1).await else { return Ok(None) };
        let Parent { saga, id, .. } = *parent;
        let found = self.engine.store.find(&saga, &id).await?;
        let gone = Relative { saga, id, progress: None, error: None };
        Ok(Some(found.map_or(gone, Relative::of)))
    }
}

/// The method of [`Park`](super::Park) that asks for this.
fn method(verb: Verb, park: &ParkAt) -> &'static str {
    match verb {
        Verb::Retry => "retry",
        Verb::Resolve if park.undo.is_some() => "resolved",
        Verb::Resolve => "resolve",
        Verb::DidNotHappen => "did_not_happen",
        Verb::Skip => "skip",
        // The others are asked of no park.
        Verb::Cancel | Verb::Settle | Verb::Undo => "cancel",
    }
}

impl Relative {
    fn of(instance: Instance) -> Self {
        let progress = Some(Progress::of(instance.status));
        Self { saga: instance.saga, id: instance.id, progress, error: instance.error }
    }
}
