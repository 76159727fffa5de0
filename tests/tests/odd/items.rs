//! Items in the body of a flow.

use super::{flow, odd};
use saga_runtime::prelude::*;

odd! {
    UseConstAndFn: UseConstAndFn, on 0, 7;
    StructEnumAndImpl: StructEnumAndImpl, on 3;
    MacrosInTheBody: MacrosInTheBody, on 4;
    ItemsInNestedBlocks: ItemsInNestedBlocks, on 1, 8;
    ItemsBehindTheirUse: ItemsBehindTheirUse, on 2;
    ItemsOfTheSameNameInTwoBlocks: ItemsOfTheSameNameInTwoBlocks, on 5;
    ItemsThatHideOthers: ItemsThatHideOthers, on 0, 4;
    ItemsInBlocksWithWaysOut: ItemsInBlocksWithWaysOut, on vec![], vec!["a".into(), "stop".into()], vec!["no".into(), "next".into(), "x".into()];
    ItemsBesideBorrows: ItemsBesideBorrows, on Some("x".into()), None;
    TraitsAndStatics: TraitsAndStatics, on "x".into();
    EnumVariantsInScope: EnumVariantsInScope, on 0, 1, 2;
    AModuleAndATypeAlias: AModuleAndATypeAlias, on 2;
}

flow! { UseConstAndFn [a b]
    (self, cx, n: u32) -> u32 {
        use std::cmp::{max, min as least};
        const LEAST: u32 = 3;
        const fn double(x: u32) -> u32 {
            x * 2
        }
        let m = self.a(cx, &max(n, LEAST).to_string()).await?;
        self.b(cx, &least(double(n), 9).to_string()).await?;
        Ok(max(m, double(LEAST)))
    }
}

flow! { StructEnumAndImpl [a b]
    (self, cx, n: u32) -> u32 {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        enum Side {
            Left,
            Right,
        }
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        struct Pair<T> {
            side: Side,
            value: T,
        }
        impl<T: Copy> Pair<T> {
            fn get(&self) -> T {
                self.value
            }
        }
        let side = if n > 2 { Side::Right } else { Side::Left };
        let pair = Pair { side, value: n };
        self.a(cx, &format!("{pair:?}")).await?;
        let again = Pair { side: Side::Left, ..pair };
        self.b(cx, &format!("{:?}", again.side == pair.side)).await?;
        Ok(pair.get() + again.get())
    }
}

flow! { MacrosInTheBody [a b]
    (self, cx, n: u32) -> u32 {
        let x = n + 1;
        macro_rules! add {
            ($($x:expr),*) => { 0 $(+ $x)* };
        }
        let m = self.a(cx, &add!(x, n, 1).to_string()).await?;
        macro_rules! twice {
            ($x:ident) => { add!($x, $x) };
        }
        self.b(cx, &twice!(x).to_string()).await?;
        Ok(add!(m, twice!(x)))
    }
}

flow! { ItemsInNestedBlocks [a b]
    (self, cx, n: u32) -> u32 {
        let m = if n > 5 {
            const MORE: u32 = 10;
            self.a(cx, &(n + MORE).to_string()).await?
        } else {
            fn less(n: u32) -> u32 {
                n.saturating_sub(3)
            }
            self.b(cx, &less(n).to_string()).await?
        };
        Ok(m)
    }
}

flow! { ItemsBehindTheirUse [a b]
    (self, cx, n: u32) -> u32 {
        let m = self.a(cx, &later(n).to_string()).await?;
        self.b(cx, &LATER.to_string()).await?;
        const LATER: u32 = 4;
        fn later(n: u32) -> u32 {
            n + LATER
        }
        Ok(m + LATER)
    }
}

