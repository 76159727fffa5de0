//! Types that are known only later, or not at all.

#![expect(
    clippy::manual_string_new,
    clippy::needless_late_init,
    clippy::default_trait_access,
    clippy::map_unwrap_or,
    clippy::nonminimal_bool,
    clippy::no_effect_underscore_binding,
    reason = "that is what is odd here"
)]

use super::{No, flow, odd};
use saga_runtime::prelude::*;
use std::collections::HashMap;

odd! {
    LiteralsTypedLater: LiteralsTypedLater, on 200;
    DeferredLets: DeferredLets, on 0, 1, 7;
    NeverTyped: NeverTyped, on 0, 1, 2;
    EarlyReturnsEverywhere: EarlyReturnsEverywhere, on "".into(), "a".into(), "no".into(), "long".into();
    TurbofishAndParse: TurbofishAndParse, on "17".into(), "x".into();
    DefaultsAndIntos: DefaultsAndIntos, on 3;
    AnnotatedLets: AnnotatedLets, on 5;
    NoneThatIsNeverSome: NoneThatIsNeverSome, on 1;
    ConversionsOfAnswers: ConversionsOfAnswers, on "x".into(), "no".into();
    BooleansWithSteps: BooleansWithSteps, on (true, "a".into()), (false, "no".into()), (true, "no".into());
    CompoundAssignments: CompoundAssignments, on 3;
    UnitsEverywhere: UnitsEverywhere, on ();
    QuestionMarksInNestedBlocks: QuestionMarksInNestedBlocks, on "1".into(), "x".into(), "99".into();
    UnusedAnswers: UnusedAnswers, on 1;
}

flow! { LiteralsTypedLater [a b]
    (self, cx, n: u8) -> (u8, i64, f32, u32) {
        let mut small = 1;
        let big = -5;
        let float = 0.5;
        let number = 7;
        let count = 0;
        self.a(cx, "a").await?;
        small += n;
        let sum: u32 = number + self.b(cx, "b").await?;
        let words = HashMap::<u32, &str>::new();
        Ok((small, big, float, sum + words.get(&count).map_or(0, |_| 1)))
    }
}

flow! { DeferredLets [a b c]
    (self, cx, n: u32) -> (String, u32, Vec<u8>) {
        let text;
        let number: u32;
        let mut bytes;
        let unused: u32;
        if n == 0 {
            text = String::from("zero");
            bytes = vec![];
            number = self.a(cx, &text).await?;
        } else {
            number = n;
            bytes = vec![1];
            let inner;
            match self.b(cx, &number.to_string()).await {
                Ok(1) => inner = "one",
                Ok(_) | Err(_) => inner = "more",
            }
            text = inner.repeat(2);
        }
        unused = number;
        let last;
        loop {
            bytes.push(2);
            if bytes.len() > 2 {
                last = self.c(cx, &text).await?;
                break;
            }
        }
        Ok((text, unused + last, bytes))
    }
}

flow! { NeverTyped [a b]
    (self, cx, n: u32) -> u32 {
        let x = match n {
            0 => return Ok(0),
            1 => {
                let why = self.a(cx, "one").await?;
                return Err(No(why.to_string()).into());
            }
            _ => loop {
                if n > 1 {
                    break n;
                }
            },
        };
        let y: u32 = if x > 100 { panic!("{x}") } else { self.b(cx, "b").await? };
        let z = 'all: {
            if y > 50 {
                return Ok(self.unreached(y));
            }
            break 'all y;
        };
        Ok(x + z)
    }
}

impl NeverTyped {
    fn unreached(&self, n: u32) -> u32 {
        let _ = &self.0;
        n
    }
}

flow! { EarlyReturnsEverywhere [a b]
    (self, cx, text: String) -> usize {
        if text.is_empty() {
            return Ok(0);
        }
        let n = self.a(cx, &text).await.or_else(|why| match why {
            Failure::Refused(No(why)) if why.len() > 100 => Err(No(why)),
            Failure::Refused(_) => Ok(100),
            other => { let _ = other; Ok(0) }
        })?;
        let m = Some(n).filter(|n| *n < 50).ok_or(No("many".into()))?;
        if m == 1 { return Ok(1) }
        let Some(first) = text.chars().next() else { return Err(No("none".into()).into()) };
        for c in text.chars() {
            if c != first {
                self.b(cx, &c.to_string()).await?;
                return Ok(if c == 'o' { 7 } else { return Ok(8) });
            }
        }
        Ok(text.len())
    }
}

flow! { TurbofishAndParse [a b]
    (self, cx, text: String) -> i32 {
        let n = text.parse::<i32>().or_refuse(No("no number".into()))?;
        self.a(cx, &i64::from(n).to_string()).await?;
        let all = (0..n).collect::<Vec<_>>();
        let sum = all.iter().copied().map(i64::from).sum::<i64>();
        self.b(cx, &sum.to_string()).await?;
        Ok(i32::try_from(sum).or_refuse(No("too much".into()))? + all.last().copied().unwrap_or_default())
    }
}

