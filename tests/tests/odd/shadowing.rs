//! One name for many things.

use super::{No, Order, flow, odd, order};
use saga_runtime::prelude::*;

odd! {
    ShadowedAcrossSteps: ShadowedAcrossSteps, on "x".into(), "no".into();
    ShadowedInNestedBlocks: ShadowedInNestedBlocks, on 0, 3;
    ShadowedByPatterns: ShadowedByPatterns, on order(1, &["a", "bb"]), order(2, &[]);
    TheInputShadowed: TheInputShadowed, on "12".into(), "x".into();
    ShadowedByAClosure: ShadowedByAClosure, on 1, 5;
    ShadowedByItsOwnAnswer: ShadowedByItsOwnAnswer, on "a".into(), "no".into();
    ShadowedInEachTurn: ShadowedInEachTurn, on vec![], vec!["a".into(), "bb".into()];
    TheContextShadowed: TheContextShadowed, on 4;
    ShadowedWithAnotherType: ShadowedWithAnotherType, on 7;
}

flow! { ShadowedAcrossSteps [a b]
    (self, cx, text: String) -> String {
        let text = self.a(cx, &text).await? as usize + text.len();
        let text = (text, text.to_string());
        self.b(cx, &text.1).await?;
        let text = text.0.to_string() + &text.1;
        #[state("again")]
        self.a(cx, &text).await?;
        Ok(text)
    }
}

flow! { ShadowedInNestedBlocks [a b]
    (self, cx, n: u32) -> (u32, u32) {
        let x = n + 1;
        let first = x;
        let y = {
            let x = self.a(cx, &"x".repeat(x as usize)).await?;
            let double = x * 2;
            {
                let x = double.to_string();
                self.b(cx, &x).await?;
                let x = double;
                assert!(x > 0);
            }
            double
        };
        #[state("end")]
        self.a(cx, &y.to_string()).await?;
        let x = first + y;
        Ok((x, y))
    }
}

flow! { ShadowedByPatterns [a b]
    (self, cx, order: Order) -> String {
        let id = order.id.to_string();
        match &order {
            Order { id, lines, .. } if *id > 1 => {
                self.a(cx, &format!("{id}{}", lines.len())).await?;
            }
            Order { lines: id, .. } => {
                self.b(cx, &id.join(",")).await?;
            }
        }
        let note = order.note;
        if let Some(note) = &note && let [id, ..] = order.lines.as_slice() {
            #[state("both")]
            self.a(cx, &(note.clone() + id)).await?;
        }
        Ok(format!("{id} {note:?}"))
    }
}

flow! { TheInputShadowed [a]
    (self, cx, input: String) -> u64 {
        let Ok(input) = input.parse::<u64>() else {
            let input = self.a(cx, &input).await?;
            return Err(No(input.to_string()).into());
        };
        #[state("number")]
        let input = input + u64::from(self.a(cx, &input.to_string()).await?);
        Ok(input)
    }
}

flow! { ShadowedByAClosure [a b]
    (self, cx, x: u32) -> Vec<u32> {
        let y = self.a(cx, &x.to_string()).await?;
        let all: Vec<u32> = (0..x).map(|x| x + y).filter(|y| *y != 3).collect();
        self.b(cx, &all.len().to_string()).await?;
        Ok(all.into_iter().map(|y: u32| { let x = y + x; x * y }).collect())
    }
}

flow! { ShadowedByItsOwnAnswer [a]
    (self, cx, a: String) -> u32 {
        let a = self.a(cx, &a).await;
        let a = a?;
        let a = {
            #[state("inner")]
            let a = self.a(cx, &a.to_string()).await?;
            a + 1
        };
        Ok(a)
    }
}

flow! { ShadowedInEachTurn [a b]
    (self, cx, all: Vec<String>) -> usize {
        let mut n = 0;
        for all in &all {
            let all = self.a(cx, all).await?;
            let n = all + 1;
            self.b(cx, &n.to_string()).await?;
        }
        while n < 2 {
            n += 1;
            let n = "n".repeat(n);
            #[state("while")]
            self.a(cx, &n).await?;
        }
        Ok(n + all.len())
    }
}

flow! { TheContextShadowed [a]
    (self, cx, n: u32) -> u32 {
        cx.sleep("1s").await;
        let n = {
            let cx = n + self.a(cx, "a").await?;
            cx * 2
        };
        #[state("later")]
        cx.sleep("2s").await;
        Ok(n)
    }
}

flow! { ShadowedWithAnotherType [a b]
    (self, cx, n: u8) -> [u8; 2] {
        let n = [n, 1];
        self.a(cx, "a").await?;
        let n = n.map(|n| u16::from(n) << 4);
        self.b(cx, &format!("{n:?}")).await?;
        let n = n.map(|n| u8::try_from(n).unwrap_or(u8::MAX));
        Ok(n)
    }
}
