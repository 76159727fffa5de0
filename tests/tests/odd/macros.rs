//! Macros in the flow: of the standard library, and of one's own with `?`, `return`, `break` and `continue` inside.

#![expect(
    clippy::unnested_or_patterns,
    clippy::needless_raw_string_hashes,
    clippy::uninlined_format_args,
    clippy::useless_vec,
    reason = "that is what is odd here"
)]

use super::{No, act, flow, odd};
use saga_runtime::prelude::*;
use saga_tests::memory::World;
use std::{fmt::Write as _, io::Write as _};

odd! {
    FormatsAndVecs: FormatsAndVecs, on 0, 12;
    WritesAndAsserts: WritesAndAsserts, on "x".into(), String::new();
    MatchesAndTodo: MatchesAndTodo, on Some(1), Some(30), None;
    AMacroThatReturns: AMacroThatReturns, on 0, 1, 7;
    AMacroThatBreaks: AMacroThatBreaks, on 0, 3;
    AMacroWithFieldNames: AMacroWithFieldNames, on "x".into();
    AMacroThatDeclares: AMacroThatDeclares, on 2;
    AMacroThatAssigns: AMacroThatAssigns, on 2, 20;
    AMacroThatInitializes: AMacroThatInitializes, on 2, 20;
    EventsOfTracing: EventsOfTracing, on "x".into();
    AMacroAsTheTail: AMacroAsTheTail, on 5;
    AMacroAsAPatternAndAType: AMacroAsAPatternAndAType, on (1, 2), (3, 1);
    NamesInFormatStrings: NamesInFormatStrings, on 3;
    AMacroThatGivesItsValueBack: AMacroThatGivesItsValueBack, on 3;
    AMacroInAMacro: AMacroInAMacro, on vec![1, 2, 3], vec![];
    AttributesFromAMacro: AttributesFromAMacro, on 2, 3;
}

/// Leaves the flow unless it holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(No(format!($($why)+)).into());
        }
    };
}

/// The value, or out of the flow with a refusal.
macro_rules! or_no {
    ($value:expr) => {
        $value.ok_or_else(|| No(stringify!($value).to_owned()))?
    };
}

/// Like an event of `tracing`: fields by name, then a text.
macro_rules! event {
    ($log:expr; $($field:ident = $value:expr,)* $text:literal $(,)?) => {{
        $($log.push(format!("{}={:?}", stringify!($field), $value));)*
        $log.push(format!($text));
    }};
}

/// Like `dbg!`: the value goes through.
macro_rules! seen {
    ($log:ident, $value:expr) => {
        match $value {
            value => {
                $log.push(value.clone());
                value
            }
        }
    };
}

flow! { FormatsAndVecs [a b]
    (self, cx, n: u32) -> String {
        let width = n as usize + 3;
        let zeros = vec![0_u8; width];
        let m = self.a(cx, &format!("{n:>width$}")).await?;
        let all = vec![m, n, u32::try_from(zeros.len()).unwrap_or(0)];
        self.b(cx, &format!("{0:?} {0:?} {m:02}", all)).await?;
        Ok(format!("{{n}} {n:#x} {:>1$} {all:?}", m, width) + concat!("n", 1) + stringify!(zeros))
    }
}

flow! { WritesAndAsserts [a b]
    (self, cx, text: String) -> (String, Vec<u8>) {
        let mut out = String::new();
        write!(out, "{text}").map_err(|why| No(why.to_string()))?;
        let mut bytes = vec![];
        self.a(cx, &out).await?;
        writeln!(out, "{}", text.len()).map_err(|_| No("full".into()))?;
        let _ = writeln!(&mut bytes, "{text}");
        assert!(out.ends_with('\n'), "{out:?}");
        assert_eq!(bytes.len(), text.len() + 1, "{text} is {bytes:?}");
        debug_assert_ne!(out, text);
        self.b(cx, &out).await?;
        Ok((out, bytes))
    }
}

flow! { MatchesAndTodo [a b]
    (self, cx, n: Option<u32>) -> bool {
        let m = self.a(cx, if matches!(n, Some(n) if n > 5) { "big" } else { "small!" }).await?;
        let big = matches!((n, m), (Some(6..), 3) | (None, _));
        self.b(cx, "b").await?;
        match (n, big) {
            (Some(_), true) | (None, true) => Ok(m == 3),
            (Some(0), false) => unreachable!("{n:?} and {big}"),
            (Some(n), false) if n > 1_000 => panic!("{n}"),
            (Some(_), false) => Ok(false),
            (None, false) => unreachable!(),
        }
    }
}

flow! { AMacroThatReturns [a b]
    (self, cx, n: u32) -> u32 {
        ensure!(n > 0, "{n} is nothing");
        let m = self.a(cx, &n.to_string()).await?;
        let less = or_no!(n.checked_sub(m));
        ensure!(less < 6, "{less} is {}", stringify!(too much));
        self.b(cx, &less.to_string()).await?;
        let least = or_no!([n, m, less].iter().min().copied());
        Ok(least)
    }
}

flow! { AMacroThatBreaks [a b]
    (self, cx, n: u32) -> u32 {
        macro_rules! leave_if {
            ($if:expr) => {
                if $if {
                    break;
                }
            };
        }
        let mut sum = 0;
        for i in 0..n {
            for j in 0.. {
                leave_if!(j > i);
                sum += j;
            }
            sum += self.a(cx, &sum.to_string()).await?;
        }
        let n = loop {
            if sum > 10 {
                break 5;
            }
            sum += self.b(cx, "bb").await?;
        };
        Ok(n + sum)
    }
}

