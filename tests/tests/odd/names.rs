//! Names that are keywords, foreign, very long, or taken by the machine itself.

#![expect(clippy::let_and_return, reason = "that is what is odd here")]

use super::{No, act, flow, odd};
use saga_runtime::prelude::*;
use saga_tests::memory::World;
use serde::{Deserialize, Serialize};

odd! {
    RawIdentifiers: RawIdentifiers, on Raw { r#type: 1, r#match: "x".into() }, Raw { r#type: 0, r#match: "no".into() };
    StepsWithNamesOfTheMachine: StepsWithNamesOfTheMachine, on 2;
    LocalsWithNamesOfTheMachine: LocalsWithNamesOfTheMachine, on 3, 0;
    MoreLocalsWithNamesOfTheMachine: MoreLocalsWithNamesOfTheMachine, on vec!["a".into(), "b".into()];
    CountersLikeOurs: CountersLikeOurs, on 1, 2;
    InUnicode: InUnicode, on "x".into();
    LocalsInCapitals: LocalsInCapitals, on 3;
    AVeryLongName: AVeryLongName, on 1;
    MethodsOfTheSameNameElsewhere: MethodsOfTheSameNameElsewhere, on 5;
    TraitsWithMethodsOfTheMachine: TraitsWithMethodsOfTheMachine, on "x".into();
    TypesWithNamesOfTheMachine: TypesWithNamesOfTheMachine, on B0 { s1: 3 };
    AnotherContextName: AnotherContextName, on 1;
    SameNamesOfStepLocalAndField: |world| SameNamesOfStepLocalAndField { charge: 7, world }, on 1;
}

/// Fields that are keywords.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Raw {
    r#type: u32,
    r#match: String,
}

/// Keywords for everything that has a name.
struct RawIdentifiers(World);

#[saga]
impl RawIdentifiers {
    #[flow]
    async fn r#loop(&self, r#in: &FlowContext, r#struct: Raw) -> Result<Raw, Unwind<No>> {
        let Raw { r#type, ref r#match } = r#struct;
        let r#fn = self.r#move(r#in, r#match, r#type).await?;
        let r#true = r#struct.r#type + r#fn;
        r#in.sleep("1s").await;
        let text = format!("{fn}", r#fn = r#fn) + &format!("{fn}{type:?}{}", r#true, r#type = r#type);
        r#in.set_label("text", text);
        for r#as in 0..r#true {
            #[state("again")]
            self.r#move(r#in, "as", r#as).await?;
        }
        Ok(Raw { r#type: r#true, ..r#struct })
    }

    #[step]
    async fn r#move(&self, r#in: &StepContext, r#ref: &str, r#type: u32) -> Result<u32, Failure<No>> {
        let _ = r#in.key();
        Ok(act(&self.0, "move", r#ref).await? + r#type)
    }

    #[compensate(r#move)]
    async fn r#unsafe(&self, r#in: &StepContext, r#type: u32, r#ref: &str) -> Result<(), Transient> {
        let _ = (r#in.undoes(), r#type, r#ref);
        Ok(())
    }

    /// What the others call their flow.
    async fn run(&self, cx: &FlowContext, input: Raw) -> Result<Raw, Unwind<No>> {
        self.r#loop(cx, input).await
    }
}

/// Locals that are called like the positions, the values and the arms that the machine has beside them.
struct CountersLikeOurs(World);

#[saga]
impl CountersLikeOurs {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let list = vec![n, n + 1];
        let mut sum = 0;
        for line in &list {
            sum += self.open(cx, *line).await?;
        }
        for line in &list {
            for line_2 in &list {
                for at_line in list.clone() {
                    #[state("2")]
                    let one = self.open(cx, line + line_2 + at_line).await?;
                    sum += one;
                }
            }
        }
        let __at_line = sum;
        'self_: for at in 0..3_u32 {
            #[state("start")]
            let one = self.open(cx, at).await?;
            if one > 1 {
                let __slots = one + 1;
                {
                    sum += __slots;
                    continue 'self_;
                }
            }
            sum += one;
        }
        let value_2 = if n > 1 {
            #[state("after_open")]
            let one = self.open(cx, sum).await?;
            one
        } else {
            0
        };
        let value = match n {
            1 => {
                #[state("Open")]
                let one = self.open(cx, sum).await?;
                one
            }
            _ => 3,
        };
        #[state("open2")]
        let __value = self.open(cx, value).await?;
        Ok(sum + __at_line + value + value_2 + __value)
    }

    #[step(no_compensation = "a test")]
    async fn open(&self, cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "open", &n.to_string()).await
    }
}

/// Steps that are called like what the machine is made of.
struct StepsWithNamesOfTheMachine(World);

