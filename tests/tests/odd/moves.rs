//! Moves: of fields, on some ways only, and back again.

#![expect(
    clippy::toplevel_ref_arg,
    clippy::single_element_loop,
    clippy::box_collection,
    reason = "that is what is odd here"
)]

use super::{Order, flow, odd, order};
use saga_runtime::prelude::*;
use std::collections::BTreeMap;

odd! {
    FieldsMovedOneByOne: FieldsMovedOneByOne, on order(1, &["a", "b"]), order(2, &[]);
    MovedByAPattern: MovedByAPattern, on order(1, &["a"]), order(2, &["b", "c"]);
    MovedOnOneWayOnly: MovedOnOneWayOnly, on (1, "x".into()), (9, "y".into());
    MovedAndGivenBack: MovedAndGivenBack, on vec!["a".into()], vec![];
    MovedIntoAClosure: MovedIntoAClosure, on "x".into();
    TakenOutOfAnOption: TakenOutOfAnOption, on order(1, &[]), order(2, &[]);
    MovedInTheLastTurn: MovedInTheLastTurn, on 1, 3;
    UpdatedStructs: UpdatedStructs, on order(3, &["z"]);
    SwappedAndReplaced: SwappedAndReplaced, on ("a".into(), "b".into());
    AMovedBoxOpened: AMovedBoxOpened, on Box::new("x".into());
    MovedByAMethod: MovedByAMethod, on order(1, &["a"]), order(2, &["no"]);
    TakenApartByAPattern: TakenApartByAPattern, on order(1, &["a"]), order(2, &["b", "c"]);
    NotMovedByAPattern: NotMovedByAPattern, on order(1, &["a"]), order(2, &[]);
    LentTwice: LentTwice, on 3;
    PartsOfATuple: PartsOfATuple, on ("a".into(), vec![1], 3);
}

flow! { FieldsMovedOneByOne [a b]
    (self, cx, order: Order) -> String {
        let lines = order.lines;
        self.a(cx, &lines.join(" ")).await?;
        let note = order.note.unwrap_or_default();
        self.b(cx, &note).await?;
        Ok(format!("{}{note}{lines:?}", order.id))
    }
}

flow! { MovedByAPattern [a b]
    (self, cx, order: Order) -> usize {
        let Order { id, ref lines, .. } = order;
        let length = lines.len();
        self.a(cx, &id.to_string()).await?;
        let Order { note, .. } = order;
        if let Some(note) = note {
            self.b(cx, &note).await?;
            drop(note);
        }
        Ok(length)
    }
}

flow! { MovedOnOneWayOnly [a b c]
    (self, cx, input: (u32, String)) -> usize {
        let (n, text) = input;
        let kept;
        if n > 5 {
            let moved = text;
            self.a(cx, &moved).await?;
            kept = moved.len();
        } else {
            self.b(cx, &text).await?;
            kept = text.len() + 1;
        }
        self.c(cx, &kept.to_string()).await?;
        Ok(kept)
    }
}

flow! { MovedAndGivenBack [a b]
    (self, cx, all: Vec<String>) -> Vec<String> {
        fn with(mut all: Vec<String>, one: u32) -> Vec<String> {
            all.push(one.to_string());
            all
        }
        let mut all = all;
        let one = self.a(cx, "a").await?;
        all = with(all, one);
        let taken = std::mem::take(&mut all);
        self.b(cx, &taken.join("")).await?;
        all = taken;
        Ok(with(all, 7))
    }
}

flow! { MovedIntoAClosure [a b]
    (self, cx, text: String) -> String {
        let n = self.a(cx, &text).await?;
        let add = move |m: u32| format!("{text}{n}{m}");
        let text = add(1) + &add(2);
        self.b(cx, &text).await?;
        Ok(text)
    }
}

flow! { TakenOutOfAnOption [a b]
    (self, cx, mut order: Order) -> (Option<String>, bool) {
        let note = order.note.take();
        self.a(cx, note.as_deref().unwrap_or("none!")).await?;
        let gone = order.note.is_none();
        order.note = note.filter(|note| note.len() > 2);
        self.b(cx, &format!("{:?}", order.note.as_ref().map(String::len))).await?;
        Ok((order.note.replace("new".into()), gone))
    }
}

