//! What can be seen from the inside only: how Postgres reads what is asked often, once there is much of it.

use super::{Inner, Postgres, claim, inbox, list, read, retention, worker, write};
use crate::store::{Filter, InstanceNo, Labels, Status, Store as _};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Execute as _, PgConnection, postgres::PgConnectOptions, query_scalar,
    query_scalar_with, raw_sql,
};

/// So many instances, of two sagas and all statuses, most of them ended, and some of each kind that is looked for; and what is to be
/// left alone: a million would be like this, and take longer to make.
const MANY: &str = "
    INSERT INTO saga.dead VALUES (1), (2);
    INSERT INTO saga.instance (no, saga, id, birth, version, input_hash, parent, status, due_at, wake_at, awaits, state, error,
        owned, epoch, queued, moment, started_at, ended_at, buried)
    SELECT n, (ARRAY['checkout', 'refund'])[n % 2 + 1], n::text, n::text, 1, decode(repeat('07', 32), 'hex'),
        CASE WHEN n % 50 = 0 THEN n - 1 END, k.status,
        CASE WHEN k.ended OR k.status = 'parked' THEN NULL ELSE n END, NULL, '{}',
        CASE WHEN k.status = 'parked' THEN 'state ' || n % 100 END, CASE WHEN k.status = 'parked' THEN 'declined ' || n END,
        k.status = 'ready' AND n % 3 > 0, n % 5 + 1, k.status = 'sleeping' AND n % 4 = 0, n, n,
        CASE WHEN k.ended THEN n END, k.ended AND n % 5 = 0
    FROM generate_series(1, 50000) AS n, LATERAL (
        SELECT status, status LIKE 'comp%' AS ended FROM (
            SELECT CASE n % 20 WHEN 1 THEN 'sleeping' WHEN 2 THEN 'waiting' WHEN 3 THEN 'parked' WHEN 4 THEN 'ready'
                WHEN 5 THEN 'compensated' WHEN 6 THEN 'waits_for_build' WHEN 7 THEN 'ready' ELSE 'completed' END AS status
        ) AS s
    ) AS k;
    INSERT INTO saga.journal SELECT n, s, s, 0, 'row' FROM generate_series(1, 50000) AS n, generate_series(1, 3) AS s;
    INSERT INTO saga.label SELECT n, 'customer', (n % 5000)::text FROM generate_series(1, 50000) AS n;
    INSERT INTO saga.message (instance, name, id, body, at, consumed)
        SELECT n, 'paid', '1', '{}', 0, n % 10 > 0 FROM generate_series(1, 50000) AS n;
    INSERT INTO saga.request (instance, body) SELECT n, '{}' FROM generate_series(1, 50000) AS n;
    ANALYZE saga.instance, saga.journal, saga.label, saga.message, saga.request, saga.dead;";

/// A store with much in it, and a connection that plans as the server does by itself.
async fn full(schema: &str) -> (Postgres, PgConnection) {
    let store = Postgres::builder(saga_test_postgres::url()).schema(schema).connect().await.unwrap();
    let options: PgConnectOptions = saga_test_postgres::url().parse().unwrap();
    let mut conn = options.connect().await.unwrap();
    run(&store.0, &mut conn, MANY).await;
    (store, conn)
}

