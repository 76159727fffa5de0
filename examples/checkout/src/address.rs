//! Where a service or a database is: an address that is refused when it is given, and not by every call that would be made to it.

use std::fmt;

use reqwest::Url;
use sqlx::postgres::PgConnectOptions;

/// Why a text is no address, and what one looks like.
#[derive(Debug)]
pub(crate) struct BadAddress(String);

impl BadAddress {
    fn of_service(why: impl fmt::Display) -> Self {
        Self(format!("{why}; write where the service listens, as in http://127.0.0.1:7001"))
    }

    fn of_database(why: impl fmt::Display) -> Self {
        Self(format!("{why}; write a connection string, as in postgres://role:password@host/database"))
    }
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAddress {}

/// Reads the address of a service, as an option is given it. Paths are put behind what this gives.
pub(crate) fn read(text: &str) -> Result<String, BadAddress> {
    let url = Url::parse(text).map_err(BadAddress::of_service)?;
    // `localhost:7001` is a URL too, of a scheme that is called `localhost`.
    if url.scheme() != "http" {
        let why = format!("it begins with `{}:`, and these services speak http", url.scheme());
        return Err(BadAddress::of_service(why));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadAddress::of_service("nothing can stand behind its `?` or `#`"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Reads the address of a PostgreSQL database, likewise.
pub(crate) fn read_database(text: &str) -> Result<String, BadAddress> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err(BadAddress::of_database("it does not begin with `postgres://`"));
    }
    text.parse::<PgConnectOptions>().map_err(BadAddress::of_database)?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_service_can_listen_is_an_address() {
        assert_eq!(read("http://127.0.0.1:7001").unwrap(), "http://127.0.0.1:7001");
        assert_eq!(read("http://shop.example/inventory/").unwrap(), "http://shop.example/inventory");
    }

    #[test]
    fn what_no_call_can_be_made_to_is_turned_down_with_the_reason() {
        for (text, reason) in [
            ("notaurl", "relative URL without a base"),
            ("", "relative URL without a base"),
            ("http://", "empty host"),
            ("http://127.0.0.1:70010", "invalid port"),
            ("localhost:7001", "begins with `localhost:`"),
            ("https://shop.example", "begins with `https:`"),
            ("http://shop.example?a=b", "behind its `?`"),
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(reason) && said.contains("http://127.0.0.1:7001"), "{text}: {said}");
        }
    }

    #[test]
    fn a_database_is_told_from_what_is_none() {
        for text in ["postgres://you@localhost/postgres", "postgresql://tester@localhost/postgres?host=/tmp/pg"] {
            assert_eq!(read_database(text).unwrap(), text);
        }
        for text in ["notaurl", "http://localhost", "postgres://host:port/database"] {
            let said = read_database(text).unwrap_err().to_string();
            assert!(said.contains("postgres://role:password@host/database"), "{text}: {said}");
        }
    }
}