flow! { MovedInTheLastTurn [a b]
    (self, cx, n: usize) -> String {
        let text = String::from("text");
        let mut turn = 0;
        loop {
            turn += 1;
            self.a(cx, &text).await?;
            if turn == n {
                let moved = text;
                self.b(cx, &moved).await?;
                break Ok(moved);
            }
        }
    }
}

flow! { UpdatedStructs [a b]
    (self, cx, order: Order) -> (Order, Order) {
        let first = Order { id: self.a(cx, "a").await?, ..order.clone() };
        let id = first.id + 1;
        let second = Order { id, lines: vec![], ..order };
        self.b(cx, &format!("{second:?}")).await?;
        Ok((first, second))
    }
}

flow! { SwappedAndReplaced [a b]
    (self, cx, pair: (String, String)) -> (String, String, String) {
        let (mut x, mut y) = pair;
        std::mem::swap(&mut x, &mut y);
        self.a(cx, &x).await?;
        (x, y) = (y.clone() + "!", x);
        let old = std::mem::replace(&mut x, "new".into());
        self.b(cx, &old).await?;
        [x, y] = [y, x];
        Ok((x, y, old))
    }
}

flow! { AMovedBoxOpened [a b]
    (self, cx, text: Box<String>) -> String {
        self.a(cx, &text).await?;
        let inner = *text;
        let boxed: Box<str> = inner.clone().into_boxed_str();
        self.b(cx, &boxed).await?;
        Ok(inner + &boxed)
    }
}

flow! { PartsOfATuple [a b]
    (self, cx, parts: (String, Vec<u32>, u32)) -> BTreeMap<String, Vec<u32>> {
        let text = parts.0;
        let n = parts.2 + self.a(cx, &text).await?;
        let mut numbers = parts.1;
        numbers.push(n);
        self.b(cx, &format!("{numbers:?}")).await?;
        Ok(BTreeMap::from([(text, numbers)]))
    }
}

flow! { MovedByAMethod [a b c]
    (self, cx, order: Order) -> String {
        let note = order.note.unwrap_or_default();
        self.a(cx, &note).await?;
        let lines: Vec<String> = order.lines.into_iter().rev().collect();
        self.b(cx, &lines.join("")).await?;
        self.c(cx, &order.id.to_string()).await?;
        Ok(format!("{note}{lines:?}{}", order.id))
    }
}

flow! { TakenApartByAPattern [a b c]
    (self, cx, order: Order) -> String {
        let other = order.clone();
        let Order { lines, .. } = order;
        self.a(cx, &lines.join("")).await?;
        match other {
            Order { note: Some(note), .. } => self.b(cx, &note).await?,
            Order { lines, id, .. } => self.c(cx, &format!("{lines:?}{id}")).await?,
        };
        Ok(format!("{} {:?} {}", order.id, order.note, other.id))
    }
}

flow! { NotMovedByAPattern [a b]
    (self, cx, order: Order) -> (Order, usize) {
        let Order { id, ref lines, .. } = order;
        let length = lines.len();
        self.a(cx, &id.to_string()).await?;
        let _ = order;
        _ = order;
        let ref whole = order;
        let n = whole.lines.len() + length;
        let (ref first, _) = (order.id, 1);
        self.b(cx, &first.to_string()).await?;
        Ok((order, n))
    }
}

/// One more.
fn add(all: &mut Vec<u32>, n: u32) {
    all.push(n);
}

flow! { LentTwice [a b]
    (self, cx, n: u32) -> Vec<u32> {
        let mut all = vec![];
        let lent = &mut all;
        add(lent, n);
        add(lent, n + 1);
        self.a(cx, &all.len().to_string()).await?;
        for lent in [&mut all] {
            add(lent, 1);
            add(lent, 2);
        }
        let lent = &mut all;
        let result = if n > 1 { add(lent, 3); lent.len() } else { add(lent, 4); 0 };
        add(lent, 5);
        self.b(cx, &result.to_string()).await?;
        Ok(all)
    }
}
