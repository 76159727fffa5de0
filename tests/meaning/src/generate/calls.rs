//! Calls, and numbers and conditions that are made of them.

use super::{Place, Writer};
use crate::program::{Call, Class, Expr, Match, Step, Stmt, Verb};

impl Writer {
    /// A step that may stand here.
    fn step(&mut self, place: &Place) -> Step {
        let name = self.name(&format!("s{}_", self.saga));
        let list = self.dice.chance(20);
        if place.after {
            let class = if self.dice.chance(75) { Class::Retriable } else { Class::ReadOnly };
            return Step { name, class, refuses: false, bounded: false, list, keyless: false };
        }
        let class = match self.dice.roll(10) {
            0 => Class::Kept,
            1 => Class::ReadOnly,
            _ => Class::Compensated,
        };
        let (refuses, bounded) = (self.dice.chance(80), self.dice.chance(80));
        let keyless = class == Class::Compensated && self.dice.chance(15);
        Step { name, class, refuses, bounded, list, keyless }
    }

    /// The call of a step, with a number or a list as it needs it.
    fn step_call(&mut self, place: &Place, step: usize, tag: Expr) -> Verb {
        let lists: Vec<&String> = place.lists.iter().map(|(list, _)| list).collect();
        let argument = if self.own().steps[step].list {
            Expr::Local(lists[self.dice.index(lists.len())].clone())
        } else {
            self.pure(place, 1)
        };
        Verb::Step { step, tag, argument }
    }

    /// A new step, and its call.
    fn new_call(&mut self, place: &Place, tag: Expr) -> Verb {
        let mut step = self.step(place);
        step.list &= !place.lists.is_empty();
        let step = self.new_step(step);
        self.step_call(place, step, tag)
    }

    /// The call of a new step, with this number.
    pub(super) fn numbered(&mut self, place: &Place, number: Expr) -> Verb {
        let step = Step { list: false, ..self.step(place) };
        Verb::Step { step: self.new_step(step), tag: Expr::Local("tag".into()), argument: number }
    }

    /// A call of a step that is called nowhere else, so that its state needs no name.
    pub(super) fn unnamed(&mut self, place: &Place) -> Expr {
        self.room = self.room.saturating_sub(1);
        let verb = self.new_call(place, Expr::Local("tag".into()));
        Expr::Await(Box::new(Call { state: None, verb }))
    }

    /// A step that is there already and may stand here.
    fn known(&mut self, place: &Place) -> Option<usize> {
        let after = place.after;
        let fits = |step: &Step| {
            let side = match step.class {
                Class::Pivot => false,
                Class::Retriable => after,
                _ => after == (!step.refuses && !step.bounded && step.class == Class::ReadOnly),
            };
            side && (!step.list || !place.lists.is_empty())
        };
        let known: Vec<usize> = (0..self.own().steps.len()).filter(|step| fits(&self.own().steps[*step])).collect();
        self.dice.pick(&known).copied()
    }

    /// A step or an inner flow with this tag: a branch of a join, or a call of its own.
    fn branch(&mut self, place: &Place, tag: Expr, inner: bool) -> Verb {
        self.room = self.room.saturating_sub(1);
        if inner && !place.lists.is_empty() && place.depth < 4 && self.own().flows.len() < 5 {
            let beside = place.beside || !matches!(tag, Expr::Local(_));
            let flow = match self.known_inner(place, beside) {
                Some(flow) if self.dice.chance(30) => flow,
                _ => self.inner(place.after, beside, place.depth + 1),
            };
            let (given, _) = place.lists[self.dice.index(place.lists.len())].clone();
            return Verb::Inner { flow, tag, number: self.pure(place, 1), given };
        }
        match self.known(place) {
            Some(step) if self.dice.chance(25) => self.step_call(place, step, tag),
            _ => self.new_call(place, tag),
        }
    }

