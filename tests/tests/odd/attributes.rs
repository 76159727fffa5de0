//! Attributes and comments wherever they may stand.

#![expect(
    clippy::deprecated_semver,
    clippy::mixed_attributes_style,
    clippy::suspicious_else_formatting,
    clippy::bool_to_int_with_if,
    clippy::double_must_use,
    reason = "that is what is odd here"
)]

use super::{No, act, flow, odd};
use saga_runtime::prelude::*;
use saga_tests::memory::World;

odd! {
    CfgInBodies: CfgInBodies, on 1;
    CfgOnExpressionsAndFields: CfgOnExpressionsAndFields, on 2;
    AllowAndExpectOnStatements: AllowAndExpectOnStatements, on 3;
    LintsOnTheBlock: LintsOnTheBlock, on 1;
    LintsOnMethods: LintsOnMethods, on 1;
    DeprecatedButCalled: DeprecatedButCalled, on 1;
    DocumentedEverywhere: DocumentedEverywhere, on 2;
    StrangeFormatting: StrangeFormatting, on 5;
    MethodsWithAttributes: MethodsWithAttributes, on 1;
    AttributesOfItemsInTheBody: AttributesOfItemsInTheBody, on 3;
}

flow! { CfgInBodies [a b c]
    (self, cx, n: u32) -> String {
        let mut m = n;
        m += 1;
        #[cfg(any())]
        let k = missing;
        #[cfg(not(any()))]
        let k = self.0.effects().len();
        self.a(cx, "there").await?;
        #[cfg(any())]
        {
            m = is.not(even, in_scope);
        }
        #[cfg(any())]
        return Ok(missing);
        #[cfg_attr(any(), state("nowhere"))]
        let sum = n + m;
        #[cfg(debug_assertions)]
        let build = "debug".len();
        #[cfg(not(debug_assertions))]
        let build = "release".len() - 2;
        if cfg!(any()) {
            self.b(cx, "never").await?;
        }
        self.c(cx, &build.to_string()).await?;
        #[cfg(any())]
        m.missing();
        #[cfg(not(any()))]
        m.min(sum).to_string().clear();
        Ok(format!("{sum}{m}{build}{k}"))
    }
}

flow! { CfgOnExpressionsAndFields [a b]
    (self, cx, n: u32) -> u32 {
        struct Pair {
            x: u32,
            #[cfg(any())]
            y: u32,
        }
        let pair = Pair {
            x: n,
            #[cfg(any())]
            y: missing,
        };
        let list = [
            pair.x,
            #[cfg(any())]
            missing,
        ];
        self.a(cx, &format!("{list:?}")).await?;
        let sum = match list {
            #[cfg(any())]
            [0, ..] => missing,
            [1] => 1,
            [x] => self.b(cx, &x.to_string()).await?,
        };
        Ok(sum + u32::from(cfg!(any())))
    }
}

flow! { AllowAndExpectOnStatements [a b]
    (self, cx, n: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "it is small")]
        let small = n as u8;
        #[allow(unused_variables)]
        let unused = self.a(cx, "a").await?;
        let list = [n, 1];
        #[expect(unused_must_use, reason = "that is what is odd here")]
        { self.b(cx, "b").await; }
        #[expect(clippy::needless_range_loop, reason = "that is what is odd here")]
        for i in 0..list.len() {
            assert!(list[i] < 9);
        }
        #[expect(unused_assignments, reason = "that is what is odd here")]
        let mut twice = 0;
        #[allow(clippy::collapsible_else_if)]
        if small > 1 { twice = 2; } else { if small == 1 { twice = 1; } else { twice = 0; } }
        let nothing = ();
        #[allow(clippy::needless_return)]
        return Ok({ let () = nothing; twice + n });
    }
}

/// Lints that are silenced on the whole block.
struct LintsOnTheBlock(World);

#[saga]
#[expect(non_snake_case, clippy::cast_possible_truncation, reason = "that is what is odd here")]
#[allow(deprecated)]
impl LintsOnTheBlock {
    #[flow]
    async fn run(&self, cx: &FlowContext, cx__b0: u32) -> Result<u32, Unwind<No>> {
        let n__b1 = (cx__b0 + 1) as u8;
        let n = self.a(cx, &n__b1.to_string()).await?;
        let n__b2 = n + u32::from(n__b1);
        let n__b3 = old(n__b2) * 2;
        #[state("again")]
        self.a(cx, &format!("{n__b2}{n__b3}{n}")).await?;
        Ok(n__b3 + n + n__b2 + u32::from(n__b1) + cx__b0)
    }

    #[step(no_compensation = "a test")]
    async fn a(&self, cx: &StepContext, whatIsIt: &str) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "a", whatIsIt).await
    }
}

/// As it was.
#[deprecated = "that is what is odd here"]
const fn old(n: u32) -> u32 {
    n + 1
}

/// Lints that are silenced on the methods.
struct LintsOnMethods(World);

