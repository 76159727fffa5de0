use super::*;

// On the page:
struct Sale;

#[saga(name = "sale", version = 1)]
impl Sale {
    /// Sells, has the customer asked in a week, and tells the tour that there is one more.
    #[flow]
    async fn run(&self, cx: &FlowContext, tour: String) -> Result<String, Unwind<No>> {
        self.sell(cx, &tour).await?;
        let survey = cx.launch::<Survey>(tour.clone()).await; // its id; it goes its own way
        if cx.send(&tour, Tour::JOINED, 1).await.is_err() {
            println!("the tour {tour} has ended already");
        }
        Ok(survey)
    }

    #[step(pivot)]
    async fn sell(&self, cx: &StepContext, tour: &str) -> Result<String, Failure<No>> {
        ask(cx, tour).await
    }
}

struct Survey;

#[saga(name = "survey", version = 1)]
impl Survey {
    #[flow]
    async fn run(&self, cx: &FlowContext, _tour: String) -> Result<(), Unwind<No>> {
        cx.sleep("7d").await;
        Ok(())
    }
}

struct Tour;

#[saga(name = "tour", version = 1)]
impl Tour {
    /// So many have joined.
    #[signal]
    const JOINED: Signal<Self, u32> = Signal::new("joined");

    #[flow]
    async fn run(&self, cx: &FlowContext, seats: u32) -> Result<(), Unwind<No>> {
        let mut taken = 0;
        while taken < seats {
            let joined = cx.wait(Self::JOINED).forever().await;
            taken += joined;
        }
        Ok(())
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Sale::definition()
}

#[tokio::test(start_paused = true)]
async fn a_sale_has_its_consequences_elsewhere() {
    let cx = FlowContext::detached();
    assert!(Sale.run(&cx, "tour-7".into()).await.is_ok());
    assert_eq!(cx.launched::<Survey>(), ["tour-7"]);
    assert_eq!(cx.sent(Tour::JOINED), [("tour-7".to_owned(), 1)]);
    assert!(Survey.run(&cx, String::new()).await.is_ok());
    let full = FlowContext::detached().with_signal(Tour::JOINED, 1).with_signal(Tour::JOINED, 1);
    assert!(Tour.run(&full, 2).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_tour_has_its_guest_and_the_survey_takes_its_week() {
    let runtime = runs::builder().register(Sale).register(Survey).register(Tour).start().await.unwrap();
    let tour = runtime.start::<Tour>("tour-7", 1).await.unwrap();
    let sale = runtime.start::<Sale>("sale-1", "tour-7".into()).await.unwrap();
    let survey = sale.result().await.unwrap().completed().unwrap();
    assert!(tour.result().await.unwrap().completed().is_some(), "its only seat is taken");
    let survey = runtime.get::<Survey>(&survey).await.unwrap().expect("it was launched");
    assert!(survey.result().await.unwrap().completed().is_some());
}
