//! Borrows between steps: of locals, by closures, iterators and futures that do not cross them.

#![expect(clippy::unnecessary_fold, clippy::ref_option, reason = "that is what is odd here")]

use super::{No, Order, act, flow, odd, order};
use saga_runtime::prelude::*;
use saga_tests::memory::{World, now};
use std::{borrow::Cow, cell::Cell, cell::RefCell, pin::pin, task};

odd! {
    MutableBorrowsBetweenSteps: MutableBorrowsBetweenSteps, on order(1, &["a"]), order(2, &[]);
    ClosuresBetweenSteps: ClosuresBetweenSteps, on vec![3, 1, 2];
    IteratorsBetweenSteps: IteratorsBetweenSteps, on "a b c".into();
    AFutureThatDoesNotCross: AFutureThatDoesNotCross, on 3;
    APinnedFuture: APinnedFuture, on 4;
    CellsBetweenSteps: CellsBetweenSteps, on 2;
    BorrowedAgain: BorrowedAgain, on order(1, &["a", "bb"]);
    BorrowedFieldsOfSelf: |world| BorrowedFieldsOfSelf { world, prices: vec![("a".into(), 3)] }, on "a".into(), "b".into();
    CowsAndRefs: CowsAndRefs, on "text".into(), String::new();
    TemporariesInArguments: TemporariesInArguments, on "x".into();
    DynAndFnPointers: DynAndFnPointers, on 3, 8;
    ElidedLifetimesInParameters: ElidedLifetimesInParameters, on order(1, &["a", "b"]), order(2, &[]);
}

flow! { MutableBorrowsBetweenSteps [a b]
    (self, cx, mut order: Order) -> Order {
        let lines = &mut order.lines;
        lines.push("new".into());
        let last = lines.last_mut();
        if let Some(last) = last {
            last.push('!');
        }
        self.a(cx, &order.lines.join(",")).await?;
        {
            let Order { id, note, .. } = &mut order;
            *id += 1;
            let note = note.get_or_insert_default();
            note.push_str("...");
            self.b(cx, &format!("{id}{note}")).await?;
        }
        let id = &mut order.id;
        *id *= 2;
        Ok(order)
    }
}

flow! { ClosuresBetweenSteps [a b]
    (self, cx, numbers: Vec<u32>) -> (Vec<u32>, usize) {
        let mut numbers = numbers;
        let mut count = 0;
        let mut counted = |n: &u32| {
            count += 1;
            *n
        };
        numbers.sort_by_key(|n| counted(n));
        let sum = numbers.iter().fold(0, |sum, n| sum + n);
        self.a(cx, &sum.to_string()).await?;
        let most = count.min(2);
        let add: Box<dyn Fn(u32) -> u32> = Box::new(move |n| n + sum);
        let added: Vec<_> = numbers.iter().map(|n| add(*n)).collect();
        drop(add);
        self.b(cx, &format!("{added:?}")).await?;
        Ok((added, most))
    }
}

flow! { IteratorsBetweenSteps [a b]
    (self, cx, text: String) -> Vec<String> {
        let mut words = text.split(' ');
        let first = words.next().unwrap_or_default().to_owned();
        let rest: Vec<_> = words.map(str::to_uppercase).collect();
        self.a(cx, &first).await?;
        let mut all = rest.iter().peekable();
        let mut out = vec![];
        while let Some(word) = all.next() {
            if all.peek().is_some() {
                out.push(word.clone());
            }
        }
        self.b(cx, &out.join("")).await?;
        out.extend(rest);
        out.push(first);
        Ok(out)
    }
}

flow! { AFutureThatDoesNotCross [a b]
    (self, cx, n: u32) -> (u32, bool) {
        let later = async { n + 1 };
        let at_once = now(later);
        let m = self.a(cx, &format!("{at_once:?}")).await?;
        let never = now(std::future::pending::<()>());
        let sum = now(async move {
            let inner = Some(async { Ok::<_, No>(m) });
            inner.and_then(now).and_then(Result::ok).map_or(0, |m| m + n)
        });
        self.b(cx, &format!("{sum:?}")).await?;
        Ok((sum.unwrap_or(0), never.is_none()))
    }
}

flow! { APinnedFuture [a b]
    (self, cx, n: u32) -> u32 {
        let ready = {
            let mut future = pin!(async { n * 2 });
            match future.as_mut().poll(&mut task::Context::from_waker(task::Waker::noop())) {
                task::Poll::Ready(n) => n,
                task::Poll::Pending => 0,
            }
        };
        self.a(cx, &ready.to_string()).await?;
        let boxed: std::pin::Pin<Box<dyn Future<Output = u32>>> = Box::pin(std::future::ready(ready));
        let n = now(boxed).unwrap_or(n);
        self.b(cx, &n.to_string()).await?;
        Ok(n)
    }
}

flow! { CellsBetweenSteps [a b]
    (self, cx, n: u32) -> u32 {
        let cell = Cell::new(n);
        let shared = std::rc::Rc::new(RefCell::new(vec![n]));
        (0..3).for_each(|i| cell.set(cell.get() + i));
        shared.borrow_mut().push(cell.get());
        let length = u32::try_from(shared.borrow().len()).unwrap_or(0);
        let sum: u32 = shared.borrow().iter().sum();
        drop((shared, cell));
        let m = self.a(cx, &sum.to_string()).await?;
        self.b(cx, &length.to_string()).await?;
        Ok(m + sum + length)
    }
}

