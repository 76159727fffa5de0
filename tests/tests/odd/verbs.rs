//! Sleeps, signals, children and labels in odd places.

use super::{No, Order, act, odd, order};
use saga_runtime::prelude::*;
use saga_tests::memory::{Script, World};
use std::time::Duration;

odd! {
    SleepsInOddPlaces: SleepsInOddPlaces, on 0, 1, 3;
    WaitsInOddPlaces: WaitsInOddPlaces, when Script::default().signal(WaitsInOddPlaces::TEXT, "x".to_owned()), on 0, 1, 2;
    RacesOfFour: |_| RacesOfFour, when Script::default().signal(RacesOfFour::C, (1, 2)), on 1;
    ChildrenInOddPlaces: |_| ChildrenInOddPlaces, when Script::default().child::<Part>(|n| if n == 9 { Err(No("nine".into()).into()) } else { Ok(n * 2) }), on 1, 9, 5;
    LabelsEverywhere: LabelsEverywhere, on order(1, &["a"]), order(2, &[]);
}

/// Time passes wherever it can.
struct SleepsInOddPlaces(World);

#[saga]
impl SleepsInOddPlaces {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u64) -> Result<u64, Unwind<No>> {
        let unit: () = cx.sleep(if n > 0 { "2s" } else { "1s" }).await;
        let spans = [Duration::from_secs(n), Duration::ZERO];
        for span in spans {
            #[state("each")]
            cx.sleep(span).await;
        }
        match n {
            0 => {
                #[state("none")]
                cx.sleep("1d").await;
            }
            1 => {}
            _ => {
                #[state("more")]
                cx.sleep(Duration::from_millis(n * 10)).await;
            }
        }
        let until = cx.now() + Duration::from_secs(1);
        #[state("until")]
        cx.sleep_until(until).await;
        self.act(cx, &format!("{unit:?}")).await?;
        Ok(n)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}

/// Waits as operands, in conditions and in arms.
struct WaitsInOddPlaces(World);

#[saga]
impl WaitsInOddPlaces {
    /// A text.
    #[signal]
    const TEXT: Signal<Self, String> = Signal::new("text");
    #[signal]
    const NEVER: Signal<Self, ()> = Signal::new("never");

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<String, Unwind<No>> {
        if cx.wait(Self::NEVER).within("1s").await.is_ok() {
            return Err(No("never".into()).into());
        }
        #[state("text")]
        let text = match (n, cx.wait(Self::TEXT).within("1h").await) {
            (0, Ok(text)) => text,
            (_, Ok(text)) if text.len() > 3 => text,
            (1, Ok(_)) | (_, Err(Elapsed)) => "late".to_owned(),
            (n, Ok(text)) => text.repeat(n as usize),
        };
        #[state("once_more")]
        let Err(Elapsed) = cx.wait(Self::NEVER).within(Duration::from_secs(1)).await else {
            return Ok(text);
        };
        let length = {
            #[state("last")]
            cx.wait((Self::TEXT, Self::NEVER)).within("1m").await.map_or(0, |one| match one {
                OneOf2::First(text) => text.len(),
                OneOf2::Second(()) => 1,
            })
        };
        self.act(cx, &length.to_string()).await?;
        Ok(text)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}

/// As many signals as there may be.
struct RacesOfFour;

#[saga]
impl RacesOfFour {
    #[signal]
    const A: Signal<Self, ()> = Signal::new("a");
    #[signal]
    const B: Signal<Self, Option<String>> = Signal::new("b");
    #[signal]
    const C: Signal<Self, (u32, u32)> = Signal::new("c");
    #[signal]
    const D: Signal<Self, [u8; 2]> = Signal::new("d");

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let m = match cx.wait((Self::A, Self::B, Self::C, Self::D)).within("1h").await {
            Ok(OneOf4::First(()) | OneOf4::Second(None)) => 0,
            Ok(OneOf4::Second(Some(text))) => u32::try_from(text.len()).unwrap_or(0),
            Ok(OneOf4::Third((x, y))) => x * 10 + y,
            Ok(OneOf4::Fourth([x, _])) => x.into(),
            Err(Elapsed) => return Ok(n),
        };
        Ok(m + n)
    }
}

/// A part of something.
struct Part;

#[saga]
impl Part {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        cx.sleep("1s").await;
        Ok(n)
    }
}

/// Other sagas in conditions, arms and operands.
struct ChildrenInOddPlaces;

#[saga]
impl ChildrenInOddPlaces {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<Vec<u32>, Unwind<No>> {
        let mut all = vec![];
        if let Ok(m @ 1..) = cx.child::<Part>(n).within("1h").await {
            all.push(m);
        } else {
            all.push(0);
        }
        while all.len() < 3 {
            let m = u32::try_from(all.len()).unwrap_or(0);
            #[state("again")]
            let part = cx.child::<Part>(m).forever().await?;
            all.push(part);
        }
        let last = all.iter().sum::<u32>() + n;
        #[state("last")]
        all.push(cx.child::<Part>(last).within("1m").await? + 1);
        Ok(all)
    }
}

/// Labels before, between and behind everything.
struct LabelsEverywhere(World);

#[saga]
impl LabelsEverywhere {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<No>> {
        cx.set_label("id", order.id);
        for (i, line) in order.lines.iter().enumerate() {
            cx.set_label("line", format!("{i}{line}"));
            self.act(cx, line).await?;
            cx.set_label("done", i);
        }
        let label = |text: &str| cx.set_label("note", text);
        order.note.iter().for_each(|note| label(note));
        cx.sleep("1s").await;
        let length = order.note.map_or(0, |note| note.len());
        cx.set_label("length", length);
        Ok(())
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}
