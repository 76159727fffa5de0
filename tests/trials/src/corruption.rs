//! Bits that flip in what is stored: what is damaged is parked with a reason, and never has a wrong effect; the others go on.

use crate::{
    Booking, Dice, Fallible, Place, Port, Report, Trip, builder,
    look::{all, at_rest},
    place,
    world::{Plan, World},
};
use saga_runtime::{
    Runtime, Settled,
    runtime::ParkCause,
    store::{Filter, Instance, InstanceNo, Status},
    verify::{Verdict, verify},
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, SqliteConnection, query, raw_sql};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// What an undamaged instance is to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It waits, is told to go on, and completes.
    Completes,
    /// It waits, is told to go on, is refused, and is undone.
    Undone,
    /// Its payment is under way when its worker dies.
    Interrupted,
}

const FATES: [Fate; 3] = [Fate::Completes, Fate::Undone, Fate::Interrupted];

struct Subject {
    booking: Booking,
    fate: Fate,
    no: InstanceNo,
    /// What was flipped in it.
    flip: Option<String>,
}

/// How much is flipped, and whether what is flipped can be noticed.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The chance.
    pub seed: u64,
    /// So many flips, each in an instance of its own.
    pub count: usize,
    /// Whether the sums stay that were written with the rows. Without them a row is as one of the first releases: what it says is
    /// believed, and the trial has to notice what comes of that.
    pub sums: bool,
}

/// Flips bits, half of them in files and half in a server's tables.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(options: Options) -> Fallible<Report> {
    let mut report = Report::new("corruption", options.seed);
    let mut dice = Dice::new(options.seed);
    let half = options.count / 2;
    for (make, count) in [(Place::sqlite as fn() -> _, half), (|| Ok(Place::postgres()), options.count - half)] {
        // No more in one database than can be looked after at the same time.
        let mut left = count;
        while left > 0 {
            let some = left.min(1000);
            one_database(make()?, some, options.sums, &mut dice, &mut report).await?;
            left -= some;
        }
    }
    Ok(report)
}

/// Flips bits in what files say of instances themselves, and not of what happened to them: nothing stands there by which a damaged one
/// can go on wrongly, and the others must not notice.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn own_rows(seed: u64, count: usize) -> Fallible<Report> {
    let mut report = Report::new("corruption of instances", seed);
    let mut dice = Dice::new(seed);
    let place = Place::sqlite()?;
    let world = World::default();
    let port = Port::Here(world.clone());
    let mut subjects = begin(&place, &world, &port, 2 * count).await?;
    let mut prompt = Prompt::at(&place).await?;
    for subject in subjects.iter_mut().take(count) {
        let (flip, column) = prompt.flip_own(subject.no, &mut dice).await?;
        subject.flip = Some(flip);
        report.count(format!("flipped in {column}"));
    }
    prompt.close().await?;
    world.let_go();
    let store = place.open().await?;
    let runtime = builder(&port).shared_store(Arc::clone(&store)).start().await?;
    for subject in subjects.iter().filter(|subject| subject.fate != Fate::Interrupted) {
        runtime.signal::<Trip, _>(&subject.booking.name, Trip::GO, subject.booking.cents).await?;
    }
    // One that does not know any more what it waits for may wait for ever.
    let rest = at_rest(&*store, 50).await?;
    let (damaged, whole): (Vec<_>, Vec<_>) = subjects.into_iter().partition(|subject| subject.flip.is_some());
    judge(&runtime, &world, &whole, &rest, &mut report).await?;
    let ended: HashSet<InstanceNo> = rest.iter().map(|instance| instance.no).collect();
    let (more, fewer) = damaged.into_iter().partition(|subject| ended.contains(&subject.no));
    let (more, fewer): (Vec<Subject>, Vec<Subject>) = (more, fewer);
    judge(&runtime, &world, &more, &rest, &mut report).await?;
    report.add("wait for ever, in plain sight", fewer.len());
    report.verdict("sqlite", &verify(&*store, &world.ledger()).await?);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(report)
}