#[saga]
impl StepsWithNamesOfTheMachine {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let mut sum = self.cx(cx, n).await? + self.drive(cx, n).await? + self.slots(cx, n).await?;
        sum += self.step(cx, n).await?;
        sum += self.exec(cx, n).await? + self.__drive(cx, n).await?;
        sum += self.__flow(cx, n).await?;
        sum += self.__step(cx, n).await?;
        sum += self.sleep(cx, n).await?;
        sum += self.wait(cx, n).await?;
        Ok(sum + self.definition(cx, n).await?)
    }

    #[step(no_compensation = "a test")]
    async fn cx(&self, cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "cx", &n.to_string()).await
    }

    #[step(no_compensation = "a test")]
    async fn drive(&self, __drive: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "drive", &n.to_string()).await
    }

    #[step(no_compensation = "a test")]
    async fn slots(&self, __cx: &StepContext, __arguments: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "slots", &__arguments.to_string()).await
    }

    #[step(no_compensation = "a test")]
    async fn step(&self, _cx: &StepContext, __a0: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "step", &__a0.to_string()).await
    }

    #[step(no_compensation = "a test")]
    async fn exec(&self, _cx: &StepContext, __step: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "exec", &__step.to_string()).await
    }

    #[step(no_compensation = "a test", name = "drive_itself")]
    async fn __drive(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "__drive", &n.to_string()).await
    }

    #[step(name = "the_flow")]
    async fn __flow(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "__flow", &n.to_string()).await
    }

    #[compensate(__flow)]
    async fn __compensate(&self, _cx: &StepContext, __output: Outcome<u32>) -> Result<(), Transient> {
        let _ = __output;
        Ok(())
    }

    #[step(no_compensation = "a test", name = "the_step")]
    async fn __step(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "__step", &n.to_string()).await
    }

    #[step(no_compensation = "a test")]
    async fn sleep(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "sleep", &n.to_string()).await
    }

    #[step(no_compensation = "a test")]
    async fn wait(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "wait", &n.to_string()).await
    }

    #[step(read_only)]
    async fn definition(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        Ok(std::future::ready(n).await)
    }
}

flow! { LocalsWithNamesOfTheMachine [a b]
    (self, cx, __s: u32) -> Vec<u32> {
        let __drive = self.a(cx, "drive").await?;
        let __block = __s + __drive;
        let __entry = vec![__block; 2];
        let __live = self.b(cx, &__entry.len().to_string()).await?;
        let __never = Some(__live);
        #[state("more")]
        let __answer = self.a(cx, &format!("{__never:?}{__block}{__drive}")).await?;
        let mut all = __entry;
        #[state("last")]
        self.b(cx, &format!("{__answer}")).await?;
        all.extend([__s, __drive, __block, __live, __answer]);
        all.extend(__never);
        Ok(all)
    }
}

flow! { MoreLocalsWithNamesOfTheMachine [a b]
    (self, cx, __rt: Vec<String>) -> Vec<String> {
        let mut __items = vec![];
        for __item in &__rt {
            let __range = self.a(cx, __item).await?;
            for __at in 0..__range {
                self.b(cx, &format!("{__at}{__range}")).await?;
                __items.push(__item.repeat(2));
            }
        }
        let __value = if __items.len() > 1 {
            #[state("value")]
            self.a(cx, "value").await?
        } else {
            0
        };
        let __part = {
            #[state("one")]
            let one = self.a(cx, "one").await?;
            #[state("two")]
            let two = one + self.b(cx, "two").await?;
            two
        };
        let (exec, drive, slots, args, frame) = (1, 2, 3, 4, 5);
        #[state("end")]
        self.b(cx, &(exec + drive + slots + args + frame).to_string()).await?;
        __items.push(format!("{__value}{__part}{}", exec + drive + slots + args + frame));
        Ok(__items)
    }
}

/// No letter of it is ASCII, but for the durable names.
struct InUnicode(World);

#[saga(name = "in_unicode")]
impl InUnicode {
    #[flow]
    async fn run(&self, текст: &FlowContext, straße: String) -> Result<String, Unwind<No>> {
        let länge = self.größe(текст, &straße).await?;
        let 数 = länge + 1;
        let ответ = self.привет(текст, 数).await?;
        Ok(format!("{ответ:>数$} {länge} {straße}", 数 = 数 as usize))
    }

    #[step(name = "size")]
    async fn größe(&self, _ц: &StepContext, straße: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "größe", straße).await
    }

    #[compensate(größe)]
    async fn zurück(&self, ц: &StepContext, straße: &str, größe: Outcome<u32>) -> Result<(), Transient> {
        let _ = (ц.undoes(), straße, größe);
        Ok(())
    }

    #[step(name = "hello", pivot)]
    async fn привет(&self, _ц: &StepContext, 数: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "привет", &数.to_string()).await
    }
}

flow! { AVeryLongName [a_step_whose_name_goes_on_and_on_until_the_sixty_fourth_letter_]
    (self, cx, an_input_whose_name_goes_on_and_on_as_if_nobody_had_ever_heard_of_an_end_of_a_line_or_of_a_paragraph: u32) -> u32 {
        let a_local_whose_name_goes_on_and_on_as_if_nobody_had_ever_heard_of_an_end_of_a_line_or_of_a_paragraph_or_of_a_page =
            self.a_step_whose_name_goes_on_and_on_until_the_sixty_fourth_letter_(cx, "a").await?;
        cx.sleep("1s").await;
        Ok(a_local_whose_name_goes_on_and_on_as_if_nobody_had_ever_heard_of_an_end_of_a_line_or_of_a_paragraph_or_of_a_page
            + an_input_whose_name_goes_on_and_on_as_if_nobody_had_ever_heard_of_an_end_of_a_line_or_of_a_paragraph)
    }
}

