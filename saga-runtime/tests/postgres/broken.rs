//! Connections that break, and futures that are dropped.

use crate::support::{
    append, number, open, prompt, row, run, schema, start, started, touching, until_somebody_waits, url,
};
use saga_runtime::store::{
    Append, Filter, Message, Sent, Status, Store, StoreError, Write,
    committer::{CommitError, Committer, Health},
    postgres::Postgres,
};
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Ends every session of this schema's stores.
async fn cut_all(conn: &mut PgConnection, schema: &str) -> i64 {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'the_{schema}'"
    );
    number(conn, sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_broke_while_nobody_looked_harms_nothing_but_a_commit() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    store.claim(epoch, &["checkout"], 10, 10).await.unwrap();
    let mut conn = prompt().await;
    for seq in 2..6 {
        store.length(no).await.unwrap();
        cut_all(&mut conn, &schema).await;
        // Nobody can tell whether the server had read it.
        match store.commit(epoch, &[append(no, seq)]).await {
            Err(StoreError::InDoubt(_)) => {
                assert_eq!(store.length(no).await, Ok(seq - 1));
                store.commit(epoch, &[append(no, seq)]).await.unwrap();
            }
            other => panic!("{other:?}"),
        }
        cut_all(&mut conn, &schema).await;
        assert_eq!(store.length(no).await, Ok(seq));
        cut_all(&mut conn, &schema).await;
        store.claim(epoch, &["checkout"], 10, 10).await.unwrap();
    }
}