async fn one_database(place: Place, flips: usize, sums: bool, dice: &mut Dice, report: &mut Report) -> Fallible<()> {
    let name = place.name();
    let world = World::default();
    let port = Port::Here(world.clone());
    let mut subjects = begin(&place, &world, &port, flips + flips / 10 + 3).await?;
    let mut prompt = Prompt::at(&place).await?;
    for subject in subjects.iter_mut().take(flips) {
        let (flip, what) = prompt.flip(subject.no, sums, dice).await?;
        subject.flip = Some(flip);
        report.count(format!("{name}: flipped in {what}"));
    }
    prompt.close().await?;

    world.let_go();
    let store = place.open().await?;
    let runtime = builder(&port).shared_store(Arc::clone(&store)).start().await?;
    for subject in subjects.iter().filter(|subject| subject.fate != Fate::Interrupted) {
        runtime.signal::<Trip, _>(&subject.booking.name, Trip::GO, subject.booking.cents).await?;
    }
    // Where wrong is believed, an instance may wait for what never comes.
    let rest = at_rest(&*store, if sums { 600 } else { 30 }).await?;
    judge(&runtime, &world, &subjects, &rest, report).await?;
    let damaged: HashSet<&str> =
        subjects.iter().filter(|subject| subject.flip.is_some()).map(|subject| &*subject.booking.name).collect();
    let mut verdict = verify(&*store, &world.ledger()).await.unwrap_or_else(|error| {
        report.violation(format!("{name}: one damaged instance keeps the others from being verified: {error}"));
        Verdict::default()
    });
    // Of a journal that is damaged, and says so, it is known that it is not whole.
    let parked: HashSet<&str> =
        rest.iter().filter(|one| one.status == Status::Parked).map(|instance| &*instance.id).collect();
    verdict.violations.retain(|found| !(damaged.contains(&*found.id) && parked.contains(&*found.id)));
    report.verdict(name, &verdict);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(())
}

