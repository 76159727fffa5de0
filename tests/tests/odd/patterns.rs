//! Patterns of every kind, on data that is owned or borrowed.

#![expect(
    clippy::no_effect_underscore_binding,
    clippy::needless_borrowed_reference,
    reason = "that is what is odd here"
)]

use super::{No, Order, flow, odd, order};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

odd! {
    UnitTupleAndStructPatterns: UnitTupleAndStructPatterns, on Shape::Dot, Shape::Line(3), Shape::Box { w: 1, h: 2 }, Shape::Box { w: 5, h: 2 };
    RefAndRefMut: RefAndRefMut, on order(1, &["a", "b"]), order(2, &[]);
    BoundWithAt: BoundWithAt, on 0, 4, 15, 99;
    NestedOrPatterns: NestedOrPatterns, on (Ok(1), 2), (Err("x".into()), 1), (Ok(7), 3);
    SlicePatterns: SlicePatterns, on vec![], vec![1], vec![1, 2, 3], vec![4, 5, 6, 7];
    IfLetChains: IfLetChains, on order(1, &["aa"]), order(3, &[]), order(2, &["a"]);
    LetElseWithAStepInElse: LetElseWithAStepInElse, on order(1, &[]), order(2, &["x"]), order(4, &[]);
    MatchOnBorrowedData: MatchOnBorrowedData, on order(1, &["one", "two"]), order(2, &["three"]), order(4, &[]);
    GuardsThatLook: GuardsThatLook, on (1, "a".into()), (2, "bb".into()), (0, String::new());
    IgnoredAndRest: IgnoredAndRest, on (1, 2, 3, 4);
    RangesAndConstants: RangesAndConstants, on 'a', 'z', '0', '!';
    MatchOnAnswers: MatchOnAnswers, on "x".into(), "no".into(), "long".into();
    PatternsInParameters: PatternsInParameters, on vec![(1, "a".into()), (2, "b".into())];
    BoxedAndDereferenced: BoxedAndDereferenced, on Box::new(Some(2)), Box::new(None);
}

/// A shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Line(u32),
    Box { w: u32, h: u32 },
}

/// Nothing, as a struct.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Unit;