/// A server that only reads is one that is no longer the primary, or is not for the moment: its sessions are of no use, and other ones
/// may be.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_reads_is_away_until_there_is_one_that_writes() {
    let schema = schema();
    let mut conn = prompt().await;
    run(&mut conn, format!("CREATE ROLE {schema}_owner LOGIN SUPERUSER")).await;
    let url = url(&schema).replace(&format!("{}@", saga_test_postgres::USER), &format!("{schema}_owner@"));
    let store = Arc::new(Postgres::builder(url).schema(&schema).connect().await.unwrap());
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let committer = Committer::new(Arc::clone(&store) as Arc<dyn Store>, epoch);
    run(&mut conn, format!("ALTER ROLE {schema}_owner SET default_transaction_read_only = on")).await;
    cut_all(&mut conn, &schema).await;
    store.length(no).await.unwrap();
    let append = tokio::spawn(committer.write(append(no, 2)));
    let mut health = committer.health();
    let away = health.wait_for(|health| matches!(health, Health::Unavailable(why) if why.contains("read-only")));
    timeout(Duration::from_secs(30), away).await.expect("it is noticed").unwrap();
    let refusals = [
        store.renew(epoch, true).await.map(drop),
        store.claim(epoch, &["checkout"], 10, 10).await.map(drop),
        store.request(no, "{}", false).await.map(drop),
        store.set_tick("nightly", 5).await,
        store.retire(epoch).await,
    ];
    for refused in refusals {
        assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("read-only")), "{refused:?}");
    }
    run(&mut conn, format!("ALTER ROLE {schema}_owner RESET default_transaction_read_only")).await;
    store.renew(epoch, true).await.expect("a new session writes");
    timeout(Duration::from_secs(30), append).await.expect("it was kept").unwrap().unwrap();
    assert_eq!(store.length(no).await, Ok(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_should_not_happen_on_a_server_passes_and_a_plan_that_is_too_old_is_made_anew() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let mut conn = prompt().await;
    assert_eq!(store.journal(no, 1, 10).await.unwrap().len(), 1);
    // As a later release may change a table, while this one has its statements prepared.
    run(&mut conn, format!("ALTER TABLE {schema}.journal ALTER COLUMN event TYPE varchar")).await;
    assert_eq!(store.journal(no, 1, 10).await.unwrap().len(), 1);
    let fails = format!(
        "CREATE FUNCTION {schema}.fails() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'cache lookup failed' USING ERRCODE = 'internal_error'; END $$;
        CREATE TRIGGER fails BEFORE INSERT ON {schema}.journal EXECUTE FUNCTION {schema}.fails()"
    );
    run(&mut conn, fails).await;
    let failed = store.commit(epoch, &[append(no, 2)]).await.unwrap_err();
    assert!(matches!(&failed, StoreError::Unavailable(why) if why.contains("cache lookup")), "{failed:?}");
    run(&mut conn, format!("DROP TRIGGER fails ON {schema}.journal")).await;
    store.commit(epoch, &[append(no, 2)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_journal_whose_number_has_changed_is_not_overlooked_wherever_it_stands_now() {
    for now in ["0", "-3", "2", "9"] {
        let schema = schema();
        let store = open(&schema).await;
        let epoch = store.register().await.unwrap();
        let no = started(&store, epoch, "a").await;
        for seq in [2, 3] {
            store.commit(epoch, &[append(no, seq)]).await.unwrap();
        }
        assert_eq!(store.journal(no, 1, 10).await.unwrap(), [row(1), row(2), row(3)]);
        let flip = format!(
            "ALTER TABLE {schema}.journal DROP CONSTRAINT journal_check, DROP CONSTRAINT journal_pkey;
             UPDATE {schema}.journal SET seq = {now} WHERE instance = {} AND seq = 3",
            no.0
        );
        run(&mut prompt().await, flip).await;
        let rows = store.journal(no, 1, 10).await.unwrap();
        assert!(rows.iter().any(|row| row.event.contains("not what was written")), "{now}: {rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_cut_off_is_in_doubt_and_whole_or_not_there() {
    let schema = schema();
    let store = Arc::new(open(&schema).await);
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let (mut blocker, mut conn) = (prompt().await, prompt().await);
    for (shape, batch) in [
        vec![touching(no, 2, Status::Completed), Write::Start(start("with it"))],
        vec![touching(no, 2, Status::Waiting), Write::Start(start("with it"))],
    ]
    .into_iter()
    .enumerate()
    {
        run(&mut blocker, format!("BEGIN; SELECT FROM {schema}.instance WHERE no = {} FOR UPDATE", no.0)).await;
        let commit = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(epoch, &batch).await.map(drop) }
        });
        until_somebody_waits(&mut conn, &schema).await;
        cut_all(&mut conn, &schema).await;
        let cut = commit.await.unwrap().unwrap_err();
        // A transaction that was not told to commit has not; a statement may have been a moment before its end.
        let expected =
            if shape == 0 { matches!(cut, StoreError::InDoubt(_)) } else { matches!(cut, StoreError::Unavailable(_)) };
        assert!(expected, "{cut:?}");
        run(&mut blocker, "COMMIT").await;
        assert_eq!((store.length(no).await, store.find("checkout", "with it").await), (Ok(1), Ok(None)));
    }
    store.commit(epoch, &[append(no, 2)]).await.unwrap();
}

/// The connection is gone, and the commit is not: what is read afterwards has to wait for it, or to keep it from happening.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_under_way_is_over_before_anything_is_read_back() {
    let schema = schema();
    let store = Arc::new(open(&schema).await);
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let mut blocker = prompt().await;
    run(&mut blocker, format!("BEGIN; SELECT FROM {schema}.instance WHERE no = {} FOR UPDATE", no.0)).await;
    let batch = [touching(no, 2, Status::Sleeping)];
    assert!(timeout(Duration::from_millis(300), store.commit(epoch, &batch)).await.is_err(), "it waits for the row");
    // The server goes on with it, whoever has dropped it here.
    let length = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.length(no).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!length.is_finished(), "the journal was read back before the commit was over");
    run(&mut blocker, "COMMIT").await;
    assert_eq!(length.await.unwrap(), Ok(2));
    store.commit(epoch, &[append(no, 3)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_dropped_in_the_middle_is_whole_or_not_there() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let (mut finished, mut seq) = (0, 2);
    for micros in (0..6000).step_by(150) {
        let batch = [
            Write::Start(start(&format!("first {micros}"))),
            append(no, seq),
            Write::Start(start(&format!("last {micros}"))),
        ];
        finished += u32::from(timeout(Duration::from_micros(micros), store.commit(epoch, &batch)).await.is_ok());
        let first = store.find("checkout", &format!("first {micros}")).await.unwrap();
        let last = store.find("checkout", &format!("last {micros}")).await.unwrap();
        let appended = store.journal(no, seq, 1).await.unwrap();
        assert_eq!(first.is_some(), last.is_some(), "half a batch was written");
        assert_eq!(first.is_some(), appended == [row(seq)], "half a batch was written");
        seq += u64::from(first.is_some());
        started(&store, epoch, &format!("between {micros}")).await;
    }
    assert!(finished > 0, "no commit had time enough to finish");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committer_loses_nothing_while_connections_are_cut() {
    let schema = schema();
    let store = Arc::new(open(&schema).await);
    let epoch = store.register().await.unwrap();
    let committer = Committer::new(Arc::clone(&store) as Arc<dyn Store>, epoch);
    let mut instances = Vec::new();
    for index in 0..20 {
        instances.push(started(&store, epoch, &index.to_string()).await);
    }
    let writers: Vec<_> = instances
        .iter()
        .map(|no| {
            let (committer, no) = (committer.clone(), *no);
            tokio::spawn(async move {
                for seq in 2..=60 {
                    match committer.write(append(no, seq)).await {
                        Ok(_) => {}
                        Err(error @ (CommitError::Rejected(_) | CommitError::Fenced)) => {
                            panic!("{no:?} {seq}: {error}")
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    let mut conn = prompt().await;
    while writers.iter().any(|writer| !writer.is_finished()) {
        tokio::time::sleep(Duration::from_millis(25)).await;
        cut_all(&mut conn, &schema).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for no in instances {
        assert_eq!(store.length(no).await, Ok(60));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_was_lost_is_found_again() {
    let schema = schema();
    let store = Arc::new(open(&schema).await);
    let epoch = store.register().await.unwrap();
    let mut all = Vec::new();
    for index in 0..40 {
        all.push(started(&store, epoch, &index.to_string()).await);
    }
    let (epoch, mut claimed) = (store.register().await.unwrap(), Vec::new());
    for micros in (200..8000).step_by(200) {
        let claim = store.claim(epoch, &["checkout"], 10, 1);
        if let Ok(claims) = timeout(Duration::from_micros(micros), claim).await {
            claimed.extend(claims.unwrap().claimed.into_iter().map(|claimed| claimed.instance.no));
        }
    }
    // A claim that was dropped holds what it had found until the server hears of it, and others pass that over: that one claim finds
    // nothing says little.
    loop {
        let claims = store.claim(epoch, &["checkout"], 10, 7).await.unwrap();
        let none = claims.claimed.is_empty();
        claimed.extend(claims.claimed.into_iter().map(|claimed| claimed.instance.no));
        let all = store.list(&Filter::default(), None, 100).await.unwrap();
        if none && all.iter().all(|instance| instance.owner == Some(epoch)) {
            break;
        }
    }
    claimed.sort_unstable();
    assert_eq!(claimed, all, "each is handed over once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_is_just_taking_is_passed_over_until_he_lets_go_of_it() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let (first, second) = (started(&store, epoch, "first").await, started(&store, epoch, "second").await);
    let epoch = store.register().await.unwrap();
    let mut somebody = prompt().await;
    run(&mut somebody, format!("BEGIN; SELECT FROM {schema}.instance WHERE no = {} FOR UPDATE", first.0)).await;
    let claim = async || {
        let claims = store.claim(epoch, &["checkout"], 10, 7).await.unwrap();
        claims.claimed.into_iter().map(|claimed| claimed.instance.no).collect::<Vec<_>>()
    };
    assert_eq!(claim().await, [second]);
    assert_eq!(claim().await, []);
    run(&mut somebody, "ROLLBACK").await;
    assert_eq!(claim().await, [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_for_a_decision_whose_answer_was_lost_is_made_again() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    for micros in (200..5000).step_by(200) {
        let no = started(&store, epoch, &micros.to_string()).await;
        store.commit(epoch, &[touching(no, 2, Status::Parked)]).await.unwrap();
        let first = timeout(Duration::from_micros(micros), store.claim_one(epoch, &["checkout"], no)).await;
        if first.is_err() {
            let mut again = store.claim_one(epoch, &["checkout"], no).await.unwrap();
            if again.is_none() {
                // It was owned a moment before anybody knew: the next claim lets go of it.
                store.claim(epoch, &["checkout"], 10, 10).await.unwrap();
                again = store.claim_one(epoch, &["checkout"], no).await.unwrap();
            }
            assert_eq!(again.map(|claimed| claimed.instance.no), Some(no));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_write_to_one_another_do_not_stand_in_each_others_way() {
    let schema = schema();
    let (one, two) = (Arc::new(open(&schema).await), Arc::new(open(&schema).await));
    let (first, second) = (one.register().await.unwrap(), two.register().await.unwrap());
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for index in 0..10 {
        mine.push(started(&one, first, &format!("mine {index}")).await);
        theirs.push(started(&two, second, &format!("theirs {index}")).await);
    }
    let talk = |store: Arc<Postgres>, epoch, own: Vec<_>, others: Vec<_>| {
        tokio::spawn(async move {
            for round in 0..30_u64 {
                let batch: Vec<_> = own
                    .iter()
                    .zip(others.iter().rev())
                    .map(|(no, to)| {
                        let message =
                            Message { name: "m".into(), id: format!("{round} {no:?}").into(), body: "{}".into() };
                        let sends = vec![saga_runtime::store::Delivery { to: *to, message, at: 5 }];
                        match touching(*no, round + 2, Status::Sleeping) {
                            Write::Append(append) => Write::Append(Append { sends, ..append }),
                            start @ Write::Start(_) => start,
                        }
                    })
                    .collect();
                store.commit(epoch, &batch).await.unwrap();
            }
        })
    };
    let both = [
        talk(Arc::clone(&one), first, mine.clone(), theirs.clone()),
        talk(Arc::clone(&two), second, theirs.clone(), mine.clone()),
    ];
    for id in 0..50 {
        let message = Message { name: "m".into(), id: id.to_string().into(), body: "{}".into() };
        assert!(matches!(one.send("checkout", "theirs 3", &message, 5).await, Ok(Sent::Stored(_))));
    }
    for talker in both {
        talker.await.unwrap();
    }
    assert_eq!(two.messages(mine[0]).await.unwrap().len(), 30);
}