/// Starts so many, and leaves each where its fate begins.
async fn begin(place: &Place, world: &World, port: &Port, count: usize) -> Fallible<Vec<Subject>> {
    let store = place.open().await?;
    let runtime = builder(port).concurrency(2 * count).shared_store(Arc::clone(&store)).start().await?;
    let mut subjects = Vec::with_capacity(count);
    let mut starts = Vec::new();
    for (index, fate) in (0..count).zip(FATES.into_iter().cycle()) {
        let cents = 1_000 + u32::try_from(index)?;
        let waits = fate != Fate::Interrupted;
        let nights = u32::try_from(index % 3)?;
        let booking = Booking { waits, nights, meals: index % 5 == 0, ..Booking::new(format!("trip {index}"), cents) };
        match fate {
            Fate::Completes => {}
            Fate::Undone => world.plan(booking.part("money"), Plan::Refuse),
            Fate::Interrupted => world.plan(booking.part("money"), Plan::Hold),
        }
        subjects.push(Subject { booking: booking.clone(), fate, no: InstanceNo(0), flip: None });
        let runtime = runtime.clone();
        starts.push(tokio::spawn(async move { runtime.start::<Trip>(booking.name.clone(), booking).await }));
    }
    for (subject, start) in subjects.iter_mut().zip(starts) {
        subject.no = start.await??.no();
    }
    let held = subjects.iter().filter(|subject| subject.fate == Fate::Interrupted).count();
    let waiting = Filter::of([Status::Waiting]);
    while world.held() < held || all(&*store, &waiting).await?.len() < count - held {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    runtime.shutdown(Duration::ZERO).await;
    store.close().await?;
    Ok(subjects)
}

/// A step, what it was about, and whether it was undone.
type Done = (Box<str>, Box<str>, bool);

async fn judge(
    runtime: &Runtime,
    world: &World,
    subjects: &[Subject],
    rest: &[Instance],
    report: &mut Report,
) -> Fallible<()> {
    let mut effects: BTreeMap<Box<str>, Vec<Done>> = BTreeMap::new();
    let by_no: HashMap<InstanceNo, &Instance> = rest.iter().map(|instance| (instance.no, instance)).collect();
    // What a child did counts for whoever started it.
    let parent = |child: &Instance| Some(&*by_no.get(&child.parent?)?.id);
    let parents: HashMap<&str, &str> = rest.iter().filter_map(|child| Some((&*child.id, parent(child)?))).collect();
    for accepted in world.accepted() {
        let of = parents.get(&*accepted.effect.id).copied().unwrap_or(&accepted.effect.id).into();
        let one = (accepted.effect.step, accepted.about, accepted.effect.undoes.is_some());
        effects.entry(of).or_default().push(one);
    }
    for Subject { booking, fate, no, flip } in subjects {
        let name = &booking.name;
        let told = flip.as_deref().unwrap_or("nothing was flipped");
        let parts: HashSet<(Box<str>, Box<str>)> =
            booking.parts().into_iter().map(|(step, about)| (step.into(), about.into())).collect();
        let own = effects.remove(&**name).unwrap_or_default();
        for (step, about, _) in own.iter().filter(|(step, about, _)| !parts.contains(&(step.clone(), about.clone()))) {
            report.violation(format!("{name}: wrong effect, `{step}` of \"{about}\" was accepted ({told})"));
        }
        let Some(instance) = by_no.get(no) else {
            report.violation(format!("{name}: neither ended nor parked ({told})"));
            continue;
        };
        if instance.status == Status::Parked {
            match (flip, &instance.error) {
                (None, _) => report.violation(format!("{name}: parked, and nothing was wrong with it")),
                (Some(_), None) => report.violation(format!("{name}: parked without a reason ({told})")),
                (Some(_), Some(_)) => {
                    let handle = runtime.get::<Trip>(name).await?.ok_or("it is in the list")?;
                    match handle.settled().await? {
                        Settled::Parked { cause: ParkCause::Unreadable, .. } => report.count("parked as unreadable"),
                        other => report.violation(format!("{name}: parked for another reason: {other:?} ({told})")),
                    }
                }
            }
            if instance.owner.is_some() {
                report.violation(format!("{name}: parked, and somebody owns it ({told})"));
            }
            continue;
        }
        let ended = match fate {
            Fate::Undone => instance.status == Status::Compensated,
            Fate::Completes | Fate::Interrupted => instance.status == Status::Completed,
        };
        let (forward, back) = (own.iter().filter(|one| !one.2).count(), own.iter().filter(|one| one.2).count());
        let whole = match fate {
            // All but the money and the ticket, and every one of them back.
            Fate::Undone => forward == parts.len() - 2 && back == forward,
            Fate::Completes | Fate::Interrupted => forward == parts.len() && back == 0,
        };
        if !ended || !whole {
            let status = instance.status;
            report
                .violation(format!("{name}: {fate:?} ended as {status:?} with {forward} and {back} effects ({told})"));
        }
        report.count(if flip.is_some() { "read the same" } else { "undamaged, and ended as it should" });
    }
    Ok(())
}

/// Somebody who changes what no program of ours changes.
pub(crate) enum Prompt {
    Sqlite(SqliteConnection),
    Postgres(PgConnection, String),
}

impl Prompt {
    pub(crate) async fn at(place: &Place) -> Fallible<Self> {
        Ok(match place {
            Place::Sqlite(_) => {
                let mut conn = place::file_prompt(&place.file().ok_or("it is a file")?).await?;
                raw_sql("DROP TRIGGER journal_is_append_only").execute(&mut conn).await?;
                Self::Sqlite(conn)
            }
            Place::Postgres { url, schema } => Self::Postgres(place::server_prompt(url).await?, schema.clone()),
            Place::Memory(_) => return Err("nothing is stored in memory".into()),
        })
    }

    pub(crate) async fn close(self) -> Fallible<()> {
        use sqlx::Connection as _;
        match self {
            Self::Sqlite(mut conn) => {
                let trigger = "CREATE TRIGGER journal_is_append_only BEFORE UPDATE ON journal
                    BEGIN SELECT RAISE(ABORT, 'a journal is only ever appended to'); END";
                raw_sql(trigger).execute(&mut conn).await?;
                conn.close().await?;
            }
            Self::Postgres(conn, _) => conn.close().await?,
        }
        Ok(())
    }

    /// Flips one bit of one row of an instance's journal: where, in words, and in which column.
    pub(crate) async fn flip(
        &mut self,
        no: InstanceNo,
        sums: bool,
        dice: &mut Dice,
    ) -> Fallible<(String, &'static str)> {
        let rows = self.rows(no).await?;
        let (seq, last, at, event) = dice.one(&rows).clone();
        let number = dice.below(10);
        let (column, what) = match number {
            0 => ("at", at),
            1 => ("last", last),
            2 => ("seq", seq),
            _ => {
                let text = self.flipped(&event, dice);
                let place = event.iter().zip(&text).position(|(a, b)| a != b).unwrap_or(0);
                let near = |text: &[u8]| {
                    let end = text.len().min(place + 12);
                    String::from_utf8_lossy(&text[place.saturating_sub(12)..end]).into_owned()
                };
                let told = format!("row {seq}, byte {place}: `{}` became `{}`", near(&event), near(&text));
                self.set_event(no, seq, text).await?;
                self.forget_sum(no, seq, sums).await?;
                return Ok((told, "event"));
            }
        };
        let changed = loop {
            let changed = what ^ (1 << dice.below(62));
            // Where there is a row already there cannot be another one.
            if column != "seq" || rows.iter().all(|(seq, ..)| *seq != changed) {
                break changed;
            }
        };
        self.forget_sum(no, seq, sums).await?;
        self.set_number(no, seq, column, changed).await?;
        Ok((format!("row {seq}, {column}: {what} became {changed}"), column))
    }

    /// Flips one bit of what a file says of an instance: of what it waits for, or of the state that it is in.
    async fn flip_own(&mut self, no: InstanceNo, dice: &mut Dice) -> Fallible<(String, &'static str)> {
        let Self::Sqlite(conn) = self else { return Err("a server's texts are checked".into()) };
        raw_sql("PRAGMA ignore_check_constraints = ON").execute(&mut *conn).await?;
        let read = query("SELECT awaits, state FROM instance WHERE no = ?").bind(no.0).fetch_one(&mut *conn).await?;
        let (awaits, state): (Option<String>, Option<String>) = (read.try_get(0)?, read.try_get(1)?);
        let (column, text) = match (awaits, state) {
            (Some(awaits), _) if dice.below(2) == 0 => ("awaits", awaits),
            (_, state) => ("state", state.unwrap_or_else(|| "none".into())),
        };
        let mut flipped = text.clone().into_bytes();
        flipped[dice.below(text.len())] ^= 1 << dice.below(8);
        let told = format!("{column}: `{text}` became `{}`", String::from_utf8_lossy(&flipped));
        let update = format!("UPDATE instance SET {column} = CAST(?1 AS TEXT) WHERE no = ?2");
        query(AssertSqlSafe(update)).bind(flipped).bind(no.0).execute(&mut *conn).await?;
        Ok((told, column))
    }

    async fn rows(&mut self, no: InstanceNo) -> Fallible<Vec<(i64, i64, i64, Vec<u8>)>> {
        let select =
            |table: &str| format!("SELECT seq, last, at, event FROM {table} WHERE instance = {} ORDER BY seq", no.0);
        macro_rules! rows {
            ($conn:expr, $table:expr) => {
                query(AssertSqlSafe(select($table)))
                    .fetch_all($conn)
                    .await?
                    .iter()
                    .map(|row| {
                        let event: String = row.try_get(3)?;
                        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, event.into_bytes()))
                    })
                    .collect::<Result<_, sqlx::Error>>()?
            };
        }
        Ok(match self {
            Self::Sqlite(conn) => rows!(&mut *conn, "journal"),
            Self::Postgres(conn, schema) => rows!(&mut *conn, &format!("{schema}.journal")),
        })
    }

    /// A server has its texts checked, and a page of its files has a sum: what can be flipped there unnoticed is a letter.
    fn flipped(&self, event: &[u8], dice: &mut Dice) -> Vec<u8> {
        loop {
            let mut text = event.to_vec();
            text[dice.below(event.len())] ^= 1 << dice.below(8);
            match self {
                Self::Sqlite(_) => return text,
                Self::Postgres(..) if std::str::from_utf8(&text).is_ok() && !text.contains(&0) => return text,
                Self::Postgres(..) => {}
            }
        }
    }

    async fn set_event(&mut self, no: InstanceNo, seq: i64, text: Vec<u8>) -> Fallible<()> {
        match self {
            Self::Sqlite(conn) => {
                let update = query("UPDATE journal SET event = CAST(?1 AS TEXT) WHERE instance = ?2 AND seq = ?3");
                update.bind(text).bind(no.0).bind(seq).execute(&mut *conn).await?;
            }
            Self::Postgres(conn, schema) => {
                let update = format!("UPDATE {schema}.journal SET event = $1 WHERE instance = $2 AND seq = $3");
                let text = String::from_utf8(text)?;
                query(AssertSqlSafe(update)).bind(text).bind(no.0).bind(seq).execute(&mut *conn).await?;
            }
        }
        Ok(())
    }

    async fn set_number(&mut self, no: InstanceNo, seq: i64, column: &str, value: i64) -> Fallible<()> {
        self.run(&format!("{column} = {value}"), no, seq).await
    }

    async fn forget_sum(&mut self, no: InstanceNo, seq: i64, sums: bool) -> Fallible<()> {
        if sums { Ok(()) } else { self.run("sum = NULL", no, seq).await }
    }

    async fn run(&mut self, set: &str, no: InstanceNo, seq: i64) -> Fallible<()> {
        let update = |table: &str| format!("UPDATE {table} SET {set} WHERE instance = {} AND seq = {seq}", no.0);
        match self {
            Self::Sqlite(conn) => {
                // A check of the table's would refuse some of it. No check looks at what is there.
                let ignore = "PRAGMA ignore_check_constraints = ON";
                raw_sql(ignore).execute(&mut *conn).await?;
                raw_sql(AssertSqlSafe(update("journal"))).execute(&mut *conn).await?;
            }
            Self::Postgres(conn, schema) => {
                let drop = format!("ALTER TABLE {schema}.journal DROP CONSTRAINT IF EXISTS journal_check");
                raw_sql(AssertSqlSafe(drop)).execute(&mut *conn).await?;
                raw_sql(AssertSqlSafe(update(&format!("{schema}.journal")))).execute(&mut *conn).await?;
            }
        }
        Ok(())
    }
}
