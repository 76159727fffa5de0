//! One instance.

use super::{Cause, Debt, Decision, End, Error, Park, Settled, Timeline, input::check_said, news::News};
use crate::{
    core::{Event, Phase, State, Verb, request::Request},
    engine::{
        Engine, SECOND, history,
        load::{Unfoldable, fold, row},
    },
    machine::{Saga, decode},
    store::{Instance, InstanceNo, Micros, Status as Stored, Store, outside},
};
use std::{fmt, marker::PhantomData, sync::Arc};

/// The longest pause between two looks at an instance that somebody waits for: what another runtime did is noticed after at
/// most twice the time that it took.
const DAY: Micros = 86_400 * SECOND;

/// One instance of a saga. It does not keep the runtime alive: once that is gone, waiting ends with an error.
pub struct Handle<S> {
    pub(super) engine: Arc<Engine>,
    pub(super) saga: &'static str,
    pub(super) id: Box<str>,
    pub(super) no: InstanceNo,
    of: PhantomData<fn() -> S>,
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), saga: self.saga, id: self.id.clone(), no: self.no, of: PhantomData }
    }
}

impl<S> fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("saga", &self.saga).field("id", &self.id).finish_non_exhaustive()
    }
}

/// How an instance of this saga ends.
type EndOf<S> = End<<S as Saga>::Output, <S as Saga>::Refusal>;

impl<S: Saga> Handle<S> {
    pub(super) fn new(engine: Arc<Engine>, saga: &'static str, id: &str, no: InstanceNo) -> Self {
        Self { engine, saga, id: id.into(), no, of: PhantomData }
    }

    /// The id that it was started with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its number in the store, by which lists name it.
    pub fn no(&self) -> InstanceNo {
        self.no
    }

    /// Waits for its end.
    ///
    /// A parked instance has not ended: this waits until somebody settles it. See [`settled`](Self::settled).
    ///
    /// # Errors
    /// The store cannot be read, the stored end is not what the saga returns, or the runtime stops first.
    ///
    /// # Cancel safety
    /// Waiting changes nothing.
    pub async fn result(&self) -> Result<EndOf<S>, Error> {
        loop {
            if let Settled::Ended(end) = self.wait(Stored::is_end).await? {
                return Ok(end);
            }
        }
    }

    /// Waits for its end, or until it is parked.
    ///
    /// # Errors
    /// As for [`result`](Self::result).
    ///
    /// # Cancel safety
    /// Waiting changes nothing.
    pub async fn settled(&self) -> Result<Settled<S::Output, S::Refusal>, Error> {
        self.wait(|status| status.is_end() || status == Stored::Parked).await
    }

    async fn wait(&self, enough: impl Fn(Stored) -> bool) -> Result<Settled<S::Output, S::Refusal>, Error> {
        let engine = &self.engine;
        outside().map_err(|inside| Error::invalid(&inside))?;
        let mut news = News::of_rest(engine, self.no, DAY);
        // Of one that runs here there is nothing to be read before it is let go.
        let mut looks = !engine.hub.goes_on(self.no);
        loop {
            if let Some(end) = news.told() {
                return Ok(Settled::Ended(End::told(&end)?));
            }
            if looks {
                let instance = self.instance().await?;
                // Nothing, if it has moved on between two looks: then there is news.
                if enough(instance.status)
                    && let Some(settled) = self.read(&instance).await?
                {
                    return Ok(settled);
                }
            }
            news.come_here(engine).await?;
            looks = true;
        }
    }

    async fn read(&self, instance: &Instance) -> Result<Option<Settled<S::Output, S::Refusal>>, Error> {
        if instance.buried {
            return Err(Error::buried(&self.id));
        }
        let state = match self.fold().await {
            Ok(state) => state,
            Err(error) if instance.status == Stored::Parked => {
                let error = error.to_string().into();
                return Ok(Some(Settled::Parked { cause: super::ParkCause::Unreadable, error }));
            }
            Err(error) => return Err(error.into()),
        };
        match state.phase() {
            Phase::Completed { row } => match self.row(*row).await? {
                Event::Completed { output } => {
                    let output = decode(&output).map_err(|error| Error::unreadable("the saga's output", error))?;
                    Ok(Some(Settled::Ended(End::Completed(output))))
                }
                _ => Err(Error::invalid("the end's row is not the end")),
            },
            Phase::Compensated { cause } => match self.row(*cause).await? {
                Event::Unwinding { cause, .. } => {
                    let debt = state.debt.iter().map(Debt::from).collect();
                    Ok(Some(Settled::Ended(End::Compensated { cause: Cause::read(&cause)?, debt })))
                }
                _ => Err(Error::invalid("the cause's row is not the cause")),
            },
            _ => match state.parks().first().filter(|_| instance.status == Stored::Parked) {
                Some(park) => {
                    let error = self.parked_for(park.row).await?;
                    Ok(Some(Settled::Parked { cause: park.cause, error }))
                }
                None => Ok(None),
            },
        }
    }