flow! { UnitTupleAndStructPatterns [a b]
    (self, cx, shape: Shape) -> u32 {
        let () = ();
        let Unit = Unit;
        let (unit, (n,)) = ((), (1,));
        let area = match shape {
            Shape::Dot => self.a(cx, "dot").await?,
            Shape::Line(length) => self.b(cx, &length.to_string()).await? * length,
            Shape::Box { w, h: h @ 2 } if w > h => w * h,
            Shape::Box { w: width, .. } => {
                #[state("box")]
                self.a(cx, &width.to_string()).await?
            }
        };
        let Unit = { #[state("then")] self.b(cx, &format!("{unit:?}")).await.map(|_| Unit)? };
        Ok(area + n)
    }
}

flow! { RefAndRefMut [a b]
    (self, cx, mut order: Order) -> Order {
        let Order { ref mut lines, ref note, .. } = order;
        lines.push(note.clone().unwrap_or_default());
        self.a(cx, &lines.join("")).await?;
        match order {
            Order { ref mut id, ref lines, .. } if lines.len() > 1 => {
                *id += 1;
                self.b(cx, &id.to_string()).await?;
            }
            Order { note: ref mut note @ None, .. } => *note = Some("new".into()),
            _ => {}
        }
        if let [.., ref mut last] = order.lines[..] {
            last.push('!');
        }
        Ok(order)
    }
}

flow! { BoundWithAt [a b]
    (self, cx, n: u32) -> (u32, u32) {
        let all @ (x, _) = (n, 1);
        let m = match n {
            zero @ 0 => zero,
            few @ (1..=3 | 5..10) => self.a(cx, &few.to_string()).await?,
            many @ 10.. if many < 50 => many + self.b(cx, "many").await?,
            other @ (4 | _) => other,
        };
        Ok((m + x, all.0 + all.1))
    }
}

flow! { NestedOrPatterns [a b]
    (self, cx, input: (Result<u32, String>, u32)) -> String {
        let text = match &input {
            (Ok(1 | 2), n @ (2 | 3)) | (Ok(n), 1) => self.a(cx, &n.to_string()).await?.to_string(),
            (Err(text), 1 | 2) if !text.is_empty() => self.b(cx, text).await?.to_string() + "err",
            (Ok(_) | Err(_), _) => "else".into(),
        };
        let (Ok(n) | Err(n)) = { #[state("last")] self.a(cx, &text).await.map_err(|_| 0) };
        Ok(text + &n.to_string())
    }
}

flow! { SlicePatterns [a b]
    (self, cx, all: Vec<u32>) -> u32 {
        let sum = match all.as_slice() {
            [] => 0,
            [one] => self.a(cx, &one.to_string()).await?,
            [first, .., last] if first + 2 == *last => self.b(cx, &format!("{first}{last}")).await?,
            &[first, ref middle @ .., _] => first + u32::try_from(middle.len()).unwrap_or(0),
        };
        let [x, y] = [sum, 1];
        let [.., z] = [1, 2, x];
        #[state("end")]
        self.a(cx, &z.to_string()).await?;
        Ok(x + y)
    }
}

flow! { IfLetChains [a b c]
    (self, cx, order: Order) -> u32 {
        if let Some(note) = &order.note
            && let [line, ..] = &order.lines[..]
            && !note.is_empty()
            && let Ok(n @ 2..) = self.a(cx, line).await
            && let Some(note) = order.note.as_deref()
        {
            return Ok(self.b(cx, note).await? + n);
        } else if let Some(note) = order.note && note.len() > 3 {
            return Ok(self.c(cx, &note).await?);
        }
        Ok(order.id)
    }
}

flow! { LetElseWithAStepInElse [a b]
    (self, cx, order: Order) -> String {
        let ((Some(text), _) | (None, Some(text))) = (order.note.clone(), order.lines.first().cloned()) else {
            let Ok(1..) = self.a(cx, "none").await else { return Ok("nothing".into()) };
            return Err(No("none".into()).into());
        };
        let Order { id: id @ 1.., .. } = order else { unreachable!() };
        self.b(cx, &text).await?;
        Ok(format!("{text}{id}"))
    }
}

flow! { MatchOnBorrowedData [a b c]
    (self, cx, order: Order) -> usize {
        let n = match (&order.note, order.lines.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
            (Some(note), ["one", rest @ ..]) => {
                self.a(cx, &(note.clone() + &rest.join(""))).await?
            }
            (None, [one]) => self.b(cx, one).await?,
            _ => 0,
        };
        let longest = match order.lines.iter().max_by_key(|line| line.len()) {
            Some(line) => {
                self.c(cx, line).await?;
                order.lines.len()
            }
            None => 0,
        };
        Ok(longest + n as usize + order.lines.len())
    }
}

flow! { GuardsThatLook [a b]
    (self, cx, input: (u32, String)) -> String {
        let (n, text) = input;
        let limit = self.a(cx, &text).await?;
        let is = |n: u32| n == limit;
        let out = match text {
            text if text.is_empty() => text,
            text if is(n) && text.len() > 1 => self.b(cx, &text).await?.to_string() + &text,
            ref text if let Some('a') = text.chars().next() => text.clone() + "!",
            text => text,
        };
        Ok(out)
    }
}

flow! { IgnoredAndRest [a b]
    (self, cx, all: (u32, u32, u32, u32)) -> u32 {
        let (first, ..) = all;
        let (.., last) = all;
        let (_, second, _, _) = all;
        _ = self.a(cx, &first.to_string()).await?;
        let _ = self.b(cx, &last.to_string()).await;
        let _unused = second;
        let (mut x, y);
        (x, ..) = all;
        (_, y, ..) = all;
        x += y;
        Ok(x)
    }
}

flow! { RangesAndConstants [a b]
    (self, cx, c: char) -> u32 {
        const LAST: char = 'z';
        let n = match c {
            LAST => self.a(cx, "last").await?,
            'a'..LAST => self.b(cx, &c.to_string()).await?,
            char::MIN..='/' => u32::MAX,
            i if i.is_ascii_digit() => 10,
            _ => 0,
        };
        Ok(n)
    }
}

flow! { MatchOnAnswers [a b]
    (self, cx, text: String) -> u32 {
        let n = match self.a(cx, &text).await {
            Ok(n @ 4..) => n,
            Ok(n) => {
                let (Ok(m) | Err(m)) = self.b(cx, "no").await.map_err(|why| match why {
                    Failure::Refused(No(why)) => u32::try_from(why.len()).unwrap_or(0),
                    _ => 0,
                });
                n + m
            }
            Err(Failure::Refused(No(ref why))) if why.ends_with("no") => 77,
            Err(why) => return Err(why.into()),
        };
        Ok(n)
    }
}

flow! { PatternsInParameters [a b]
    (self, cx, all: Vec<(u32, String)>) -> Vec<String> {
        let mut out = vec![];
        for &(n, ref text) in &all {
            let a = self.a(cx, text).await?;
            out.push(format!("{n}{a}"));
        }
        for (i, (n, text)) in all.into_iter().enumerate() {
            self.b(cx, &text).await?;
            out.push(format!("{i}{n}{text}"));
        }
        let longest = out.iter().map(|text| (text.len(), text)).fold(0, |most, (n, _)| most.max(n));
        out.push(longest.to_string());
        Ok(out)
    }
}

flow! { BoxedAndDereferenced [a b]
    (self, cx, n: Box<Option<u32>>) -> u32 {
        let m = match *n {
            Some(n) => self.a(cx, &n.to_string()).await?,
            None => 0,
        };
        let n = &n;
        let &ref inner = n;
        let k = if let Some(n) = inner.as_ref() { *n } else { 0 };
        self.b(cx, &k.to_string()).await?;
        Ok(m + k)
    }
}
