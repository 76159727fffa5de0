use super::*;

// On the page:
use sqlx::query;

struct Voucher;

#[saga(name = "voucher", version = 1)]
impl Voucher {
    /// The vouchers are the saga's own, in a table beside the store's; the rooms are somebody else's.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        let left = self.redeem(cx, &city).await?;
        let room = self.book_room(cx, &city).await?;
        Ok(format!("{room}, and {left} vouchers are left"))
    }

    #[step(transaction)]
    async fn redeem(&self, cx: &StepContext, city: &str) -> Result<i64, Failure<No>> {
        let mut db = cx.transaction()?;
        let redeem = query("UPDATE voucher SET left = left - 1 WHERE city = ? AND left > 0").bind(city);
        if redeem.execute(&mut *db).await?.rows_affected() == 0 {
            return Err(No::SoldOut.into());
        }
        let left = sqlx::query_scalar("SELECT left FROM voucher WHERE city = ?").bind(city);
        Ok(left.fetch_one(&mut *db).await?)
    }

    #[compensate(redeem)]
    async fn give_back(&self, cx: &StepContext, city: &str) -> Result<(), Transient> {
        let give_back = query("UPDATE voucher SET left = left + 1 WHERE city = ?").bind(city);
        give_back.execute(&mut *cx.transaction()?).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn book_room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Voucher::definition()
}

#[tokio::test]
async fn a_voucher_is_redeemed_or_given_back() {
    use sqlx::{ConnectOptions, Executor as _, sqlite::SqliteConnectOptions};
    let options = SqliteConnectOptions::new().filename(":memory:");
    let mut memory = options.connect().await.unwrap();
    memory.execute("CREATE TABLE voucher (city TEXT, left INTEGER)").await.unwrap();
    memory.execute("INSERT INTO voucher VALUES ('Oslo', 1), ('Atlantis', 1)").await.unwrap();
    let cx = FlowContext::detached().with_transaction(memory);
    let redeemed = Voucher.run(&cx, "Oslo".into()).await;
    assert!(redeemed.is_ok_and(|said| said.ends_with("0 vouchers are left")));
    assert_eq!(no(Voucher.run(&cx, "Oslo".into()).await), No::SoldOut);
    assert!(Voucher.give_back(&cx, "Oslo").await.is_ok());
    assert!(Voucher.run(&cx, "Oslo".into()).await.is_ok());
}