    /// Everything that happened to it: every call, every attempt with its answer or error, and when.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn timeline(&self) -> Result<Timeline, Error> {
        let rows = history(&*self.engine.store, self.no, 1).await?;
        Ok(Timeline::new(self.saga, &self.id, rows))
    }

    /// Asks it to give up, and waits for its owner's decision. What completed is undone, unless the pivot has been passed.
    ///
    /// While a pivot is under way nobody can say whether there is a way back, so the decision waits for its answer.
    ///
    /// # Errors
    /// The store cannot be written or read, or the runtime stops before it was decided. The request stays, and is decided by
    /// the next runtime on the store.
    ///
    /// # Cancel safety
    /// If the future is dropped, the request has been made or not.
    pub async fn cancel(&self, reason: &str) -> Result<Decision, Error> {
        let request = Request { verb: Verb::Cancel, by: "caller".into(), why: reason.into(), park: None, output: None };
        self.ask(&request).await
    }

    /// Settles its debt: what was not undone has been dealt with by other means.
    ///
    /// # Errors
    /// As for [`cancel`](Self::cancel).
    pub async fn settle_debt(&self, by: &str, why: &str) -> Result<Decision, Error> {
        let request = Request { verb: Verb::Settle, by: by.into(), why: why.into(), park: None, output: None };
        self.ask(&request).await
    }

    /// Its park, if it is parked, with the verbs to settle it.
    ///
    /// # Errors
    /// The store cannot be read, or the instance's journal cannot.
    pub async fn park(&self) -> Result<Option<Park<S>>, Error> {
        Ok(self.parks().await?.into_iter().next())
    }

    /// Everything of it that is parked, with the verbs to settle it: branches of a join, and their undos, can be parked each for
    /// itself.
    ///
    /// # Errors
    /// The store cannot be read, or the instance's journal cannot.
    pub async fn parks(&self) -> Result<Vec<Park<S>>, Error> {
        let state = self.fold().await?;
        let mut parks = Vec::new();
        for park in state.parks() {
            let error = self.parked_for(park.row).await?;
            let name = if park.branch.is_empty() { state.state_name() } else { park.branch };
            parks.push(Park { handle: self.clone(), row: park.row, state: name, cause: park.cause, error });
        }
        Ok(parks)
    }

    /// Puts a request into the inbox and waits for the row that decides it.
    pub(super) async fn ask(&self, request: &Request) -> Result<Decision, Error> {
        outside().map_err(|inside| Error::invalid(&inside))?;
        check_said("by", &request.by).map_err(|wrong| Error::invalid(&wrong))?;
        check_said("reason", &request.why).map_err(|wrong| Error::invalid(&wrong))?;
        let engine = &self.engine;
        let body = serde_json::to_string(request)
            .map_err(|error| Error::invalid(&format!("the request cannot be written: {error}")))?;
        let mut news = News::of(engine, self.no, DAY);
        let settles = request.verb == Verb::Settle;
        let Some(number) = engine.store.request(self.no, &body, settles).await? else {
            let reason = Some("the instance has ended".into());
            return Ok(Decision { granted: false, reason, row: None });
        };
        engine.deliver(self.no);
        let mut from = 1;
        loop {
            news.looking();
            for (row, event) in history(&*engine.store, self.no, from).await? {
                from = row.seq + 1;
                if let Ok(Event::Decided(decided)) = event
                    && decided.request == number.0
                {
                    let granted = decided.refused.is_none();
                    return Ok(Decision { granted, reason: decided.refused, row: Some(row.seq) });
                }
            }
            news.come_here(engine).await?;
        }
    }

    pub(super) async fn instance(&self) -> Result<Instance, Error> {
        outside().map_err(|inside| Error::invalid(&inside))?;
        let found =
            self.engine.store.find(self.saga, &self.id).await.map_err(|error| Error::of_store(&self.engine, error))?;
        found.ok_or_else(|| Error::unknown_instance(self.saga, &self.id))
    }

    pub(super) async fn fold(&self) -> Result<State, Unfoldable> {
        fold(&*self.engine.store, self.no).await.map_err(|(error, _)| error)
    }

    pub(super) async fn row(&self, seq: u64) -> Result<Event, Error> {
        let store: &dyn Store = &*self.engine.store;
        Ok(row(store, self.no, seq).await?)
    }

    pub(super) async fn parked_for(&self, seq: u64) -> Result<Box<str>, Error> {
        match self.row(seq).await? {
            Event::Parked { error, .. } => Ok(error),
            Event::In { event, .. } if matches!(*event, Event::Parked { .. }) => match *event {
                Event::Parked { error, .. } => Ok(error),
                _ => Ok(Box::default()),
            },
            _ => Err(Error::invalid("the park's row is not the park")),
        }
    }
}
