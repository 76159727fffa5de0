// Arguments that borrow, in their owned form.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

use std::path::Path;

struct Borrowing;

#[saga(name = "borrowing")]
impl Borrowing {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let note = order.lines.first().cloned();
        let seen = self.read(note.as_deref(), &order.lines, Path::new("/tmp"), 3).await?;
        Ok(seen)
    }

    #[step(read_only)]
    async fn read(
        &self,
        note: Option<&str>,
        lines: &[String],
        at: &Path,
        r#type: u32,
    ) -> Result<u64, Failure<Refused>> {
        println!("{note:?} {lines:?} {} {}", at.display(), r#type);
        Ok(lines.len() as u64)
    }
}
