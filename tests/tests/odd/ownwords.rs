//! A module in which the words of the prelude mean something else.

use super::{No, Odd, act};
use ::saga_runtime::{Failure, FlowContext, StepContext, Transient, Unwind, saga};
use ::saga_tests::memory::{World, the_machine_is_the_method};
use ::serde::{Deserialize, Serialize};

macro_rules! in_the_way {
    ($($name:ident)*) => {
        $(
            #[expect(dead_code, reason = "it only stands in the way")]
            struct $name;
        )*
    };
}

in_the_way! { Result Option Ok Err Some None String Box Vec Default Clone Copy Send Sync Iterator IntoIterator From Into Drop Fn Future Json Slot Drive }

mod std {}
mod core {}
mod alloc {}
mod saga_runtime {}
mod serde_json {}

#[expect(unused_macros, reason = "they only stand in the way")]
mod of_macros {
    macro_rules! unreachable {
        () => {
            compile_error!("not this one")
        };
    }
    macro_rules! panic {
        () => {
            compile_error!("not this one")
        };
    }
}

/// A loop's turn.
#[derive(::std::fmt::Debug, ::std::clone::Clone, Serialize, Deserialize)]
struct Turn(u32);

/// All words are other words.
struct OtherWords(World);

#[saga(name = "other_words")]
impl OtherWords {
    #[flow]
    async fn run(
        &self,
        cx: &FlowContext,
        turns: ::std::vec::Vec<Turn>,
    ) -> ::core::result::Result<::std::vec::Vec<u32>, Unwind<No>> {
        let mut all = ::std::vec![];
        for turn in &turns {
            let n = self.act(cx, turn.0).await?;
            all.push(n);
        }
        for turn in turns.clone() {
            #[state("owned")]
            let n = self.act(cx, turn.0).await?;
            all.push(n);
        }
        for i in 0..3 {
            if let ::core::option::Option::Some(n) = all.get(i) {
                let n = *n;
                #[state("range")]
                self.act(cx, n).await?;
            }
        }
        let ::core::result::Result::Ok((x, ())) = ::saga_runtime::join!(self.act(cx, 1), self.late()).await else {
            return ::core::result::Result::Err(No("no".into()).into());
        };
        #[state("each")]
        let each = cx.join_all(&turns, 2, |turn| self.act(cx, turn.0)).await?;
        let done = turns.len() > 1 && {
            #[state("last")]
            self.act(cx, x).await?
                > 0
        };
        while let ::core::option::Option::Some(n) = all.pop() {
            if n == 100 || done {
                break;
            }
            #[state("while")]
            self.act(cx, n).await?;
        }
        cx.sleep("1s").await;
        let moved = turns;
        all.extend(each.iter().chain(moved.iter().map(|turn| &turn.0)));
        ::core::result::Result::Ok(all)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> ::core::result::Result<u32, Failure<No>> {
        act(&self.0, "act", &n.to_string()).await
    }

    #[step(read_only)]
    async fn late(&self) -> ::core::result::Result<(), Transient> {
        ::std::future::ready(::core::result::Result::Ok(())).await
    }
}

fn other_words() {
    for turns in [::std::vec![], ::std::vec![Turn(1)], ::std::vec![Turn(2), Turn(30)]] {
        the_machine_is_the_method("other_words", OtherWords, &turns, |saga, turns| async move {
            saga.run(&FlowContext::detached(), turns).await
        });
    }
}

pub(super) const ALL: &[Odd] = &[Odd { name: "OtherWords", run: other_words }];
