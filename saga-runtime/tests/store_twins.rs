//! The two stores are asked the same things at random, and answer the same.
#![cfg(feature = "sqlite")]

use saga_runtime::store::{
    Append, Delivery, Epoch, Expired, Filter, InstanceNo, Message, MessageNo, Request, RequestNo, Row, Start, Status,
    Store, Touch, Write, memory::Memory, sqlite::Sqlite,
};
use std::fmt::Debug;

/// How many random lives are lived, and how many things are asked in each.
const SEEDS: u64 = 20;
const STEPS: u64 = 150;

/// Random numbers: the `SplitMix64` of Steele, Lea and Flood (2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn small(&mut self, limit: u32) -> i64 {
        i64::try_from(self.below(limit.into())).unwrap()
    }

    fn status(&mut self) -> Status {
        Status::ALL[usize::try_from(self.below(8)).unwrap()]
    }

    fn instance(&mut self) -> InstanceNo {
        InstanceNo(1 + self.small(25))
    }

    /// One of so many that are there, or one that never will be: nobody knows the number of one that a batch starts.
    fn known(&mut self, there: u32) -> InstanceNo {
        let unknown = there == 0 || self.below(20) == 0;
        InstanceNo(if unknown { 1000 } else { 1 + self.small(there) })
    }

    /// Rows that mostly follow the last one of an instance.
    async fn rows(&mut self, store: &Memory, no: InstanceNo) -> Vec<Row> {
        let last = store.journal(no, 1, usize::MAX).await.unwrap().last().map_or(0, |row| row.seq);
        let first = if self.below(12) == 0 { self.below(6) } else { last + 1 };
        (first..first + self.below(4)).map(|seq| self.row(seq)).collect()
    }

    fn row(&mut self, seq: u64) -> Row {
        Row { seq, at: self.small(100), event: format!("event {}", self.below(1000)).into() }
    }

    fn saga(&mut self) -> &'static str {
        ["checkout", "refund"][usize::try_from(self.below(2)).unwrap()]
    }

    fn id(&mut self) -> Box<str> {
        self.below(15).to_string().into()
    }

    fn name(&mut self) -> Box<str> {
        ["decided", "withdrawn"][usize::try_from(self.below(2)).unwrap()].into()
    }

    fn message(&mut self) -> Message {
        Message { name: self.name(), id: self.below(6).to_string().into(), body: self.below(2).to_string().into() }
    }

    /// A label, or its key alone.
    fn label(&mut self) -> (Box<str>, Box<str>) {
        (["customer", "region"][usize::try_from(self.below(2)).unwrap()].into(), self.below(3).to_string().into())
    }

    fn start(&mut self) -> Start {
        let rows = if self.below(20) == 0 { vec![self.row(2)] } else { vec![self.row(1)] };
        Start {
            saga: self.saga().into(),
            id: self.id(),
            birth: format!("{}", self.below(u64::MAX)).into(),
            version: 1,
            input_hash: [u8::try_from(self.below(256)).unwrap(); 32],
            owned: self.below(2) == 0,
            at: self.small(100),
            wake_at: (self.below(4) == 0).then(|| self.small(100)),
            parent: (self.below(3) == 0).then(|| self.instance()),
            labels: (0..self.below(3)).map(|_| self.label()).collect(),
            rows,
        }
    }

    fn filter(&mut self) -> Filter {
        let statuses: Vec<_> = (0..self.below(4)).map(|_| self.status()).collect();
        Filter {
            saga: (self.below(3) == 0).then(|| self.saga().into()),
            statuses,
            state: (self.below(6) == 0).then(|| "somewhere".into()),
            error: (self.below(6) == 0).then(|| "decline".into()),
            started_after: (self.below(6) == 0).then(|| self.small(100)),
            started_before: (self.below(6) == 0).then(|| self.small(100)),
            labels: (0..self.below(6).saturating_sub(3)).map(|_| self.label()).collect(),
            parent: (self.below(6) == 0).then(|| self.instance()),
            newest_first: self.below(2) == 0,
        }
    }

    async fn write(&mut self, store: &Memory) -> Write {
        if self.below(3) == 0 {
            return Write::Start(self.start());
        }
        let newest = Filter { newest_first: true, ..Filter::default() };
        let there =
            store.list(&newest, None, 1).await.unwrap().first().map_or(0, |last| u32::try_from(last.no.0).unwrap());
        let instance = self.known(there);
        let touch = (self.below(2) == 0).then(|| Touch {
            wake_at: (self.below(2) == 0).then(|| self.small(100)),
            awaits: (0..self.below(3)).map(|_| self.name()).collect(),
            state: (self.below(2) == 0).then(|| "somewhere".into()),
            error: (self.below(4) == 0).then(|| "the card was declined".into()),
            queued: self.below(3) == 0,
            lost: (self.below(3) == 0).then(|| self.below(2) == 0),
            owned: self.below(2) == 0,
            ..Touch::new(self.status(), self.small(100))
        });
        let consumed = (0..self.below(3)).map(|_| RequestNo(self.small(40))).collect();
        let label = |(key, value): (Box<str>, Box<str>), set: bool| (key, set.then_some(value));
        Write::Append(Append {
            touch,
            consumed,
            received: (0..self.below(3)).map(|_| MessageNo(self.small(40))).collect(),
            labels: (0..self.below(3)).map(|_| label(self.label(), self.below(3) > 0)).collect(),
            starts: (0..self.below(5).saturating_sub(3)).map(|_| self.start()).collect(),
            sends: (0..self.below(4).saturating_sub(2))
                .map(|_| Delivery { to: self.known(there), message: self.message(), at: self.small(100) })
                .collect(),
            requests: (0..self.below(4).saturating_sub(2))
                .map(|_| Request { saga: self.saga().into(), id: self.id(), body: "cancel".into() })
                .collect(),
            ..Append::new(instance, self.rows(store, instance).await)
        })
    }
}