flow! { AMacroWithFieldNames [a b]
    (self, cx, order: String) -> Vec<String> {
        let mut log = vec![];
        let step = self.a(cx, &order).await?;
        event!(log; order = order, step = step + 1, "{order} {step}");
        let message = order;
        self.b(cx, &message).await?;
        event!(log; message = message, "{step}");
        event!(log; "the end");
        Ok(log)
    }
}

flow! { AMacroThatDeclares [a b]
    (self, cx, n: u32) -> u32 {
        macro_rules! twice {
            ($name:ident = $value:expr) => {
                let $name = $value * 2;
            };
        }
        let m = self.a(cx, "m").await?;
        let sum = {
            twice!(double = n);
            twice!(again = double);
            double + again
        };
        self.b(cx, &sum.to_string()).await?;
        Ok(sum + m)
    }
}

flow! { AMacroThatAssigns [a b]
    (self, cx, n: u32) -> (u32, u32) {
        macro_rules! set {
            ($name:ident = $value:expr) => {
                $name = $value
            };
        }
        let mut total = 1;
        self.a(cx, "a").await?;
        if n > 10 {
            set!(total = n);
        }
        let old = total;
        let more = self.b(cx, &total.to_string()).await?;
        set!(total = old + more);
        Ok((total, old))
    }
}

flow! { AMacroAsTheTail [a]
    (self, cx, n: u32) -> Vec<u32> {
        macro_rules! done {
            ($($value:tt)*) => {
                Ok(vec![$($value)*])
            };
        }
        let m = self.a(cx, "a").await?;
        done![n, m, n + m]
    }
}

flow! { AMacroAsAPatternAndAType [a b]
    (self, cx, pair: (u32, u32)) -> u32 {
        macro_rules! one {
            () => {
                1
            };
        }
        macro_rules! number {
            () => {
                u32
            };
        }
        let n: number!() = match pair {
            (one!(), n) => self.a(cx, &n.to_string()).await?,
            (n, one!()) => self.b(cx, &"n".repeat(n as usize)).await?,
            _ => 0,
        };
        Ok(n + pair.0)
    }
}

flow! { NamesInFormatStrings [a b]
    (self, cx, n: usize) -> Vec<String> {
        let width = n + 2;
        let precision = 1;
        let r#type = "type";
        let text = r#"{width}"#;
        self.a(cx, text).await?;
        let value = 1.25;
        let all = vec![format!("{value:>width$.precision$}"), format!(r#"{type:?} {{width}}"#), format!("{:1$}", value, n)];
        self.b(cx, &format!("{all:?}", all = all.len())).await?;
        Ok(all)
    }
}

flow! { AMacroThatGivesItsValueBack [a b]
    (self, cx, n: u32) -> Vec<String> {
        let mut log = vec![];
        let text = seen!(log, n.to_string());
        let m = self.a(cx, &seen!(log, text.repeat(2))).await?;
        self.b(cx, seen!(log, m.to_string()).as_str()).await?;
        Ok(log)
    }
}

flow! { AMacroInAMacro [a b]
    (self, cx, all: Vec<u32>) -> String {
        let first = all.first().copied();
        self.a(cx, &format!("{}", vec![first.unwrap_or_default(); 2].len())).await?;
        ensure!(matches!(first, Some(n) if vec![n, 1].contains(&1)), "{}", format!("{first:?}, {}", all.len()));
        self.b(cx, concat!("a", stringify!(first))).await?;
        Ok(format!("{}", format_args!("{} {first:?}", all.len())))
    }
}

flow! { AMacroThatInitializes [a b c]
    (self, cx, n: u32) -> (u32, u32) {
        macro_rules! set {
            ($name:ident = $value:expr) => {
                $name = $value
            };
        }
        let x;
        let y: u32;
        self.a(cx, "a").await?;
        set!(x = n + 1);
        self.b(cx, &x.to_string()).await?;
        if x > 10 {
            set!(y = 1);
        } else {
            set!(y = 2);
        }
        self.c(cx, &y.to_string()).await?;
        Ok((x, y))
    }
}

flow! { EventsOfTracing [a b]
    (self, cx, order: String) -> u32 {
        tracing::info!("begins");
        let n = self.a(cx, &order).await?;
        tracing::debug!(n, ?order, "held {n}");
        let span = tracing::info_span!("between", order = %order, n = n + 1);
        let m = span.in_scope(|| {
            tracing::trace!(target: "odd", { order = order.len(), more = ?Some(n) }, "{order:?} and {}", n + 1);
            n * 2
        });
        drop(span);
        let message = self.b(cx, &m.to_string()).await?;
        tracing::event!(tracing::Level::WARN, message, field.of.dots = m, error = %order);
        Ok(message + m)
    }
}

/// A saga whose attributes come from elsewhere.
macro_rules! attributed {
    ($name:ident, $flow:meta, $step:meta, $undo:meta) => {
        struct $name(World);

        #[saga]
        impl $name {
            #[$flow]
            async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
                let first = self.a(cx, "there").await?;
                let what = if n > 2 { "no more" } else { "again" };
                #[state("second")]
                let second = self.a(cx, what).await?;
                Ok(n + first + second)
            }

            #[$step]
            async fn a(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
                act(&self.0, "a", what).await
            }

            #[$undo]
            async fn b(&self, _cx: &StepContext, what: &str) -> Result<(), Transient> {
                self.0.effect(format!("undo {what}"));
                Ok(())
            }
        }
    };
}

attributed! {
    AttributesFromAMacro,
    flow,
    saga_runtime::step(idempotent = "a test"),
    compensate(a, idempotent = "a test")
}
