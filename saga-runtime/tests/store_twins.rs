//! The two stores are asked the same things at random, and answer the same.
#![cfg(feature = "sqlite")]

use saga_runtime::store::{
    Append, Epoch, Filter, InstanceNo, Labels, RequestNo, Row, Start, Status, Store, Touch, Write, memory::Memory,
    sqlite::Sqlite,
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

    async fn write(&mut self, store: &Memory) -> Write {
        if self.below(3) == 0 {
            let rows = if self.below(20) == 0 { vec![self.row(2)] } else { vec![self.row(1)] };
            return Write::Start(Start {
                saga: self.saga().into(),
                id: format!("{}", self.below(15)).into(),
                birth: format!("{}", self.below(u64::MAX)).into(),
                version: 1,
                input_hash: [u8::try_from(self.below(256)).unwrap(); 32],
                owned: self.below(2) == 0,
                at: self.small(100),
                wake_at: None,
                parent: None,
                labels: Labels::new(),
                rows,
            });
        }
        // One that is there or that never will be: nobody knows the number of one that this very batch starts.
        let there = u32::try_from(store.list(&Filter::default(), None, 1000).await.unwrap().len()).unwrap();
        let unknown = there == 0 || self.below(20) == 0;
        let instance = InstanceNo(if unknown { 1000 } else { 1 + self.small(there) });
        let touch = (self.below(2) == 0).then(|| Touch {
            wake_at: (self.below(2) == 0).then(|| self.small(100)),
            state: (self.below(2) == 0).then(|| "somewhere".into()),
            owned: self.below(2) == 0,
            ..Touch::new(self.status(), self.small(100))
        });
        let consumed = (0..self.below(3)).map(|_| RequestNo(self.small(40))).collect();
        let rows = self.rows(store, instance).await;
        Write::Append(Append { touch, consumed, ..Append::new(instance, rows) })
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
        let mut epoch = Epoch(0);
        for step in 0..STEPS {
            let asked = format!("seed {seed}, step {step}");
            let (no, limit) = (random.instance(), usize::try_from(random.below(6)).unwrap());
            let after = (random.below(2) == 0).then(|| random.instance());
            macro_rules! ask {
                ($($call:tt)*) => { same(&memory.$($call)*.await, &sqlite.$($call)*.await, &format!("{asked}: {}", stringify!($($call)*))) };
            }
            match random.below(20) {
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
                    ask!(claim_one(epoch, no));
                }
                14..16 => {
                    let ended = random.below(2) == 0;
                    ask!(request(no, "please", ended));
                }
                16 => {
                    ask!(bury(no));
                }
                17 => {
                    let statuses: Vec<_> = (0..random.below(4)).map(|_| random.status()).collect();
                    let filter = Filter::of(statuses);
                    ask!(list(&filter, after, limit));
                }
                18 => {
                    ask!(inboxes(after, limit));
                    ask!(inbox(no));
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