/// Something with methods that are called like steps.
#[derive(Clone, Serialize, Deserialize)]
struct Other(u32);

impl Other {
    fn a(&self, _: &FlowContext, more: &str) -> Result<u32, No> {
        more.len().try_into().map(|n: u32| n + self.0).map_err(|_| No("long".into()))
    }

    fn sleep(&self, span: &str) -> usize {
        span.len() + self.0 as usize
    }
}

/// A trait with a method that is called like a step.
trait Named {
    fn b(&self) -> u32;
}

impl Named for u32 {
    fn b(&self) -> u32 {
        self + 1
    }
}

impl Named for MethodsOfTheSameNameElsewhere {
    fn b(&self) -> u32 {
        3
    }
}

flow! { MethodsOfTheSameNameElsewhere [a b]
    (self, cx, n: u32) -> u32 {
        let other = Other(n);
        let x = other.a(cx, "xx")?;
        let y = self.a(cx, &x.to_string()).await?;
        let z = y.b() + Named::b(self) + u32::b(&x);
        self.b(cx, &z.to_string()).await?;
        let spans = [other.sleep("1h"), n.b() as usize];
        Ok(z + other.a(cx, "")? + u32::try_from(spans.iter().sum::<usize>()).unwrap_or(0))
    }
}

/// A trait with the methods of those that the machine uses.
trait Methods {
    fn kept(&self) -> usize;
    fn item(self) -> String;
    fn open(&mut self) -> char;
    fn is_a_value(&self) -> bool;
    fn collect(self) -> Vec<char>;
    fn take(&mut self) -> Self;
    fn put(&mut self, more: char);
}

impl Methods for String {
    fn kept(&self) -> usize {
        self.len()
    }
    fn item(self) -> String {
        self + "!"
    }
    fn open(&mut self) -> char {
        self.push('?');
        '?'
    }
    fn is_a_value(&self) -> bool {
        self.len() > 1
    }
    fn collect(self) -> Vec<char> {
        self.chars().collect()
    }
    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
    fn put(&mut self, more: char) {
        self.push(more);
    }
}

flow! { TraitsWithMethodsOfTheMachine [a b]
    (self, cx, mut text: String) -> (String, Vec<char>) {
        let kept = text.kept();
        let open = text.open();
        self.a(cx, &text).await?;
        text.put(open);
        let mut taken = text.take();
        let is = taken.is_a_value();
        self.b(cx, &format!("{kept}{is}")).await?;
        taken.put('.');
        Ok((taken.clone().item(), taken.collect()))
    }
}

/// A type that is called as the machine calls its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct B0 {
    s1: u32,
}

/// Another.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct T1(u32);

/// A third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Block {
    Open,
}

flow! { TypesWithNamesOfTheMachine [a b]
    (self, cx, input: B0) -> u32 {
        let T1(n) = T1(input.s1);
        let block = Block::Open;
        self.a(cx, &format!("{block:?}")).await?;
        let t = T1(n + 1);
        self.b(cx, &n.to_string()).await?;
        let B0 { s1 } = input;
        Ok(s1 + t.0 + u32::from(block == Block::Open))
    }
}

flow! { AnotherContextName [a]
    (self, the_context_of_this_flow, n: u32) -> u32 {
        the_context_of_this_flow.sleep("1s").await;
        let cx = n;
        Ok(self.a(the_context_of_this_flow, &cx.to_string()).await? + cx)
    }
}

/// A field, a step and a local of one name.
struct SameNamesOfStepLocalAndField {
    charge: u32,
    world: World,
}

#[saga]
impl SameNamesOfStepLocalAndField {
    #[flow]
    async fn run(&self, cx: &FlowContext, charge: u32) -> Result<u32, Unwind<No>> {
        let charge = self.charge + self.charge(cx, charge).await?;
        cx.sleep("1s").await;
        Ok(charge + self.charge)
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, charge: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.world, "charge", &charge.to_string()).await
    }
}

/// Locals that look like constants, and constants that look like locals.
struct LocalsInCapitals(World);

#[expect(non_upper_case_globals, reason = "that is what is odd here")]
const three: u32 = 3;

#[saga]
#[expect(non_snake_case, non_upper_case_globals, reason = "that is what is odd here")]
impl LocalsInCapitals {
    #[flow]
    async fn run(&self, cx: &FlowContext, N: u32) -> Result<u32, Unwind<No>> {
        let M = self.act(N).await?;
        let mut SUM = M + N;
        for I in 0..M {
            #[state("again")]
            let K = self.act(I + SUM).await?;
            SUM += K;
        }
        match N {
            three => Ok(SUM + N),
            4 => Ok(SUM),
            _ => {
                cx.sleep("1s").await;
                Ok(M)
            }
        }
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, N: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &N.to_string()).await
    }
}
