//! Lists: whatever is asked for, it is read from an index that holds it in the order of the numbers.

use super::{
    Inner,
    attempt::reading,
    error::Fault,
    names::Names,
    read::{count, instance, instance_columns},
};
use crate::store::{Filter, Instance, InstanceNo, Status};
use sqlx::{PgConnection, QueryBuilder, query_scalar, raw_sql};

/// The sagas that there are, each found by one look into the index.
const SAGAS: &str = "
    WITH RECURSIVE known AS (
        (SELECT saga FROM saga.instance ORDER BY saga LIMIT 1)
        UNION ALL
        SELECT (SELECT i.saga FROM saga.instance AS i WHERE i.saga > known.saga ORDER BY i.saga LIMIT 1)
        FROM known WHERE known.saga IS NOT NULL
    )
    SELECT saga FROM known WHERE saga IS NOT NULL";

/// A part of a list: the instances of one saga and status, where the index has the numbers in order within those only.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part<'a> {
    pub(super) saga: Option<&'a str>,
    pub(super) status: Option<Status>,
}

impl Inner {
    pub(super) async fn read_list(
        &self,
        filter: &Filter,
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        reading!(self, conn => self.list_in(conn, filter, after, limit).await)
    }

    async fn list_in(
        &self,
        conn: &mut PgConnection,
        filter: &Filter,
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        let mut sagas: Vec<String> = Vec::new();
        if needs_sagas(filter) {
            sagas = query_scalar(self.names.sql(SAGAS)).fetch_all(&mut *conn).await?;
        }
        let parts = parts(filter, &sagas);
        let mut found = if let [part] = parts[..] {
            self.part_in(conn, filter, part, after, limit).await?
        } else {
            // As of one moment: what goes from one part to another meanwhile is in one of them.
            raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *conn).await?;
            let found = self.parts_in(conn, filter, &parts, after, limit).await;
            raw_sql(if found.is_ok() { "COMMIT" } else { "ROLLBACK" }).execute(&mut *conn).await?;
            found?
        };
        found.sort_by_key(|instance| instance.no);
        if filter.newest_first {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }
}

impl Inner {
    async fn parts_in(
        &self,
        conn: &mut PgConnection,
        filter: &Filter,
        parts: &[Part<'_>],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        let mut found = Vec::new();
        for part in parts {
            found.extend(self.part_in(conn, filter, *part, after, limit).await?);
        }
        Ok(found)
    }

    async fn part_in(
        &self,
        conn: &mut PgConnection,
        filter: &Filter,
        part: Part<'_>,
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        let mut statement = statement(&self.names, filter, part, after, limit);
        let rows = statement.build().fetch_all(conn).await?;
        rows.iter().map(instance).collect()
    }
}

/// Whether what is asked for is found by saga and status alone.
fn by_saga(filter: &Filter) -> bool {
    filter.labels.is_empty() && filter.parent.is_none() && filter.state.is_none() && filter.error.is_none()
}

fn needs_sagas(filter: &Filter) -> bool {
    by_saga(filter) && filter.saga.is_none() && !filter.statuses.is_empty()
}

pub(super) fn parts<'a>(filter: &'a Filter, sagas: &'a [String]) -> Vec<Part<'a>> {
    let saga = filter.saga.as_deref();
    if !by_saga(filter) || (saga.is_none() && filter.statuses.is_empty()) {
        return vec![Part::default()];
    }
    let wanted = |status: &Status| filter.statuses.is_empty() || filter.statuses.contains(status);
    let statuses = || Status::ALL.into_iter().filter(wanted).map(Some);
    let sagas = saga.into_iter().chain(sagas.iter().map(String::as_str));
    sagas.flat_map(|saga| statuses().map(move |status| Part { saga: Some(saga), status })).collect()
}

/// The query for one part of a list.
pub(super) fn statement(
    names: &Names,
    filter: &Filter,
    part: Part<'_>,
    after: Option<InstanceNo>,
    limit: usize,
) -> QueryBuilder<sqlx::Postgres> {
    let mut labels = filter.labels.iter();
    let mut query = QueryBuilder::new(names.put_in(concat!("SELECT ", instance_columns!(), " FROM ")));
    // What users call instances by is nearly always what tells most of them apart.
    let number = if let Some((key, value)) = labels.next() {
        query.push(names.put_in("saga.label AS tagged JOIN saga.instance AS i ON i.no = tagged.instance"));
        query.push(" WHERE tagged.key = ").push_bind(key.to_string());
        query.push(" AND tagged.value = ").push_bind(value.to_string());
        "tagged.instance"
    } else {
        query.push(names.put_in("saga.instance AS i WHERE true"));
        "i.no"
    };
    for (key, value) in labels {
        query
            .push(names.put_in(" AND EXISTS (SELECT FROM saga.label WHERE label.instance = i.no AND key = "))
            .push_bind(key.to_string());
        query.push(" AND value = ").push_bind(value.to_string()).push(")");
    }
    if let Some(InstanceNo(parent)) = filter.parent {
        query.push(" AND i.parent = ").push_bind(parent);
    }
    if let Some(state) = &filter.state {
        query.push(" AND i.state = ").push_bind(state.to_string());
    }
    if let Some(saga) = part.saga.or(filter.saga.as_deref()) {
        query.push(" AND i.saga = ").push_bind(saga.to_owned());
    }
    if let Some(status) = part.status {
        query.push(" AND i.status = ").push_bind(status.name());
    } else if !filter.statuses.is_empty() {
        let names: Vec<&str> = filter.statuses.iter().copied().map(Status::name).collect();
        query.push(" AND i.status = ANY (").push_bind(names).push(")");
    }
    if let Some(error) = &filter.error {
        query.push(" AND i.error IS NOT NULL AND position(").push_bind(error.to_string()).push(" IN i.error) > 0");
    }
    if let Some(moment) = filter.started_after {
        query.push(" AND i.started_at >= ").push_bind(moment);
    }
    if let Some(moment) = filter.started_before {
        query.push(" AND i.started_at < ").push_bind(moment);
    }
    let (beyond, order) = if filter.newest_first { (" < ", " DESC") } else { (" > ", "") };
    if let Some(InstanceNo(after)) = after {
        query.push(" AND ").push(number).push(beyond).push_bind(after);
    }
    query.push(" ORDER BY ").push(number).push(order).push(" LIMIT ").push(count(limit));
    query
}