flow! { DefaultsAndIntos [a b]
    (self, cx, n: u32) -> (u64, String, Option<Vec<u8>>) {
        let mut total = u64::default();
        let text: String = Default::default();
        let bytes = None::<Vec<u8>>;
        total += u64::from(self.a(cx, "a").await?) + u64::from(n);
        let word: Box<str> = "x".into();
        self.b(cx, &word).await?;
        Ok((total, text + &word, bytes.or_else(|| Some(word.as_bytes().into()))))
    }
}

flow! { AnnotatedLets [a b]
    (self, cx, n: u32) -> u64 {
        let one: u8 = 1;
        let (a, b): (u32, Option<_>) = (n, Some(2_u64));
        let [x, ..]: [u32; 3] = [n; 3];
        let list: Vec<_> = vec![1_u64, 2];
        let array: [_; 2] = [3, 4];
        let function: fn(u32) -> u64 = u64::from;
        let answer: u32 = self.a(cx, &function(x).to_string()).await?;
        let result: Result<u32, Failure<No>> = self.b(cx, "b").await;
        let slice: &[u64] = &list;
        let sum: u64 = slice.iter().chain(&array).sum();
        let pair: (&str, _) = ("x", sum);
        Ok(u64::from(one) + b.unwrap_or(0) + pair.1 + u64::from(a + answer + result?))
    }
}

flow! { NoneThatIsNeverSome [a b]
    (self, cx, n: u32) -> Option<u32> {
        let none = None;
        let nothing: Vec<u32> = vec![];
        self.a(cx, "a").await?;
        self.b(cx, &format!("{nothing:?}{n}")).await?;
        Ok(none)
    }
}

flow! { ConversionsOfAnswers [a b c]
    (self, cx, text: String) -> (Option<u32>, String) {
        let ok = self.a(cx, &text).await.ok();
        let text = self.b(cx, &text).await.map(|n| n.to_string()).unwrap_or_else(|_| "refused".into());
        let both = self.c(cx, "c").await.is_ok_and(|n| n == 1) && ok.is_some();
        #[state("more")]
        let n = u64::from(self.a(cx, "more").await.map_err(|why| match why {
            Failure::Refused(No(why)) => No(why + "!"),
            _ => No(String::new()),
        })?);
        Ok((ok.filter(|_| both), text + &n.to_string()))
    }
}

flow! { BooleansWithSteps [a b c]
    (self, cx, input: (bool, String)) -> String {
        let (yes, text) = input;
        let both = yes && self.a(cx, &text).await.is_ok();
        let any = !yes || self.b(cx, &text).await? > 5 || both;
        if !any || (both && self.c(cx, "c").await? == 1) {
            return Ok(format!("{both}{any}"));
        }
        let not = !(#[state("not")] self.a(cx, "not").await? == 3);
        Ok(format!("{both}{any}{not}"))
    }
}

flow! { CompoundAssignments [a b]
    (self, cx, n: u32) -> (u32, [u32; 2], (u32, u32)) {
        let mut x = n;
        x <<= self.a(cx, "a").await?;
        x |= 1;
        let mut array = [0; 2];
        array[1] = self.b(cx, "bb").await?;
        array[array[1] as usize - 2] += x;
        let mut pair = (0, x);
        #[state("pair")]
        let first = self.a(cx, "pair").await?;
        pair.0 = first;
        pair.1 %= 4;
        Ok((x, array, pair))
    }
}

flow! { UnitsEverywhere [a b]
    (self, cx, unit: ()) -> () {
        let () = unit;
        let nothing = ();
        self.a(cx, &format!("{nothing:?}")).await?;
        { self.b(cx, "b").await?; }
        #[state("mapped")]
        self.a(cx, "c").await.map(drop)?;
        Ok(nothing)
    }
}

flow! { QuestionMarksInNestedBlocks [a b]
    (self, cx, text: String) -> u32 {
        let n = {
            let n: u32 = { text.parse().map_err(|_| No(text.clone()))? };
            if n > 50 {
                Err(No("big".into()))?;
            }
            (self.a(cx, &{ text.clone() + "!" }).await)? + { n }
        };
        let m = ({ (self.b(cx, "b")).await })?;
        let k = (|| { let half = n.checked_div(2)?; half.checked_sub(m) })().ok_or(No("less".into()))?;
        Ok(k)
    }
}

flow! { UnusedAnswers [a b c]
    (self, cx, n: u32) -> u32 {
        let _unused = self.a(cx, "a").await?;
        let _ = self.b(cx, "b").await;
        self.c(cx, "no").await.ok();
        #[state("dropped")]
        drop(self.a(cx, "dropped").await);
        let _never_read = n;
        Ok(n)
    }
}