/// Two answers, as one can compare them: what an error says is each store's own, except for its kind.
fn same<T: Debug, E: Debug>(one: &Result<T, E>, other: &Result<T, E>, asked: &str) -> bool {
    let show = |answer: &Result<T, E>| match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{error:?}").split("reason").next().unwrap_or_default().to_owned(),
    };
    assert_eq!(show(one), show(other), "{asked}");
    one.is_ok()
}

#[tokio::test]
async fn both_stores_answer_the_same_to_whatever_is_asked() {
    let folder = std::env::temp_dir().join(format!("saga-twins-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (mut written, mut refused) = (0, 0);
    for seed in 0..SEEDS {
        let random = &mut Random(seed);
        let memory = Memory::new();
        let sqlite = Sqlite::open(folder.join(format!("{seed}.db"))).await.unwrap();
        let mut epoch = memory.register().await.unwrap();
        assert_eq!(sqlite.register().await.unwrap(), epoch);
        for step in 0..STEPS {
            let asked = format!("seed {seed}, step {step}");
            let (no, limit) = (random.instance(), usize::try_from(random.below(6)).unwrap());
            let after = (random.below(2) == 0).then(|| random.instance());
            macro_rules! ask {
                ($($call:tt)*) => { same(&memory.$($call)*.await, &sqlite.$($call)*.await, &format!("{asked}: {}", stringify!($($call)*))) };
            }
            match random.below(26) {
                0..9 => {
                    let mut writes = Vec::new();
                    for _ in 0..random.below(5) {
                        writes.push(random.write(&memory).await);
                    }
                    if ask!(commit(epoch, &writes)) { written += 1 } else { refused += 1 }
                }
                9 if random.below(3) == 0 => {
                    ask!(register());
                    epoch.0 += 1;
                }
                9 => {
                    ask!(commit(Epoch(epoch.0 - 1), &[]));
                }
                10..13 => {
                    // Orphans of several dead workers may come in another order, where the limit cuts them off.
                    let now = random.small(100);
                    let limit = if random.below(2) == 0 { 1000 } else { 0 };
                    ask!(claim(epoch, &["checkout", "refund"][..=usize::from(limit > 0)], now, limit));
                }
                13 => {
                    ask!(claim_one(epoch, &["checkout", "refund"], no));
                }
                14..16 => {
                    let ended = random.below(2) == 0;
                    ask!(request(no, "please", ended));
                }
                16 => {
                    ask!(bury(no));
                }
                17 => {
                    let filter = random.filter();
                    ask!(list(&filter, after, limit));
                }
                18 => {
                    ask!(inboxes(epoch, &["checkout", "refund"][..=usize::from(limit > 0)], after, limit));
                    ask!(inbox(no));
                }
                19..22 => {
                    let (saga, id, message, at) = (random.saga(), random.id(), random.message(), random.small(100));
                    ask!(send(saga, &id, &message, at));
                    ask!(messages(no));
                }
                22 => {
                    let statuses = vec![random.status(), Status::Completed];
                    let last = (random.small(100), InstanceNo(random.small(60)));
                    let after = (random.below(2) == 0).then_some(last);
                    let expired =
                        Expired { saga: random.saga().into(), statuses, before: random.small(100), after, limit };
                    ask!(bury_ended(&expired));
                }
                23 => {
                    let (saga, before) = (random.saga(), random.small(100));
                    ask!(forget_buried(saga, before, limit.min(2)));
                }
                24 => {
                    let (name, at, seqs) = (random.name(), random.small(100), [random.below(6), random.below(6)]);
                    ask!(set_tick(&name, at));
                    ask!(tick(&name));
                    ask!(rows(no, &seqs));
                    ask!(length(no));
                }
                _ => {
                    let (saga, id, from) = (random.saga(), random.below(15).to_string(), random.below(5));
                    ask!(find(saga, &id));
                    ask!(journal(no, from, limit));
                }
            }
        }
        for no in (1..60).map(InstanceNo) {
            same(&memory.journal(no, 0, 1000).await, &sqlite.journal(no, 0, 1000).await, &format!("seed {seed}"));
            same(&memory.messages(no).await, &sqlite.messages(no).await, &format!("seed {seed}"));
            same(&memory.inbox(no).await, &sqlite.inbox(no).await, &format!("seed {seed}"));
        }
        same(
            &memory.list(&Filter::default(), None, 1000).await,
            &sqlite.list(&Filter::default(), None, 1000).await,
            &format!("seed {seed}"),
        );
        sqlite.close().await.unwrap();
    }
    std::fs::remove_dir_all(folder).unwrap();
    assert!(written > 300 && refused > 50, "{written} batches were written and {refused} refused: too few to say much");
}
