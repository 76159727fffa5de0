//! The schema of a PostgreSQL database in which a demonstration keeps its sagas, and an auditor in it: triggers that look at each
//! write and note the ones of an orchestrator that has no right to it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar, raw_sql};
use tokio::time::{sleep, timeout};

use crate::Failed;

/// How long a worker is taken for alive in a demonstration: nobody wants to watch others wait for longer.
pub(super) const LEASE_SECONDS: u32 = 2;

/// How long others may take to notice that one stands still, and it that it did.
const NOTICED: Duration = Duration::from_secs(30);

/// Who has registered under which epoch, by the name that the sessions have; and what was written without right. A row of a journal
/// is its owner's alone, and so is what is said of the instance; and an owner is who has a life that nobody has ended. The triggers
/// look when the statement is through: what it was allowed to do by a lock on the worker's row, that lock still allows.
const AUDIT: &str = "
    CREATE TABLE saga.audit_worker (epoch bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE saga.audit_stale (what text NOT NULL, instance bigint NOT NULL, name text NOT NULL);
    CREATE FUNCTION saga.audit_register() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO saga.audit_worker VALUES (NEW.epoch, current_setting('application_name'));
        RETURN NULL;
    END $$;
    CREATE FUNCTION saga.audit_write() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed bigint;
    BEGIN
        IF TG_TABLE_NAME = 'journal' THEN changed := NEW.instance; ELSE changed := NEW.no; END IF;
        INSERT INTO saga.audit_stale SELECT TG_TABLE_NAME, changed, current_setting('application_name') WHERE NOT EXISTS (
            SELECT FROM saga.instance AS i JOIN saga.worker USING (epoch) JOIN saga.audit_worker AS a USING (epoch)
            WHERE i.no = changed AND a.name = current_setting('application_name')
        );
        RETURN NULL;
    END $$;
    INSERT INTO saga.audit_worker SELECT epoch, $NAME$ FROM saga.worker;
    CREATE TRIGGER audit AFTER INSERT ON saga.worker FOR EACH ROW EXECUTE FUNCTION saga.audit_register();
    CREATE TRIGGER audit AFTER INSERT OR UPDATE ON saga.journal FOR EACH ROW EXECUTE FUNCTION saga.audit_write();
    CREATE TRIGGER audit AFTER UPDATE ON saga.instance FOR EACH ROW
        WHEN ((OLD.status, OLD.owned, OLD.epoch) IS DISTINCT FROM (NEW.status, NEW.owned, NEW.epoch))
        EXECUTE FUNCTION saga.audit_write();";

/// A schema of its own for each run.
pub(super) struct Schema {
    url: String,
    name: String,
    /// Whether it was certainly made.
    made: AtomicBool,
}

impl Schema {
    /// A name that no other run has had. The first worker makes the schema.
    pub(super) fn new(url: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("checkout_demo_{}_{}", since.as_millis(), std::process::id());
        Self { url: url.to_owned(), name, made: AtomicBool::new(false) }
    }

    /// How the worker of this name is told of it.
    pub(super) fn options(&self, worker: &str) -> Vec<String> {
        let lease = LEASE_SECONDS.to_string();
        let next = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{next}application_name={worker}", self.url);
        ["--store", &url, "--schema", &self.name, "--lease", &lease].map(str::to_owned).to_vec()
    }

    /// Has every write looked at from now on. Called once the first worker, of this name, has made the schema.
    pub(super) async fn audit(&self, first: &str) -> Result<(), Failed> {
        self.made.store(true, Ordering::Relaxed);
        let mut database = PgConnection::connect(&self.url).await?;
        raw_sql(AssertSqlSafe(self.put_in(&AUDIT.replace("$NAME$", &format!("'{first}'")))))
            .execute(&mut database)
            .await?;
        Ok(database.close().await?)
    }

    /// What was written without right, each with who did it.
    pub(super) async fn stale(&self) -> Result<Vec<String>, Failed> {
        let mut database = PgConnection::connect(&self.url).await?;
        let sql =
            self.put_in("SELECT name || ' wrote to ' || what || ' of instance ' || instance FROM saga.audit_stale");
        let stale = query_scalar(AssertSqlSafe(sql)).fetch_all(&mut database).await?;
        database.close().await?;
        Ok(stale)
    }

    /// How many instances the worker of this name has in its hands.
    pub(super) async fn held(&self, worker: &str) -> Result<usize, Failed> {
        let mut database = PgConnection::connect(&self.url).await?;
        let held =
            "SELECT count(*) FROM saga.instance JOIN saga.audit_worker USING (epoch) JOIN saga.worker USING (epoch)
            WHERE name = $1 AND owned";
        let held: i64 = query_scalar(AssertSqlSafe(self.put_in(held))).bind(worker).fetch_one(&mut database).await?;
        database.close().await?;
        Ok(held.try_into()?)
    }

    /// Waits until nobody takes the worker of this name for alive any more, and others have taken what it had.
    pub(super) async fn is_given_up(&self, worker: &str) -> Result<(), Failed> {
        let left = "SELECT NOT EXISTS (SELECT FROM saga.worker JOIN saga.audit_worker USING (epoch) WHERE name = $1)
            AND NOT EXISTS (
                SELECT FROM saga.instance JOIN saga.audit_worker USING (epoch) WHERE name = $1 AND owned AND status = 'ready'
            )";
        self.comes_to(left, worker, "was not given up").await
    }

    /// Waits until the worker of this name has begun another life.
    pub(super) async fn lives(&self, worker: &str) -> Result<(), Failed> {
        let lives = "SELECT EXISTS (SELECT FROM saga.worker JOIN saga.audit_worker USING (epoch) WHERE name = $1)";
        self.comes_to(lives, worker, "did not live again").await
    }

    async fn comes_to(&self, sql: &str, worker: &str, not: &str) -> Result<(), Failed> {
        let mut database = PgConnection::connect(&self.url).await?;
        let begun = Instant::now();
        while !query_scalar::<_, bool>(AssertSqlSafe(self.put_in(sql))).bind(worker).fetch_one(&mut database).await? {
            if begun.elapsed() > NOTICED {
                return Err(format!("{worker} {not} within {NOTICED:?}").into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(database.close().await?)
    }

    fn put_in(&self, sql: &str) -> String {
        sql.replace("saga.", &format!("\"{}\".", self.name))
    }

    /// The statement that takes it away.
    fn drop_it(&self) -> String {
        format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.name)
    }

    /// Takes it away, with all that is in it.
    pub(super) async fn remove(&self) -> Result<(), Failed> {
        let gone = async {
            let mut database = PgConnection::connect(&self.url).await?;
            query(AssertSqlSafe(self.drop_it())).execute(&mut database).await?;
            database.close().await
        };
        // The database lets go of what a process had locked that was killed, and not at once.
        timeout(NOTICED, gone).await.map_err(|_| format!("not within {NOTICED:?}"))??;
        Ok(())
    }

    /// Where the sagas are, if there is such a schema.
    pub(super) async fn told(&self) -> Option<String> {
        let name = &self.name;
        let is_there = async {
            let mut database = PgConnection::connect(&self.url).await?;
            let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
            let is_there: bool = query_scalar(sql).bind(name).fetch_one(&mut database).await?;
            database.close().await?;
            Ok::<_, sqlx::Error>(is_there)
        };
        match is_there.await {
            Ok(false) => None,
            // A database that was never reached has no sagas.
            Err(_) if !self.made.load(Ordering::Relaxed) => None,
            Ok(true) => Some(format!(
                "the sagas are in the schema {name} of the database that `--store` names; `{};` takes it away",
                self.drop_it()
            )),
            Err(error) => {
                Some(format!("the sagas may be in the schema {name}; whether it is there cannot be asked: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use saga_runtime::store::postgres::Postgres;
    use saga_runtime::store::{Append, Epoch, Labels, Row, Start, Status, Store, Touch, Write, Written};

    use super::*;

    fn row(seq: u64) -> Row {
        Row { seq, at: 0, event: "{}".into() }
    }

    async fn write(store: &Postgres, epoch: Epoch, write: Write) -> Written {
        store.commit(epoch, &[write]).await.unwrap().remove(0)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_auditor_notes_what_is_written_without_right_and_nothing_else() {
        let url = saga_test_postgres::url();
        let schema = Schema::new(&url);
        let open = async |name: &str| {
            let url = format!("{url}&application_name={name}");
            Postgres::builder(url).schema(&schema.name).connect().await.unwrap()
        };
        let one = open("one").await;
        let first = one.register().await.unwrap();
        schema.audit("one").await.unwrap();
        let two = open("two").await;
        let second = two.register().await.unwrap();
        let start = Start {
            saga: "checkout".into(),
            id: "a".into(),
            birth: "a".into(),
            version: 1,
            input_hash: [0; 32],
            owned: true,
            at: 0,
            wake_at: None,
            parent: None,
            labels: Labels::new(),
            rows: vec![row(1)],
        };
        let Written::Started(no) = write(&one, first, Write::Start(start)).await else { panic!("it is new") };
        let ready = Touch::new(Status::Ready, 0);
        write(&one, first, Write::Append(Append { touch: Some(ready), ..Append::new(no, vec![row(2)]) })).await;
        assert_eq!(two.claim(second, &["checkout"], 1, 1).await.unwrap().claimed.len(), 1);
        write(&two, second, Write::Append(Append::new(no, vec![row(3)]))).await;
        assert_eq!(schema.stale().await.unwrap(), [""; 0]);
        assert_eq!((schema.held("one").await.unwrap(), schema.held("two").await.unwrap()), (0, 1));
        // One that is alive writes to what another one has; and one that is not, to what it had.
        write(&one, first, Write::Append(Append::new(no, vec![row(4)]))).await;
        let stale = schema.stale().await.unwrap();
        assert_eq!(stale, [format!("one wrote to journal of instance {}", no.0)]);
        two.retire(second).await.unwrap();
        let late = format!(
            "SET application_name = two; INSERT INTO saga.journal VALUES ({0}, 5, 5, 0, '{{}}');
            UPDATE saga.instance SET status = 'parked' WHERE no = {0}",
            no.0
        );
        let mut late_one = PgConnection::connect(&url).await.unwrap();
        raw_sql(AssertSqlSafe(schema.put_in(&late))).execute(&mut late_one).await.unwrap();
        assert_eq!(schema.stale().await.unwrap().len(), 3);
        schema.is_given_up("two").await.unwrap();
        schema.lives("one").await.unwrap();
        assert!(schema.told().await.unwrap().contains(&schema.name));
        schema.remove().await.unwrap();
        assert_eq!(schema.told().await, None);
    }
}
