use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<usize, Unwind<Refused>> {
        // Fields, and what is taken apart, are saved one by one.
        let pair = (order, String::from("a note"));
        let (first, note) = pair;
        let Order { lines } = first;
        // A part that is copied leaves the whole as it is.
        let counted = (lines.len(), note.clone());
        let count = counted.0;
        if count == 0 {
            let given = (note, count);
            let text = given.0;
            return Ok(text.len());
        }
        self.notify(cx, &lines).await?;
        // After the last step nothing is saved.
        let both = (counted.1, note);
        let text = both.0;
        Ok(count + text.len() + both.1.len() + counted.0)
    }

    #[step(no_compensation = "a mail cannot be unsent")]
    async fn notify(&self, _cx: &StepContext, lines: &[String]) -> Result<(), Failure<Refused>> {
        println!("{}", lines.len());
        Ok(())
    }
}

fn main() {}
