//! Lists: whatever is asked for, it is read from an index that holds it in the order of the numbers.

use super::{
    Sqlite,
    error::Fault,
    read::{count, instance, instance_columns, json},
};
use crate::store::{Filter, Instance, InstanceNo, Status};
use sqlx::{QueryBuilder, query, query_scalar, sqlite};

/// A part of a list that one index has in the order of the numbers. What somebody owns is few, and is sorted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// All of it.
    Whole,
    /// The instances of a saga and status, either those that somebody owns or the others.
    Of { saga: &'a str, status: Status, owned: bool },
}

/// The sagas that there are, each read by one step in the index of the identities.
pub(super) const SAGAS: &str = "
    WITH RECURSIVE known (saga) AS (
        SELECT min(saga) FROM instance
        UNION ALL
        SELECT (SELECT min(saga) FROM instance WHERE saga > known.saga) FROM known WHERE known.saga IS NOT NULL
    )
    SELECT saga FROM known WHERE saga IS NOT NULL";

impl Sqlite {
    pub(super) async fn read_list(
        &self,
        filter: &Filter,
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        let mut conn = self.readers.take().await?;
        // All parts are read as they are at one moment: what goes from one to another meanwhile is in one of them, and in one only.
        query("BEGIN").execute(&mut *conn).await?;
        let sagas: Vec<Box<str>> = match &filter.saga {
            Some(saga) => vec![saga.clone()],
            None if is_whole(filter) => Vec::new(),
            None => query_scalar(SAGAS).fetch_all(&mut *conn).await?,
        };
        let mut found = Vec::new();
        for part in parts(filter, &sagas) {
            let mut part = statement(filter, part, after, limit);
            let rows = part.build().fetch_all(&mut *conn).await?;
            found.extend(rows.iter().map(instance).collect::<Result<Vec<_>, _>>()?);
        }
        query("COMMIT").execute(&mut *conn).await?;
        conn.done();
        found.sort_by_key(|instance| instance.no);
        if filter.newest_first {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// Whether one index, or the order of the numbers alone, is the way to all that is asked for.
fn is_whole(filter: &Filter) -> bool {
    !filter.labels.is_empty()
        || !driver(filter, Part::Whole).is_empty()
        || (filter.saga.is_none() && filter.statuses.is_empty())
}

fn parts<'a>(filter: &Filter, sagas: &'a [Box<str>]) -> Vec<Part<'a>> {
    if is_whole(filter) {
        return vec![Part::Whole];
    }
    let asked = |status: &Status| filter.statuses.is_empty() || filter.statuses.contains(status);
    let statuses: Vec<Status> = Status::ALL.into_iter().filter(asked).collect();
    let of = |saga: &'a str| {
        let both = |status: &Status| [true, false].map(|owned| Part::Of { saga, status: *status, owned });
        statuses.iter().flat_map(both).collect::<Vec<_>>()
    };
    sagas.iter().flat_map(|saga| of(saga)).collect()
}

/// The index that is read: the one that leaves least over.
fn driver(filter: &Filter, part: Part<'_>) -> &'static str {
    match (filter, part) {
        (Filter { parent: Some(_), .. }, _) => "instance_parent",
        (Filter { state: Some(_), .. }, _) => "instance_state",
        (Filter { error: Some(_), .. }, _) => "instance_error",
        (_, Part::Of { owned: true, .. }) => "instance_owned",
        (_, Part::Of { owned: false, .. }) => "instance_rests",
        (_, Part::Whole) => "",
    }
}

/// The query for one part of a list.
pub(super) fn statement(
    filter: &Filter,
    part: Part<'_>,
    after: Option<InstanceNo>,
    limit: usize,
) -> QueryBuilder<sqlite::Sqlite> {
    let mut labels = filter.labels.iter();
    let mut query = QueryBuilder::new(concat!("SELECT ", instance_columns!(), " FROM "));
    // What users call instances by is nearly always what tells most of them apart.
    let number = if let Some((key, value)) = labels.next() {
        query.push("label AS tagged INDEXED BY label_value CROSS JOIN instance ON instance.no = tagged.instance");
        query.push(" WHERE tagged.key = ").push_bind(key.to_string());
        query.push(" AND tagged.value = ").push_bind(value.to_string());
        "tagged.instance"
    } else {
        let driver = driver(filter, part);
        query.push("instance").push(if driver.is_empty() { " NOT INDEXED" } else { " INDEXED BY " }).push(driver);
        query.push(" WHERE TRUE");
        "no"
    };
    for (key, value) in labels {
        query.push(" AND EXISTS (SELECT 1 FROM label WHERE instance = no AND key = ").push_bind(key.to_string());
        query.push(" AND value = ").push_bind(value.to_string()).push(")");
    }
    if let Some(InstanceNo(parent)) = filter.parent {
        query.push(" AND parent = ").push_bind(parent);
    }
    if let Some(state) = &filter.state {
        query.push(" AND state = ").push_bind(state.to_string());
    }
    match part {
        Part::Of { saga, status, owned } => {
            query.push(" AND saga = ").push_bind(saga.to_owned()).push(" AND status = ").push_bind(status.name());
            query.push(if owned { " AND owned = 1" } else { " AND owned = 0" });
        }
        Part::Whole => {
            if let Some(saga) = &filter.saga {
                query.push(" AND saga = ").push_bind(saga.to_string());
            }
            if !filter.statuses.is_empty() {
                let names: Vec<&str> = filter.statuses.iter().map(|status| status.name()).collect();
                query.push(" AND status IN (SELECT value FROM json_each(").push_bind(json(&names)).push("))");
            }
        }
    }
    if let Some(error) = &filter.error {
        query.push(" AND error IS NOT NULL AND instr(error, ").push_bind(error.to_string()).push(") > 0");
    }
    if let Some(moment) = filter.started_after {
        query.push(" AND started_at >= ").push_bind(moment);
    }
    if let Some(moment) = filter.started_before {
        query.push(" AND started_at < ").push_bind(moment);
    }
    let (beyond, order) = if filter.newest_first { (" < ", " DESC") } else { (" > ", "") };
    if let Some(InstanceNo(after)) = after {
        query.push(" AND ").push(number).push(beyond).push_bind(after);
    }
    query.push(" ORDER BY ").push(number).push(order).push(" LIMIT ").push_bind(count(limit));
    query
}