flow! { ItemsOfTheSameNameInTwoBlocks [a b c]
    (self, cx, n: u32) -> u32 {
        const N: u32 = 1;
        let x = {
            const N: u32 = 20;
            fn name() -> &'static str {
                "first"
            }
            self.a(cx, name()).await? + N
        };
        let y = {
            const N: u32 = 300;
            fn name() -> &'static str {
                "the second"
            }
            self.b(cx, name()).await? + N
        };
        self.c(cx, &(x + y).to_string()).await?;
        Ok(x + y + N + n)
    }
}

flow! { TraitsAndStatics [a b]
    (self, cx, text: String) -> usize {
        trait Twice {
            fn twice(&self) -> String;
        }
        impl Twice for str {
            fn twice(&self) -> String {
                self.repeat(2)
            }
        }
        static TEXT: &str = "static";
        self.a(cx, &text.twice()).await?;
        self.b(cx, TEXT).await?;
        Ok(TEXT.twice().len())
    }
}

flow! { EnumVariantsInScope [a b]
    (self, cx, n: u32) -> u32 {
        #[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
        enum Colour {
            Red,
            Green,
        }
        use Colour::{Green, Red};
        let colour = if n == 0 { Red } else { Green };
        let m = match (colour, n) {
            (Red, _) => self.a(cx, "red").await?,
            (Green, 1) => 1,
            (Green, _) => self.b(cx, "green").await?,
        };
        Ok(m + match colour { Red => 100, Green => 200 })
    }
}

flow! { AModuleAndATypeAlias [a b]
    (self, cx, n: u32) -> Vec<u32> {
        mod inside {
            pub(super) fn three() -> u32 {
                3
            }
        }
        type Numbers = Vec<u32>;
        let mut all = Numbers::new();
        all.push(self.a(cx, &inside::three().to_string()).await?);
        self.b(cx, "b").await?;
        all.push(n + inside::three());
        Ok(all)
    }
}

/// What a block below has as well.
const fn price() -> u32 {
    1
}

/// The same.
const MOST: u32 = 7;

flow! { ItemsThatHideOthers [a b c]
    (self, cx, n: u32) -> (u32, u32) {
        let before = price();
        let inside = {
            const fn price() -> u32 {
                20
            }
            const MOST: u32 = 700;
            let more = self.a(cx, &price().to_string()).await?;
            if n > 3 {
                const fn price() -> u32 {
                    300
                }
                self.b(cx, &price().to_string()).await?;
            }
            price() + more + MOST
        };
        self.c(cx, &price().to_string()).await?;
        Ok((before + price() + MOST, inside))
    }
}

flow! { ItemsInBlocksWithWaysOut [a b c]
    (self, cx, words: Vec<String>) -> Vec<String> {
        let mut out = vec![];
        'words: for word in &words {
            let text = 'text: {
                const STOP: &str = "stop";
                use std::fmt::Write;
                if word == STOP {
                    break 'words;
                }
                let Ok(n) = self.a(cx, word).await else { continue 'words };
                if word == "next" {
                    break 'text word.to_uppercase();
                }
                let mut text = String::new();
                let _ = write!(text, "{n}{STOP}");
                text
            };
            out.push(text);
            if out.len() > 1 {
                fn end(out: &[String]) -> usize {
                    out.len()
                }
                self.b(cx, &end(&out).to_string()).await?;
                return Ok(out);
            }
        }
        loop {
            const TURNS: usize = 2;
            if out.len() > TURNS {
                break;
            }
            self.c(cx, &TURNS.to_string()).await?;
            out.push("turn".into());
        }
        Ok(out)
    }
}

flow! { ItemsBesideBorrows [a b]
    (self, cx, word: Option<String>) -> usize {
        let n = if let Some(word) = &word {
            fn twice(word: &str) -> String {
                word.repeat(2)
            }
            let parts: Vec<&str> = word.split('x').collect();
            self.a(cx, &twice(parts[0])).await? as usize
        } else {
            0
        };
        let m = match word.as_deref() {
            Some(word) => {
                static MORE: usize = 3;
                let m = self.b(cx, word).await? as usize;
                m + MORE
            }
            None => MOST as usize,
        };
        Ok(n + m)
    }
}
