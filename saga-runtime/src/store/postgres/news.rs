//! What workers tell one another: `NOTIFY`, after the commit and beside it.
//!
//! A notification within a commit would make every commit of the database wait for the one before it. So what was written is told
//! by a task of its own, on a connection of its own, as much as there is at once, and never more often than every few
//! milliseconds. What is not told, because a process died or the connection was away, whoever polls finds.

use super::{Inner, error::Fault, names::Names, pool::Pool};
use crate::store::{Epoch, InstanceNo, News, StoreError, Storing, Told};
use sqlx::{
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
    query,
};
use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

/// Nothing is told sooner after what was told last.
const PAUSE: Duration = Duration::from_millis(4);
/// A server that has not taken what it is told by then will not.
const TELLING: Duration = Duration::from_secs(10);
/// A payload of Postgres's has at most 7,999 bytes.
const LONGEST: usize = 7_500;
/// How many words are told at once.
const MANY: usize = 20_000;

/// The transaction in which nothing but this is done need not wait for the disk. Parameters: the channel, the payloads.
const NOTIFY: &str = "
    WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    SELECT pg_notify($1, payload) FROM quick, unnest($2::text[]) AS payload";

/// Something to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Word {
    /// A worker is there, and wants to be told things.
    Hello,
    Work,
    /// To its owner, or to all.
    Request(Option<Epoch>, InstanceNo),
    Message(Epoch, InstanceNo),
    Settled(InstanceNo),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello => f.write_str("h"),
            Self::Work => f.write_str("w"),
            Self::Request(to, no) => write!(f, "r{}.{}", to.map_or(0, |Epoch(epoch)| epoch), no.0),
            Self::Message(to, no) => write!(f, "m{}.{}", to.0, no.0),
            Self::Settled(no) => write!(f, "s{}", no.0),
        }
    }
}

impl Word {
    /// `None` for what a later release may say.
    fn parse(word: &str) -> Option<Self> {
        let (kind, rest) = word.split_at_checked(1)?;
        let number = |text: &str| text.parse::<i64>().ok();
        let addressed = || {
            let (to, no) = rest.split_once('.')?;
            Some((Epoch(number(to)?), InstanceNo(number(no)?)))
        };
        match kind {
            "h" => Some(Self::Hello),
            "w" => Some(Self::Work),
            "r" => addressed().map(|(to, no)| Self::Request((to.0 != 0).then_some(to), no)),
            "m" => addressed().map(|(to, no)| Self::Message(to, no)),
            "s" => number(rest).map(|no| Self::Settled(InstanceNo(no))),
            _ => None,
        }
    }

    /// What it is to this worker, if it is anything.
    fn to(self, me: Epoch) -> Option<Told> {
        match self {
            Self::Hello => None,
            Self::Work => Some(Told::Work),
            Self::Request(to, no) => to.is_none_or(|to| to == me).then_some(Told::Request(no)),
            Self::Message(to, no) => (to == me).then_some(Told::Message(no)),
            Self::Settled(no) => Some(Told::Settled(no)),
        }
    }
}

/// Whether there is anybody to tell anything.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// Whether there are other workers, as far as is known.
    pub(super) others: AtomicBool,
    /// How many of this value's news somebody listens to: who does hears at once of another worker.
    listening: AtomicUsize,
}

impl Company {
    fn is_none(&self) -> bool {
        !self.others.load(Ordering::Acquire) && self.listening.load(Ordering::Acquire) > 0
    }
}

/// Says who it was, and what.
type Said = (Epoch, Word);

/// Where words are handed over.
#[derive(Debug, Clone)]
pub(super) struct Crier(mpsc::UnboundedSender<Said>);

impl Crier {
    /// Starts the task that tells; it ends when the last handle is gone.
    pub(super) fn new(pool: Arc<Pool>, names: &Arc<Names>) -> Self {
        let (words, said) = mpsc::unbounded_channel();
        tokio::spawn(cry(pool, Arc::clone(names), said));
        Self(words)
    }

    pub(super) fn say(&self, who: Epoch, word: Word) {
        // Without the task there is nobody who tells.
        let _ = self.0.send((who, word));
    }
}

async fn cry(pool: Arc<Pool>, names: Arc<Names>, mut said: mpsc::UnboundedReceiver<Said>) {
    let channel = channel(&names);
    let mut all = Vec::new();
    while said.recv_many(&mut all, MANY).await > 0 {
        let payloads = payloads(&mut all);
        if let Err(fault) = notify(&pool, &channel, &payloads).await {
            tracing::debug!(reason = fault.reason(), "other workers were not told");
        }
        sleep(PAUSE).await;
    }
}

