//! Statements, each with the schema's name in it: nothing depends on a `search_path`, which a connection may not keep.

use sqlx::AssertSqlSafe;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The longest name that a schema may have, so that what is named after it fits into one of Postgres's names.
const LONGEST: usize = 48;

/// Puts the schema's name where a statement says `saga.`, once for each statement.
#[derive(Debug)]
pub(super) struct Names {
    schema: Box<str>,
    /// By where the statement is in the program, which is quicker than by what it says.
    known: Mutex<HashMap<(usize, usize), Arc<str>>>,
}

impl Names {
    /// `None` if this is no name that needs no thought: small letters, digits and `_`, not too long.
    pub(super) fn new(schema: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts_well =
            schema.bytes().next().is_some_and(|first| !first.is_ascii_digit()) && !schema.starts_with("pg_");
        let fits = schema.len() <= LONGEST && schema.bytes().all(plain);
        (starts_well && fits).then(|| Self { schema: schema.into(), known: Mutex::default() })
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// The statement for this schema.
    pub(super) fn sql(&self, statement: &'static str) -> AssertSqlSafe<Arc<str>> {
        let place = (statement.as_ptr().addr(), statement.len());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        AssertSqlSafe(Arc::clone(known.entry(place).or_insert_with(|| self.put_in(statement).into())))
    }

    /// The same of a text that is used once.
    pub(super) fn put_in(&self, statement: &str) -> String {
        statement.replace("saga.", &format!("\"{}\".", self.schema))
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_schemas_name_needs_no_thought() {
        for good in ["saga", "orders_2", "_x"] {
            assert!(Names::new(good).is_some(), "{good:?}");
        }
        for bad in ["", "2x", "Saga", "a b", "a\"b", "a;b", "pg_saga", "é", &"x".repeat(49)] {
            assert!(Names::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn the_name_stands_before_tables_and_nowhere_else() {
        let names = Names::new("orders").unwrap();
        let sql = "SELECT i.saga FROM saga.instance AS i WHERE saga = $1";
        assert_eq!(names.put_in(sql), "SELECT i.saga FROM \"orders\".instance AS i WHERE saga = $1");
    }
}
