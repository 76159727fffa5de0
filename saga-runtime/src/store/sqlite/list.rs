//! Lists: whatever is asked for, it is read from an index that holds it in the order of the numbers.

use super::{
    Sqlite,
    error::Fault,
    read::{count, instance, instance_columns, status_name},
};
use crate::store::{Filter, Instance, InstanceNo, Status};
use sqlx::{QueryBuilder, SqliteConnection, sqlite};

impl Sqlite {
    pub(super) async fn read_list(
        &self,
        filter: &Filter,
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        let mut conn = self.readers.take().await?;
        let mut found = Vec::new();
        for status in parts(filter) {
            found.append(&mut read(&mut conn, filter, status, after, limit).await?);
        }
        conn.done();
        // Read one after the other, an instance that went from one status to another between them would be listed twice.
        found.sort_by_key(|instance| instance.no);
        found.dedup_by_key(|instance| instance.no);
        if filter.newest_first {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// The statuses that are read one by one, where an index has the numbers in order within one status only; `None` reads all
/// of them at once.
fn parts(filter: &Filter) -> Vec<Option<Status>> {
    let all = filter.statuses.is_empty();
    if all && (!filter.labels.is_empty() || filter.saga.is_none() || driver(filter, None) != "instance_saga") {
        return vec![None];
    }
    Status::ALL.into_iter().filter(|status| all || filter.statuses.contains(status)).map(Some).collect()
}

/// The index that is read: the one that leaves least over.
fn driver(filter: &Filter, status: Option<Status>) -> &'static str {
    match filter {
        Filter { parent: Some(_), .. } => "instance_parent",
        Filter { state: Some(_), .. } => "instance_state",
        Filter { error: Some(_), .. } => "instance_error",
        Filter { saga: Some(_), .. } => "instance_saga",
        _ if status.is_some() => "instance_status",
        _ => "",
    }
}

async fn read(
    conn: &mut SqliteConnection,
    filter: &Filter,
    status: Option<Status>,
    after: Option<InstanceNo>,
    limit: usize,
) -> Result<Vec<Instance>, Fault> {
    let mut query = statement(filter, status, after, limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(instance).collect()
}

/// The query for one part of a list.
pub(super) fn statement(
    filter: &Filter,
    status: Option<Status>,
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
        let driver = driver(filter, status);
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
    if let Some(saga) = &filter.saga {
        query.push(" AND saga = ").push_bind(saga.to_string());
    }
    if let Some(status) = status {
        query.push(" AND status = ").push_bind(status_name(status));
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