flow! { BorrowedAgain [a b c]
    (self, cx, order: Order) -> usize {
        let lines = &order.lines;
        let longest = lines.iter().max_by_key(|line| line.len()).unwrap_or(&order.lines[0]);
        self.a(cx, longest).await?;
        let lines = &order.lines[..];
        let (first, rest) = lines.split_at(1);
        self.b(cx, &format!("{first:?}{rest:?}")).await?;
        let view = |at: usize| order.lines.get(at).map_or("none", String::as_str);
        self.c(cx, view(1)).await?;
        Ok(order.lines.len())
    }
}

/// Prices in a field, read between the steps.
struct BorrowedFieldsOfSelf {
    world: World,
    prices: Vec<(String, u32)>,
}

#[saga]
impl BorrowedFieldsOfSelf {
    #[flow]
    async fn run(&self, cx: &FlowContext, name: String) -> Result<u32, Unwind<No>> {
        let prices = &self.prices;
        let Some((_, price)) = prices.iter().find(|(known, _)| *known == name) else {
            return Err(No(format!("{} prices", self.prices.len())).into());
        };
        let paid = self.pay(cx, *price).await?;
        for (name, price) in prices {
            #[state("each")]
            self.pay(cx, price + u32::try_from(name.len()).unwrap_or(0)).await?;
        }
        Ok(paid + self.price(&name).unwrap_or(0))
    }

    fn price(&self, name: &str) -> Option<u32> {
        self.prices.iter().find_map(|(known, price)| (known == name).then_some(*price))
    }

    #[step(no_compensation = "a test")]
    async fn pay(&self, cx: &StepContext, price: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.world, "pay", &price.to_string()).await
    }
}

flow! { CowsAndRefs [a b]
    (self, cx, text: String) -> String {
        let short: Cow<'_, str> = if text.is_empty() { Cow::Owned("empty".to_owned()) } else { Cow::Borrowed(&text) };
        self.a(cx, &short).await?;
        let long: Cow<'static, str> = Cow::Owned(text.repeat(2));
        self.b(cx, long.as_ref()).await?;
        Ok(long.into_owned() + &text)
    }
}

flow! { TemporariesInArguments [a b c]
    (self, cx, text: String) -> usize {
        self.a(cx, String::from_utf8_lossy(text.as_bytes()).trim()).await?;
        self.b(cx, text.split('x').map(|part| part.to_owned() + "y").collect::<Vec<_>>().join("-").as_str()).await?;
        self.c(cx, if text.is_empty() { "empty" } else { &text[..1] }).await?;
        #[state("block")]
        self.a(cx, { let end = text.len().min(3); &text[..end] }).await?;
        #[state("match")]
        self.b(cx, match text.len() { 0 => "zero", _ => &text }).await?;
        Ok(text.len())
    }
}

flow! { DynAndFnPointers [a b]
    (self, cx, n: u32) -> String {
        let shown: &dyn std::fmt::Display = if n > 5 { &n } else { &"small" };
        let text = shown.to_string();
        let change: fn(&str) -> String = if n > 5 { str::to_uppercase } else { str::to_lowercase };
        self.a(cx, &change(&text)).await?;
        let boxed: Box<dyn Iterator<Item = u32>> = if n > 5 { Box::new(0..n) } else { Box::new(std::iter::once(n)) };
        let sum: u32 = boxed.sum();
        self.b(cx, &sum.to_string()).await?;
        Ok(text)
    }
}

/// Borrowed parameters of every kind.
struct ElidedLifetimesInParameters(World);

#[saga]
impl ElidedLifetimesInParameters {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u32, Unwind<No>> {
        let n = self.all(cx, &order, &order.lines, order.note.as_deref(), (order.id, "x".into()), &Some(1)).await?;
        let m = self.nested(cx, &[order.lines.clone(), vec![]], order.lines.first()).await?;
        Ok(self.part(cx, &order, &[n, m]).await? + n + m)
    }

    #[flow(inner)]
    async fn part(&self, cx: &FlowContext, order: &Order, numbers: &[u32]) -> Result<u32, Unwind<No>> {
        let mut sum: u32 = numbers.iter().sum();
        for line in &order.lines {
            #[state("part")]
            let n = self.nested(cx, &[vec![line.clone()]], None).await?;
            sum += n;
        }
        Ok(sum + numbers[0])
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn all(
        &self,
        cx: &StepContext,
        order: &Order,
        lines: &[String],
        note: Option<&str>,
        pair: (u32, Box<str>),
        maybe: &Option<u32>,
    ) -> Result<u32, Failure<No>> {
        let _ = cx;
        act(&self.0, "all", &format!("{order:?}{lines:?}{note:?}{pair:?}{maybe:?}")).await
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn nested(
        &self,
        _cx: &StepContext,
        lines: &[Vec<String>],
        first: Option<&String>,
    ) -> Result<u32, Failure<No>> {
        act(&self.0, "nested", &format!("{lines:?}{first:?}")).await
    }
}
