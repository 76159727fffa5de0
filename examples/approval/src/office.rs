//! Where the requests are handled: one runtime on one file, the shop, the post, and a clock that is moved by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use checkout::{Checkout, Services};
use saga_runtime::clock::Clock;
use saga_runtime::prelude::*;
use saga_runtime::runtime::{Filter, Progress};
use saga_runtime::testing::ManualClock;
use saga_runtime::verify::{Ledger, Verdict};

use crate::saga::{Approval, Decision, Request};
use crate::{Failed, Post};

/// A day.
const DAY: Duration = Duration::from_hours(24);

/// How long a step may take in earnest. Only mistakes take that long.
const PATIENCE: Duration = Duration::from_mins(1);

/// Takes requests and decisions, and lets days pass.
pub struct Office {
    /// The letters that were sent.
    pub post: Post,
    runtime: Runtime,
    file: PathBuf,
    shop: Services,
    clock: Arc<ManualClock>,
    /// The ids of the requests that were made.
    requests: Vec<String>,
}

impl Office {
    /// Opens it, with its databases in this folder and ten of everything on the shop's shelves.
    ///
    /// # Errors
    /// The folder cannot be written, or there is no port for the shop's services.
    pub async fn open(folder: &Path) -> Result<Self, Failed> {
        let shop = Services::start(folder).await?;
        for sku in ["chair", "desk", "lamp", "plant"] {
            shop.stock(sku, 10).await?;
        }
        let (file, post, clock) = (folder.join("approval.db"), Post::default(), Arc::new(ManualClock::default()));
        let runtime = run(&file, &post, &shop, &clock).await?;
        Ok(Self { post, runtime, file, shop, clock, requests: Vec::new() })
    }

    /// Makes a request, under its order's id.
    ///
    /// # Errors
    /// Another one has this id.
    pub async fn request(&mut self, request: Request) -> Result<(), Failed> {
        let id = request.order.id.clone();
        self.runtime.start::<Approval>(&id, request).await?;
        self.requests.push(id);
        Ok(())
    }

    /// Somebody says yes or no. Clicking twice is deciding once: the message is named after whose decision it is.
    ///
    /// # Errors
    /// There is no such request, it has ended, or this person has decided otherwise before.
    pub async fn decide(&self, id: &str, by: &str, approved: bool, why: &str) -> Result<(), saga_runtime::Error> {
        let decision = Decision { by: by.into(), approved, why: why.into() };
        self.runtime.signal_once(id, Approval::DECIDED, by, decision).await
    }

    /// It is not wanted any more.
    ///
    /// # Errors
    /// There is no such request, or it has ended.
    pub async fn withdraw(&self, id: &str, why: &str) -> Result<(), saga_runtime::Error> {
        self.runtime.signal(id, Approval::WITHDRAWN, why.to_owned()).await
    }

    /// Lets so many days pass, one after another, once there is nothing left to do today.
    ///
    /// # Errors
    /// There is still something to do after a minute.
    pub async fn pass(&self, days: u32) -> Result<(), Failed> {
        for _ in 0..days {
            self.rest().await?;
            self.clock.advance(DAY);
        }
        self.rest().await
    }

    /// Waits until every request has ended or waits for a later day.
    ///
    /// # Errors
    /// That is not so after a minute.
    pub async fn rest(&self) -> Result<(), Failed> {
        let resting = async {
            for id in &self.requests {
                while !self.rests(id).await? {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            // What its row says comes a moment before its task is gone.
            while self.runtime.running() > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok::<_, Failed>(())
        };
        tokio::time::timeout(PATIENCE, resting).await.map_err(|_| "a request neither ends nor waits")?
    }

    async fn rests(&self, id: &str) -> Result<bool, Failed> {
        let request = self.handle(id).await?;
        let status = request.status().await?;
        let tomorrow = status.next_try.is_some_and(|at| at > self.clock.now());
        Ok(match status.progress {
            Progress::Waiting => tomorrow && request.unread_signals().await?.is_empty(),
            Progress::Completed | Progress::Compensated => true,
            Progress::Parked => return Err(format!("{id} is parked: {status:?}").into()),
            _ => false,
        })
    }

    /// The requests that this approver, or these, could decide now. The flow keeps their label.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn waits_for(&self, approver: &str) -> Result<Vec<String>, Failed> {
        let filter = Filter::new().of::<Approval>().label("approver", approver).progress([Progress::Waiting]);
        let page = self.runtime.list(&filter).await?;
        Ok(page.instances.into_iter().map(|request| request.id.into()).collect())
    }

    /// Stops the runtime, as a deploy does, and starts another one on the same file.
    ///
    /// # Errors
    /// The file cannot be opened again.
    pub async fn restart(&mut self) -> Result<(), Failed> {
        self.runtime.shutdown(Duration::from_secs(5)).await;
        self.runtime = run(&self.file, &self.post, &self.shop, &self.clock).await?;
        Ok(())
    }

    /// Whether every request, and every checkout, is as it was promised, and what the shop's services accepted is what they say.
    ///
    /// # Errors
    /// The store cannot be read, or a service does not answer.
    pub async fn verify(&self) -> Result<Verdict, Failed> {
        // The services live by the world's time, and the requests by this office's: all of it counts, once everything is at rest.
        let ledger = Ledger { collected_at: i64::MAX, ..self.shop.ledger().await? };
        Ok(self.runtime.verify(&ledger).await?)
    }

    /// The runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// One of the requests.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn handle(&self, id: &str) -> Result<Handle<Approval>, Failed> {
        Ok(self.runtime.get(id).await?.ok_or_else(|| format!("there is no request {id}"))?)
    }
}

/// The runtime knows both sagas, since one of them starts the other.
async fn run(file: &Path, post: &Post, shop: &Services, clock: &Arc<ManualClock>) -> Result<Runtime, Failed> {
    let builder = Runtime::builder().store(Sqlite::open(file).await?).clock(clock.clone());
    Ok(builder.register(Approval { post: post.clone() }).register::<Checkout>(shop.checkout()?).start().await?)
}
