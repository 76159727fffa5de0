//! A program as Rust, as a user would write it.

use crate::program::{Block, Call, Class, Expr, Kind, Match, Program, Saga, Source, Step, Stmt, Verb};
use std::fmt::Write as _;

/// What somebody sends, in the order of the indices.
pub const SIGNALS: [&str; 3] = ["A", "B", "NEVER"];

/// The sagas of a program, for a module that has the names of the prelude, the participants' `World`, and the functions `mix`,
/// `branch`, `sum` and `length`.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    for (index, saga) in program.sagas.iter().enumerate().rev() {
        Printer { saga, index, out: &mut out, depth: 0 }.saga();
    }
    out
}

struct Printer<'p> {
    saga: &'p Saga,
    index: usize,
    out: &'p mut String,
    depth: usize,
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        let indent = self.depth * 4;
        // Writing to a text does not fail.
        let _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn saga(&mut self) {
        let index = self.index;
        self.line(&format!("pub(crate) struct Saga{index}(pub(crate) World);"));
        self.line(&format!("#[saga(name = \"saga{index}\", version = 1)]"));
        self.line(&format!("impl Saga{index} {{"));
        self.depth += 1;
        if index == 0 {
            for name in SIGNALS {
                self.line("#[signal]");
                let text = name.to_lowercase();
                self.line(&format!("pub(crate) const {name}: Signal<Self, i64> = Signal::new(\"{text}\");"));
            }
        }
        for (at, flow) in self.saga.flows.iter().enumerate() {
            if at == 0 {
                self.line("#[flow]");
                self.line(
                    "pub(crate) async fn run(&self, cx: &FlowContext, input: (i64, i64)) -> Result<i64, Unwind<No>> {",
                );
                self.depth += 1;
                self.line("let (tag, n0) = input;");
                self.depth -= 1;
            } else {
                self.line("#[flow(inner)]");
                self.line(&format!(
                    "async fn inner{at}(&self, cx: &FlowContext, tag: i64, n0: i64, given: &[i64]) -> Result<i64, Unwind<No>> {{"
                ));
            }
            self.body(&flow.body, Some("Ok"));
            self.line("}");
        }
        for step in &self.saga.steps {
            self.step(step);
        }
        self.depth -= 1;
        self.line("}");
    }

    fn step(&mut self, step: &Step) {
        let name = &step.name;
        let class = match step.class {
            Class::Compensated => "",
            Class::Kept => "no_compensation = \"it may stay\", ",
            Class::ReadOnly => "read_only, ",
            Class::Pivot => "pivot, ",
            Class::Retriable => "retriable, ",
        };
        let keyless = if step.keyless { "idempotent = \"it looks\", " } else { "" };
        let attempts = if step.bounded { ", attempts = 4" } else { "" };
        let (ty, as_list) = if step.list { ("&[i64]", "x") } else { ("i64", "&[x]") };
        let error = if step.refuses { "Failure<No>" } else { "Transient" };
        self.line(&format!("#[step({class}{keyless}retry(initial = \"10ms\", max = \"50ms\"{attempts}))]"));
        self.line(&format!("async fn {name}(&self, cx: &StepContext, tag: i64, x: {ty}) -> Result<i64, {error}> {{"));
        let unrefused = if step.refuses { "" } else { ".map_err(unrefused)" };
        self.line(&format!("    self.0.call(cx, \"{name}\", tag, {as_list}).await{unrefused}"));
        self.line("}");
        if step.class == Class::Compensated {
            self.line(&format!("#[compensate({name}, retry(initial = \"10ms\", max = \"50ms\"))]"));
            self.line(&format!(
                "async fn undo_{name}(&self, cx: &StepContext, tag: i64, x: {ty}, done: Outcome<i64>) -> Result<(), Transient> {{"
            ));
            self.line(&format!("    self.0.undo(cx, \"{name}\", tag, {as_list}, done).await"));
            self.line("}");
        }
    }

    /// The lines between the braces; the value inside `wrap(..)`, if that is given.
    fn body(&mut self, block: &Block, wrap: Option<&str>) {
        self.depth += 1;
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
        if let Some(value) = &block.value {
            let value = self.expr(value);
            match wrap {
                Some(wrap) => self.line(&format!("{wrap}({value})")),
                None => self.line(&value),
            }
        }
        self.depth -= 1;
    }

    fn block(&mut self, block: &Block) -> String {
        let outside = std::mem::take(self.out);
        self.body(block, None);
        let body = std::mem::replace(self.out, outside);
        let indent = self.depth * 4;
        format!("{{\n{body}{:indent$}}}", "")
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let { names, mutable, value } => {
                self.state(value);
                let (names, value) = (names_of(names), self.expr(value));
                let mutable = if *mutable { "mut " } else { "" };
                self.line(&format!("let {mutable}{names} = {value};"));
            }
            Stmt::Later(name) => self.line(&format!("let {name}: i64;")),
            Stmt::List(name, items) => {
                let items: Vec<String> = items.iter().map(|item| self.expr(item)).collect();
                self.line(&format!("let mut {name}: Vec<i64> = vec![{}];", items.join(", ")));
            }
            Stmt::LetElse { names, answer, otherwise } => {
                self.state(answer);
                let (names, answer) = (names_of(names), self.expr(answer));
                let otherwise = self.block(otherwise);
                self.line(&format!("let Ok({names}) = {answer} else {otherwise};"));
            }
            Stmt::Assign(name, value) => {
                self.state(value);
                let value = self.expr(value);
                self.line(&format!("{name} = {value};"));
            }
            Stmt::Add(name, value) => {
                self.state(value);
                let value = self.expr(value);
                self.line(&format!("{name} += {value};"));
            }
            Stmt::Push(name, value) => {
                self.state(value);
                let value = self.expr(value);
                self.line(&format!("{name}.push({value});"));
            }
            Stmt::Do(expr) => {
                self.state(expr);
                let text = self.expr(expr);
                self.line(&format!("{text};"));
            }
        }
    }

    /// The name of the state of the one call in a statement.
    fn state(&mut self, expr: &Expr) {
        match expr {
            Expr::Await(call) => {
                if let Some(state) = &call.state {
                    self.line(&format!("#[state(\"{state}\")]"));
                }
            }
            Expr::Try(inner) | Expr::Mix(inner, _) => self.state(inner),
            _ => {}
        }
    }

    fn two(&mut self, a: &Expr, b: &Expr) -> (String, String) {
        (self.expr(a), self.expr(b))
    }

    fn expr(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Number(number) => number.to_string(),
            Expr::Local(name) => name.clone(),
            Expr::Mix(a, b) => {
                let (a, b) = self.two(a, b);
                format!("mix({a}, {b})")
            }
            Expr::Sum(list) => format!("sum({})", borrowed(list)),
            Expr::Length(list) => format!("length({})", borrowed(list)),
            Expr::Branch(at) => format!("branch(tag, {})", self.expr(at)),
            Expr::Less(a, b) => {
                let (a, b) = self.two(a, b);
                format!("{a} < {b}")
            }
            Expr::And(a, b) => {
                let (a, b) = self.two(a, b);
                format!("{a} && {b}")
            }
            Expr::Or(a, b) => {
                let (a, b) = self.two(a, b);
                format!("({a} || {b})")
            }
            Expr::Not(a) => format!("!({})", self.expr(a)),
            Expr::IsOk(answer) => format!("{}.is_ok()", self.expr(answer)),
            Expr::Await(call) => self.call(call),
            Expr::Try(answer) => format!("{}?", self.expr(answer)),
            Expr::If(cond, then, otherwise) => {
                let cond = self.expr(cond);
                let (then, otherwise) = (self.block(then), self.block(otherwise));
                format!("if {cond} {then} else {otherwise}")
            }
            Expr::IfOk(answer, names, then, otherwise) => {
                let answer = self.expr(answer);
                let (then, otherwise) = (self.block(then), self.block(otherwise));
                format!("if let Ok({}) = {answer} {then} else {otherwise}", names_of(names))
            }
            Expr::Match(node) => self.match_(node),
            Expr::Received(answer, arms, elapsed) => self.received(answer, arms, elapsed.as_ref()),
            Expr::Switch(value, arms) => {
                let value = self.expr(value);
                let last = arms.len() - 1;
                let arms = arms.iter().enumerate().map(|(at, arm)| {
                    let pattern = if at == last { "_".into() } else { at.to_string() };
                    (pattern, arm)
                });
                let arms = arms.collect::<Vec<_>>();
                self.arms(&format!("{value} % {}", last + 1), &arms, None)
            }
            Expr::Labelled(label, block) => format!("'{label}: {}", self.block(block)),
            Expr::Loop(label, block) => format!("'{label}: loop {}", self.block(block)),
            Expr::While(label, cond, block) => {
                let cond = self.expr(cond);
                format!("'{label}: while {cond} {}", self.block(block))
            }
            Expr::For(label, name, source, block) => {
                let (pattern, source) = match source {
                    Source::Range(a, b) => (name.clone(), format!("{}..{}", self.expr(a), self.expr(b))),
                    Source::Closed(a, b) => (name.clone(), format!("{}..={}", self.expr(a), self.expr(b))),
                    Source::Back(a, b) => (name.clone(), format!("({}..{}).rev()", self.expr(a), self.expr(b))),
                    Source::Place(list) => (format!("&{name}"), borrowed(list)),
                    Source::Copy(list) => (name.clone(), format!("{list}.to_vec()")),
                    Source::Iterator(list) => (name.clone(), format!("{list}.iter().copied().rev()")),
                };
                format!("'{label}: for {pattern} in {source} {}", self.block(block))
            }
            Expr::Break(label, value) => match value {
                Some(value) => format!("break '{label} {}", self.expr(value)),
                None => format!("break '{label}"),
            },
            Expr::Continue(label) => format!("continue '{label}"),
            Expr::Return(value) => format!("return Ok({})", self.expr(value)),
            Expr::Refuse(value) => format!("return Err(No({}).into())", self.expr(value)),
        }
    }

    fn arms(&mut self, scrutinee: &str, arms: &[(String, &Block)], last: Option<&str>) -> String {
        self.depth += 1;
        let indent = self.depth * 4;
        let mut text = format!("match {scrutinee} {{\n");
        for (pattern, block) in arms {
            let block = self.block(block);
            let _ = writeln!(text, "{:indent$}{pattern} => {block}", "");
        }
        if let Some(last) = last {
            let _ = writeln!(text, "{:indent$}{last}", "");
        }
        self.depth -= 1;
        let indent = self.depth * 4;
        let _ = write!(text, "{:indent$}}}", "");
        text
    }

    fn match_(&mut self, node: &Match) -> String {
        let answer = self.expr(&node.answer);
        let kind = match node.kind {
            Kind::Transient => "Transient",
            Kind::Failure => "Failure",
            Kind::Unwind => "Unwind",
        };
        let mut arms = vec![(format!("Ok({})", names_of(&node.ok.0)), &node.ok.1)];
        if let Some((name, block)) = &node.refused {
            arms.push((format!("Err({kind}::Refused(No({name})))"), block));
        }
        if let Some(block) = &node.exhausted {
            arms.push((format!("Err({kind}::Exhausted(_))"), block));
        }
        if let Some(rest) = &node.rest {
            arms.push(("Err(_)".into(), rest));
        }
        let last = node.rest.is_none().then_some("Err(other) => return Err(other.into()),");
        self.arms(&answer, &arms, last)
    }

    fn received(&mut self, answer: &Expr, arms: &[(String, Block)], elapsed: Option<&Block>) -> String {
        let answer = self.expr(answer);
        let which = ["OneOf2::First", "OneOf2::Second"];
        let several = arms.len() > 1;
        let mut all: Vec<(String, &Block)> = Vec::new();
        for (at, (name, block)) in arms.iter().enumerate() {
            let pattern = if several { format!("{}({name})", which[at]) } else { name.clone() };
            all.push((if elapsed.is_some() { format!("Ok({pattern})") } else { pattern }, block));
        }
        if let Some(elapsed) = elapsed {
            all.push(("Err(Elapsed)".into(), elapsed));
        }
        self.arms(&answer, &all, None)
    }

    fn call(&mut self, call: &Call) -> String {
        let verb = self.verb(&call.verb);
        format!("{verb}.await")
    }

    fn verb(&mut self, verb: &Verb) -> String {
        match verb {
            Verb::Step { step, tag, argument } => {
                let tag = self.expr(tag);
                let step = &self.saga.steps[*step];
                let argument = match argument {
                    Expr::Local(list) if step.list => borrowed(list),
                    other => self.expr(other),
                };
                format!("self.{}(cx, {tag}, {argument})", step.name)
            }
            Verb::Inner { flow, tag, number, given } => {
                let (tag, number) = self.two(tag, number);
                format!("self.inner{flow}(cx, {tag}, {number}, {})", borrowed(given))
            }
            Verb::Join(branches) => {
                let branches: Vec<String> = branches.iter().map(|branch| self.verb(branch)).collect();
                format!("join!({})", branches.join(", "))
            }
            Verb::Each { list, limit, branch } => {
                let branch = self.verb(branch);
                format!("cx.join_all(first({}), {limit}, |(at, item): (i64, i64)| {branch})", borrowed(list))
            }
            Verb::Sleep(seconds) => format!("cx.sleep(\"{seconds}s\")"),
            Verb::Wait { signals, within } => {
                let names: Vec<String> = signals.iter().map(|signal| format!("Self::{}", SIGNALS[*signal])).collect();
                let names = if names.len() == 1 { names[0].clone() } else { format!("({})", names.join(", ")) };
                format!("cx.wait({names}).{}", if *within { "within(\"1h\")" } else { "forever()" })
            }
            Verb::Child { saga, pivot, tag, number } => {
                let (tag, number) = self.two(tag, number);
                let pivot = if *pivot { ".pivot()" } else { "" };
                format!("cx.child::<Saga{saga}>(({tag}, {number})){pivot}.forever()")
            }
        }
    }
}

/// What is bound.
fn names_of(names: &[String]) -> String {
    match names {
        [] => "()".into(),
        [only] => only.clone(),
        several => format!("({})", several.join(", ")),
    }
}

/// A list as a slice; what an inner flow is given is one already.
fn borrowed(list: &str) -> String {
    if list == "given" { list.into() } else { format!("&{list}") }
}