async fn run(store: &Inner, conn: &mut PgConnection, sql: &str) {
    raw_sql(AssertSqlSafe(store.names.put_in(sql)))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// How a statement is planned that is prepared once, whatever its parameters: as arguments, one for each `$`.
async fn plan(store: &Inner, conn: &mut PgConnection, sql: &str, arguments: &str) -> Vec<String> {
    let prepare = format!("SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE it AS {sql}");
    run(store, conn, &prepare).await;
    let explain = format!("EXPLAIN EXECUTE it{arguments}");
    query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_all(conn).await.unwrap()
}

/// Fails if a table of the store's is read from one end to the other, or if more is sorted than a claim has candidates.
fn reads_by_index(what: &str, plan: &[String]) {
    let tables = ["instance", "journal", "label", "message", "request"];
    let slow = |line: &String| {
        line.contains("Seq Scan on") && tables.iter().any(|table| line.contains(&format!("Seq Scan on {table}")))
    };
    assert!(!plan.iter().any(slow), "{what} reads a whole table: {plan:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_often_is_read_from_indexes() {
    let (store, mut conn) = full("plans").await;
    let claim = claim::claim_to_depth(256);
    let arrays = |number: usize| vec!["'{}'"; number].join(", ");
    let statements = [
        ("claim", &*claim, "(9, '{checkout,refund}', 100, 64)".to_owned()),
        ("next wake", claim::NEXT_WAKE, "('{checkout,refund}')".to_owned()),
        ("owned by the dead", worker::OWNED, "('{1,2}')".to_owned()),
        ("settle", claim::SETTLE, String::new()),
        ("expired", retention::EXPIRED, "('checkout', 'completed', 100, 10, 5, 7)".to_owned()),
        ("tombstones", retention::BURIED, "('checkout', 100, 10)".to_owned()),
        ("buriable", retention::BURIABLE, "('{}', 100)".to_owned()),
        ("removal", retention::REMOVE, "('{}')".to_owned()),
        ("inboxes", inbox::INBOXES, "(5, 100, 3, '{checkout,refund}')".to_owned()),
        ("request", inbox::REQUEST, "(1, '{}', false)".to_owned()),
        ("send", inbox::SEND, "('checkout', '1', 'paid', '2', '{}', 5)".to_owned()),
        ("known message", inbox::KNOWN, "('checkout', '1', 'paid', '2')".to_owned()),
        ("rows", write::ROWS, format!("(1, {}, 0, {})", arrays(7), arrays(1))),
        ("all", write::ALL, format!("(1, {}, 0, {}, false, {})", arrays(7), arrays(28), arrays(3))),
        ("journal", read::JOURNAL, "(1, 5, 10)".to_owned()),
        ("journals", read::JOURNALS, "('{1,2,3}', 10)".to_owned()),
        ("some rows", read::ROWS, "(1, '{}')".to_owned()),
        ("lock", write::LOCK, format!("({})", arrays(1))),
        ("identify", write::IDENTIFY, format!("({})", arrays(2))),
        ("consume", write::CONSUME, format!("({})", arrays(2))),
        ("receive", write::RECEIVE, format!("({})", arrays(2))),
        ("unlabel", write::UNLABEL, format!("({})", arrays(2))),
        ("deliver", write::DELIVER, format!("({})", arrays(5))),
        ("forward", write::FORWARD, format!("({})", arrays(3))),
    ];
    for (what, sql, arguments) in statements {
        let plan = plan(&store.0, &mut conn, sql, &arguments).await;
        reads_by_index(what, &plan);
    }
    // What a claim looks through is in the index's order: as the store's own connections plan it, a backlog is not read to its end.
    run(&store.0, &mut conn, "SET enable_bitmapscan = off").await;
    let plan = plan(&store.0, &mut conn, &claim, "(9, '{checkout,refund}', 100, 64)").await;
    let ordered = |index: &str| plan.iter().filter(|line| line.contains(&format!("using {index} on instance"))).count();
    let sorts = plan.iter().filter(|line| line.contains("Sort Key: instance_")).count();
    let found = ["instance_free", "instance_owned", "instance_queued"].map(ordered);
    assert_eq!((found, sorts), ([4, 4, 1], 0), "{plan:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_from_indexes_in_their_order() {
    let (store, mut conn) = full("lists").await;
    let saga = || Some("checkout".into());
    let filters = [
        Filter::default(),
        Filter { saga: saga(), ..Filter::default() },
        Filter::of([Status::Parked, Status::Waiting]),
        Filter { state: Some("state 3".into()), saga: saga(), ..Filter::default() },
        Filter { parent: Some(InstanceNo(49)), ..Filter::default() },
        Filter { labels: Labels::from([("customer".into(), "42".into())]), saga: saga(), ..Filter::default() },
        Filter { error: Some("declined 3".into()), ..Filter::default() },
    ];
    let sagas = ["checkout".to_owned(), "refund".to_owned()];
    for filter in filters {
        for newest_first in [false, true] {
            let filter = Filter { newest_first, ..filter.clone() };
            for part in list::parts(&filter, &sagas) {
                let mut statement = list::statement(&store.0.names, &filter, part, Some(InstanceNo(700)), 10);
                let explain = AssertSqlSafe(format!("EXPLAIN {}", statement.sql().as_str()));
                let arguments = statement.build().take_arguments().unwrap().unwrap_or_default();
                let explain = query_scalar_with(explain, arguments).persistent(false);
                let rows: Vec<String> = explain.fetch_all(&mut conn).await.unwrap();
                reads_by_index(&format!("{filter:?}"), &rows);
            }
            assert!(store.list(&filter, None, 10).await.unwrap().len() <= 10);
        }
    }
}
