//! What holds on every database.

mod accepted;
mod barrier;
mod broken;
mod http;
mod keys;
mod processes;
mod pruning;
mod schema;
mod sending;

use saga_participant::{Answer, Call, Error, Key, Participant};
use serde_json::json;
use sqlx::Pool;

use crate::{DB, Database};

/// A service with an effect that can be counted: nothing in its own tables keeps it from having it twice.
struct Service {
    participant: Participant<DB>,
    database: Database,
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

impl Service {
    async fn start() -> Self {
        let database = Database::fresh().await;
        let pool = database.pool().await;
        sqlx::query("CREATE TABLE holds (key TEXT NOT NULL, quantity BIGINT NOT NULL)").execute(&pool).await.unwrap();
        Self { participant: Participant::open(pool).await.unwrap(), database }
    }

    /// The same database as another process sees it: nothing in memory is shared.
    async fn elsewhere(&self) -> Participant<DB> {
        Participant::new(self.database.pool().await)
    }

    fn pool(&self) -> &Pool<DB> {
        self.participant.pool()
    }

    /// The keys that have had an effect and still have it.
    async fn held(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT key FROM holds ORDER BY key").fetch_all(self.pool()).await.unwrap()
    }

    async fn hold(&self, key: &str, quantity: i64) -> Result<Answer, Error> {
        hold(&self.participant, key, quantity).await
    }

    async fn release(&self, key: &str, undoes: &str) -> Result<Answer, Error> {
        release(&self.participant, key, undoes).await
    }
}

/// Holds a quantity; more than ten is refused, after the effect was tried.
async fn hold(participant: &Participant<DB>, under: &str, quantity: i64) -> Result<Answer, Error> {
    let call = Call::new("hold", key(under), json!({ "quantity": quantity }).to_string().as_bytes());
    participant
        .act(&call, async |mut effect| {
            let key = effect.key().to_string();
            let insert = sqlx::query("INSERT INTO holds (key, quantity) VALUES ($1, $2)");
            insert.bind(&key).bind(quantity).execute(effect.db()).await?;
            if quantity > 10 { effect.refuse(409_u16, &"too many") } else { effect.done_with(201_u16, &quantity) }
        })
        .await
}

async fn release(participant: &Participant<DB>, under: &str, undoes: &str) -> Result<Answer, Error> {
    let call = Call::new("hold", key(under), b"").undoing(key(undoes));
    participant
        .compensate(&call, async |mut undo| {
            let undone = undo.undoes().to_string();
            let delete = sqlx::query("DELETE FROM holds WHERE key = $1").bind(&undone);
            assert_eq!(delete.execute(undo.db()).await?.rows_affected(), 1, "there is something to undo");
            Ok(undo.undone())
        })
        .await
}