    /// An inner flow that may be called here, and does not call this one.
    fn known_inner(&mut self, place: &Place, beside: bool) -> Option<usize> {
        if place.flow != 0 {
            return None;
        }
        let fits = |flow: &crate::program::Flow| flow.after == place.after && (flow.beside || !beside);
        let flows = &self.program.sagas[self.saga].flows;
        let known: Vec<usize> = (1..flows.len()).filter(|at| fits(&flows[*at])).collect();
        self.dice.pick(&known).copied()
    }

    /// A call whose answer is one number, or several; with the names that it takes to bind them, and whether they are a list.
    fn any(&mut self, place: &Place) -> (Call, Vec<String>, bool) {
        let state = Some(self.name("state"));
        let tag = || Expr::Local("tag".into());
        let joins = place.depth < 4;
        match self.dice.roll(12) {
            0 | 1 | 10 if joins => {
                let count = 2 + self.dice.index(2);
                let branches = (0..count).map(|at| {
                    let at = i64::try_from(at).unwrap_or_default();
                    let inner = self.dice.chance(45);
                    self.branch(place, Expr::Branch(Box::new(Expr::Number(at))), inner)
                });
                let branches = branches.collect();
                let names = (0..count).map(|_| self.name("n")).collect();
                (Call { state, verb: Verb::Join(branches) }, names, false)
            }
            2 | 3 if joins && !place.lists.is_empty() => {
                let (list, _) = place.lists[self.dice.index(place.lists.len())].clone();
                let mut inside = place.clone();
                inside.numbers.extend(["at".into(), "item".into()]);
                let inner = self.dice.chance(50);
                let tag = Expr::Branch(Box::new(Expr::Local("at".into())));
                let branch = Box::new(self.branch(&inside, tag, inner));
                let limit = 1 + self.dice.number(3);
                (Call { state, verb: Verb::Each { list, limit, branch } }, vec![self.name("list")], true)
            }
            4 if !place.after && self.saga == 0 && self.program.sagas.len() < 3 => {
                let saga = self.saga(false);
                let verb = Verb::Child { saga, pivot: false, tag: tag(), number: self.pure(place, 1) };
                (Call { state, verb }, vec![self.name("n")], false)
            }
            5 | 6 | 11 => (Call { state, verb: self.branch(place, tag(), true) }, vec![self.name("n")], false),
            _ => (Call { state, verb: self.branch(place, tag(), false) }, vec![self.name("n")], false),
        }
    }

    /// Statements that make a call and bind what it answers.
    pub(super) fn call(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        let (call, names, is_list) = self.any(place);
        let kind = self.program.sagas[self.saga].kind(&call.verb);
        let again = !matches!(call.verb, Verb::Join(_) | Verb::Each { .. }) && names.len() == 1;
        let answer = Expr::Await(Box::new(call));
        let bind = |place: &mut Place, names: &[String]| {
            if is_list {
                place.lists.push((names[0].clone(), false));
            } else {
                place.numbers.extend(names.iter().cloned());
            }
        };
        // After the pivot nothing may end the saga, and an inner flow could.
        let tried = !place.after || kind == crate::program::Kind::Transient;
        match self.dice.roll(10) {
            0..=4 if tried => {
                stmts.push(Stmt::Let { names: names.clone(), mutable: false, value: Expr::Try(Box::new(answer)) });
                bind(place, &names);
            }
            5 if again && tried => {
                let value = Expr::Mix(Box::new(Expr::Try(Box::new(answer))), Box::new(self.pure(place, 1)));
                stmts.push(Stmt::Let { names: names.clone(), mutable: true, value });
                place.mutable.extend(names.iter().cloned());
                bind(place, &names);
            }
            6 => {
                let otherwise = self.leaving(place);
                stmts.push(Stmt::LetElse { names: names.clone(), answer, otherwise });
                bind(place, &names);
            }
            7 => {
                let mut inside = place.clone();
                bind(&mut inside, &names);
                let stored = self.name("answer");
                stmts.push(Stmt::Let { names: vec![stored.clone()], mutable: false, value: answer });
                let then = self.block(&inside, 1, false);
                let otherwise = self.block(place, 1, false);
                stmts.push(Stmt::Do(Expr::IfOk(Box::new(Expr::Local(stored)), names, then, otherwise)));
            }
            _ => {
                let stored = self.name("answer");
                stmts.push(Stmt::Let { names: vec![stored.clone()], mutable: false, value: answer });
                let mut inside = place.clone();
                bind(&mut inside, &names);
                let ok = (names, self.block(&inside, 0, true));
                let node = self.match_(place, Expr::Local(stored), kind, ok);
                let name = self.name("n");
                stmts.push(Stmt::Let { names: vec![name.clone()], mutable: false, value: Expr::Match(Box::new(node)) });
                place.numbers.push(name);
            }
        }
    }