#[saga]
impl LintsOnMethods {
    #[expect(deprecated, non_snake_case, clippy::many_single_char_names, reason = "that is what is odd here")]
    #[flow]
    async fn run(&self, cx: &FlowContext, oldAndNew: u32) -> Result<u32, Unwind<No>> {
        let (a, b, c, d, e) = (old(oldAndNew), 2, 3, 4, 5);
        let sumOfAll = self.inner(cx, old(a) + b + c + d + e).await?;
        cx.sleep("1s").await;
        Ok(old(sumOfAll))
    }

    #[flow(inner)]
    #[allow(deprecated)]
    async fn inner(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let m = old(n);
        cx.sleep("1s").await;
        Ok(self.a(m).await?)
    }

    #[expect(non_snake_case, reason = "that is what is odd here")]
    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn a(&self, theNumber: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "a", &theNumber.to_string()).await
    }
}

/// Steps and signals that should not be used any more, and are.
struct DeprecatedButCalled(World);

#[saga]
#[expect(deprecated, reason = "that is what is odd here")]
impl DeprecatedButCalled {
    #[deprecated = "use another"]
    #[signal]
    const OLD: Signal<Self, u32> = Signal::new("old");

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let m = self.old(cx, n).await?;
        #[state("waits")]
        let waited = cx.wait(Self::OLD).within("1s").await.unwrap_or(7);
        Ok(m + waited)
    }

    #[deprecated(since = "1", note = "use another")]
    #[step]
    async fn old(&self, cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "old", &n.to_string()).await
    }

    #[compensate(old)]
    #[deprecated]
    async fn undo_old(&self, cx: &StepContext) -> Result<(), Transient> {
        let _ = cx.undoes();
        Ok(())
    }
}

#[doc = "Documented"]
#[doc = concat!("in ", "pieces.")]
pub struct DocumentedEverywhere(
    /// The world.
    World,
);

/// Documented as well, in front of the attribute.
#[saga]
/// And behind it.
impl DocumentedEverywhere {
    //! And inside, at the head.

    /// A message.
    #[signal]
    #[doc(alias = "mail")]
    pub const SENT: Signal<Self, ()> = Signal::new("sent");

    /** A block comment.

    # Errors
    If it is refused. */
    #[doc(hidden)]
    #[flow]
    pub async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        //! In the body.
        // Not a doc comment.
        let m = /* in between */ self /* here */ . /* there */ a(cx, /* the text */ "a").await? /* and after */;
        // Before a wait.
        let sent = cx.wait(Self::SENT).within("1h").await; // behind it
        let k: u32 = match /* what */ sent {
            // It came.
            Ok(/* nothing */ ()) => m,
            /* It did not. */
            Err(Elapsed) => m + n, // the end
        };
        Ok(k)
        // After all.
    }

    /// A step.
    ///
    /// # Errors
    /// If it is refused.
    #[step(
        // why there is none
        no_compensation = "a test", /* and this */ idempotent = "a test",
    )]
    pub async fn a(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "a", what).await
    }
}

#[rustfmt::skip]
flow! { StrangeFormatting [a b] (self,cx,n:u32)->u32{let
x=self
    .
    a
    (
        cx
        ,
        "a"
    )
    .
    await
    ?
    ;{let z=0;{let _=z;self.b(cx,"b",).await?;}}let y=if n>3
{1}else
{0};Ok(
    x+y)}}

/// Methods with whatever attributes there are.
struct MethodsWithAttributes(World);

#[saga(name = "methods_with_attributes", version = 7)]
impl MethodsWithAttributes {
    #[inline]
    #[must_use = "it is free"]
    fn helper(&self) -> u32 {
        let _ = &self.0;
        3
    }

    #[cold]
    #[inline(never)]
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let sum = self.a(cx, "x").await? + self.helper();
        Ok(sum + self.b(n).await?)
    }

    #[track_caller]
    const fn unused_by_the_flow(&self) -> u32 {
        let _ = &self.0;
        9
    }

    #[inline]
    #[step(no_compensation = "a test", retry(initial = "1ms", max = "2ms", attempts = 3,), timeout = "1s")]
    #[must_use]
    async fn a(&self, cx: &StepContext, #[allow(unused_variables)] what: &str) -> Result<u32, Failure<No>> {
        let _ = cx.attempt();
        act(&self.0, "a", &self.unused_by_the_flow().to_string()).await
    }

    #[cfg_attr(not(any()), inline)]
    #[step(read_only)]
    async fn b(&self, n: u32) -> Result<u32, Transient> {
        Ok(std::future::ready(n).await)
    }
}

flow! { AttributesOfItemsInTheBody [a b]
    (self, cx, n: u32) -> u32 {
        #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Both {
            first_one: u32,
            #[serde(skip)]
            second: u32,
        }
        #[inline]
        fn double(n: u32) -> u32 {
            n * 2
        }
        #[expect(dead_code, reason = "that is what is odd here")]
        fn never_called() {}
        #[cfg(any())]
        fn double(n: String) {}
        let mut both = Both { first_one: n, ..Both::default() };
        self.a(cx, &format!("{both:?}")).await?;
        both.first_one = double(both.first_one);
        self.b(cx, &serde_json::to_string(&both).unwrap_or_default()).await?;
        Ok(both.first_one + both.second)
    }
}