async fn notify(pool: &Arc<Pool>, channel: &str, payloads: &[String]) -> Result<(), Fault> {
    let told = async {
        let mut conn = pool.take().await?;
        let told = query(NOTIFY).bind(channel).bind(payloads).execute(&mut *conn).await;
        conn.end(told.map(|_| ()).map_err(Fault::from))
    };
    timeout(TELLING, told).await.map_err(|_| StoreError::Unavailable("the server does not answer".into()))?
}

/// Who said it, a colon, and words with commas between them; each is said once.
fn payloads(said: &mut Vec<Said>) -> Vec<String> {
    let mut known = HashSet::new();
    let mut payloads: Vec<(Epoch, String)> = Vec::new();
    for (who, word) in said.drain(..).filter(|said| known.insert(*said)) {
        let word = word.to_string();
        match payloads.iter_mut().find(|(of, text)| *of == who && text.len() + word.len() < LONGEST) {
            Some((_, text)) => {
                text.push(',');
                text.push_str(&word);
            }
            None => payloads.push((who, format!("{}:{word}", who.0))),
        }
    }
    payloads.into_iter().map(|(_, text)| text).collect()
}

fn channel(names: &Names) -> String {
    format!("{}_news", names.schema())
}

impl Inner {
    /// Tells the others, if there are any.
    pub(super) fn tell(&self, word: Word) {
        if word == Word::Hello || !self.company.is_none() {
            self.crier.say(Epoch(self.me.load(Ordering::Acquire)), word);
        }
    }

    pub(super) async fn listen(&self, epoch: Epoch) -> Result<Option<Box<dyn News>>, Fault> {
        let Some(options) = &self.listening else { return Ok(None) };
        let listener = listener(options, &channel(&self.names)).await?;
        Ok(Some(Box::new(Listening::new(epoch, listener, Arc::clone(&self.company)))))
    }
}

async fn listener(options: &PgConnectOptions, channel: &str) -> Result<PgListener, Fault> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).test_before_acquire(false);
    let pool = pool.connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(channel).await?;
    Ok(listener)
}

/// What one worker is told.
struct Listening {
    me: Epoch,
    listener: PgListener,
    company: Arc<Company>,
}

impl Listening {
    fn new(me: Epoch, listener: PgListener, company: Arc<Company>) -> Self {
        company.listening.fetch_add(1, Ordering::AcqRel);
        Self { me, listener, company }
    }

    /// What a payload says to this worker: nothing if it comes from itself.
    fn hear(&self, payload: &str, told: &mut Vec<Told>) {
        let Some((who, words)) = payload.split_once(':') else { return };
        if who.parse() == Ok(self.me.0) {
            return;
        }
        self.company.others.store(true, Ordering::Release);
        told.extend(words.split(',').filter_map(Word::parse).filter_map(|word| word.to(self.me)));
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.company.listening.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("me", &self.me).finish_non_exhaustive()
    }
}

impl News for Listening {
    fn next(&mut self) -> Storing<'_, Vec<Told>> {
        Box::pin(async {
            let away = |reason: String| StoreError::Unavailable(reason.into());
            let mut told = Vec::new();
            while told.is_empty() {
                let first = self.listener.try_recv().await.map_err(|error| away(error.to_string()))?;
                let Some(first) = first else { return Err(away("the connection to hear news on was lost".into())) };
                self.hear(first.payload(), &mut told);
                while let Some(next) = self.listener.next_buffered() {
                    self.hear(next.payload(), &mut told);
                }
            }
            Ok(told)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Word, payloads};
    use crate::store::{Epoch, InstanceNo};

    #[test]
    fn words_come_back() {
        let (epoch, no) = (Epoch(7), InstanceNo(42));
        for word in [
            Word::Hello,
            Word::Work,
            Word::Request(None, no),
            Word::Request(Some(epoch), no),
            Word::Message(epoch, no),
            Word::Settled(InstanceNo(i64::MAX)),
        ] {
            assert_eq!(Word::parse(&word.to_string()), Some(word));
        }
        for strange in ["", "x", "s", "sx", "r7", "é"] {
            assert_eq!(Word::parse(strange), None, "{strange:?}");
        }
    }

    #[test]
    fn each_word_is_said_once_and_no_payload_is_too_long() {
        let mut said = vec![(Epoch(1), Word::Work); 5];
        assert_eq!(payloads(&mut said), ["1:w"]);
        let mut said: Vec<_> = (0..5_000).map(|no| (Epoch(1), Word::Settled(InstanceNo(i64::MAX - no)))).collect();
        let payloads = payloads(&mut said);
        assert!(payloads.len() > 10 && payloads.iter().all(|payload| payload.len() <= LONGEST));
    }
}