    /// A `match` on an answer, whose value is a number.
    fn match_(
        &mut self,
        place: &Place,
        answer: Expr,
        kind: crate::program::Kind,
        ok: (Vec<String>, crate::program::Block),
    ) -> Match {
        let refusable = kind != crate::program::Kind::Transient;
        let refused = (refusable && self.dice.chance(70)).then(|| {
            let no = self.name("no");
            let count = self.dice.index(2);
            let block =
                if self.dice.chance(20) { self.leaving(place) } else { self.block_with(place, &no, count, true) };
            (no, block)
        });
        let exhausted = (refusable && self.dice.chance(30)).then(|| self.block(place, 1, true));
        let rest = (place.after || self.dice.chance(50)).then(|| self.block(place, 1, true));
        Match { answer, kind, ok, refused, exhausted, rest }
    }

    /// A number, perhaps with calls in it.
    pub(super) fn value(&mut self, place: &mut Place, depth: usize) -> Expr {
        if self.room == 0 || place.depth > 5 {
            return self.pure(place, 1);
        }
        let tried = |answer| Expr::Try(Box::new(answer));
        match self.dice.roll(12) {
            0 | 1 => tried(self.unnamed(place)),
            2 => Expr::Mix(Box::new(tried(self.unnamed(place))), Box::new(self.pure(place, 1))),
            3 => Expr::Mix(Box::new(self.pure(place, 0)), Box::new(tried(self.unnamed(place)))),
            4 => Expr::Mix(Box::new(tried(self.unnamed(place))), Box::new(tried(self.unnamed(place)))),
            5 if depth > 0 => {
                let cond = self.condition(place);
                let (then, otherwise) = (self.block(place, 1, true), self.block(place, 0, true));
                Expr::If(Box::new(cond), then, otherwise)
            }
            6 if depth > 0 => {
                let arms = (0..2 + self.dice.index(2)).map(|_| self.block(place, 0, true)).collect();
                Expr::Switch(Box::new(self.pure(place, 1)), arms)
            }
            7 | 8 => {
                let Expr::Await(call) = self.unnamed(place) else { return self.pure(place, 1) };
                let kind = self.program.sagas[self.saga].kind(&call.verb);
                let name = self.name("n");
                let ok = (vec![name.clone()], self.block_with(place, &name, 0, true));
                Expr::Match(Box::new(self.match_(place, Expr::Await(call), kind, ok)))
            }
            9 if depth > 0 => self.labelled(place),
            10 if depth > 0 => self.loop_with_value(place),
            _ => self.pure(place, 2),
        }
    }

    /// A condition, perhaps with calls in it.
    pub(super) fn condition(&mut self, place: &Place) -> Expr {
        if self.room == 0 {
            return self.decided(place);
        }
        let compared = |this: &mut Self| {
            let answer = Expr::Try(Box::new(this.unnamed(place)));
            Expr::Less(Box::new(answer), Box::new(this.pure(place, 1)))
        };
        match self.dice.roll(8) {
            0 => compared(self),
            1 => Expr::And(Box::new(compared(self)), Box::new(compared(self))),
            2 => Expr::And(Box::new(self.decided(place)), Box::new(compared(self))),
            3 => Expr::Or(Box::new(self.decided(place)), Box::new(Expr::IsOk(Box::new(self.unnamed(place))))),
            4 => Expr::Not(Box::new(Expr::IsOk(Box::new(self.unnamed(place))))),
            _ => self.decided(place),
        }
    }
}
