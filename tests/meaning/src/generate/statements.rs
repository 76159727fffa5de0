//! Statements: locals, branches, loops, time.

use super::{Place, Writer};
use crate::program::{Block, Call, Expr, Source, Stmt, Verb};

impl Writer {
    pub(super) fn statements(&mut self, place: &mut Place, count: usize, stmts: &mut Vec<Stmt>) {
        for _ in 0..count {
            if self.room > 0 && place.depth < 6 {
                self.statement(place, stmts);
            } else {
                self.plain(place, stmts);
            }
        }
    }

    fn statement(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        match self.dice.roll(25) {
            0..=7 | 20..=23 => self.call(place, stmts),
            8 => {
                let value = self.value(place, 2);
                let name = self.name("n");
                let mutable = self.dice.chance(30);
                stmts.push(Stmt::Let { names: vec![name.clone()], mutable, value });
                if mutable {
                    place.mutable.push(name.clone());
                }
                place.numbers.push(name);
            }
            9 => {
                let cond = self.condition(place);
                let then = if self.dice.chance(35) { self.leaving(place) } else { self.block(place, 2, false) };
                let otherwise = if self.dice.chance(50) { self.block(place, 1, false) } else { Block::default() };
                stmts.push(Stmt::Do(Expr::If(Box::new(cond), then, otherwise)));
            }
            10 | 11 | 24 => self.for_(place, stmts),
            12 => self.while_(place, stmts),
            13 => {
                let value = self.loop_with_value(place);
                let name = self.name("n");
                stmts.push(Stmt::Let { names: vec![name.clone()], mutable: false, value });
                place.numbers.push(name);
            }
            14 => {
                let seconds = 1 + self.dice.roll(100);
                stmts.push(self.sleep(seconds));
            }
            15 | 16 => self.wait(place, stmts),
            17 => {
                let name = self.name("n");
                stmts.push(Stmt::Later(name.clone()));
                let cond = self.decided(place);
                let assigned = |this: &mut Self| {
                    let mut block = this.block(place, 1, false);
                    block.stmts.push(Stmt::Assign(name.clone(), this.value(&mut place.clone(), 0)));
                    block
                };
                let (then, otherwise) = (assigned(self), assigned(self));
                stmts.push(Stmt::Do(Expr::If(Box::new(cond), then, otherwise)));
                place.numbers.push(name);
            }
            18 => {
                let arms = (0..2 + self.dice.index(2)).map(|_| self.block(place, 1, false)).collect();
                stmts.push(Stmt::Do(Expr::Switch(Box::new(self.pure(place, 1)), arms)));
            }
            _ => self.plain(place, stmts),
        }
    }

    /// A statement that mostly has no call in it.
    fn plain(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        let mutable = self.dice.pick(&place.mutable).cloned();
        let open: Vec<String> = place.lists.iter().filter(|(_, open)| *open).map(|(list, _)| list.clone()).collect();
        match (self.dice.roll(6), mutable, self.dice.pick(&open).cloned()) {
            (0 | 1, _, Some(list)) => {
                // It is borrowed while the value is made.
                let mut inside = place.clone();
                inside.lists.iter_mut().filter(|(other, _)| *other == list).for_each(|(_, open)| *open = false);
                stmts.push(Stmt::Push(list, self.value(&mut inside, 0)));
            }
            (2, Some(name), _) => stmts.push(Stmt::Assign(name, self.value(place, 1))),
            (3, Some(name), _) => stmts.push(Stmt::Add(name, self.value(place, 0))),
            (4, ..) => {
                let name = self.name("n");
                let value = self.pure(place, 2);
                stmts.push(Stmt::Let { names: vec![name.clone()], mutable: true, value });
                place.mutable.push(name.clone());
                place.numbers.push(name);
            }
            _ => self.list(place, stmts),
        }
    }

    pub(super) fn list(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        let name = self.name("list");
        let items = (0..self.dice.index(4)).map(|_| self.pure(place, 1)).collect();
        stmts.push(Stmt::List(name.clone(), items));
        place.lists.push((name, true));
    }

    pub(super) fn sleep(&mut self, seconds: u64) -> Stmt {
        let state = Some(self.name("sleep"));
        Stmt::Do(Expr::Await(Box::new(Call { state, verb: Verb::Sleep(seconds) })))
    }

    fn wait(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        if self.saga != 0 {
            return;
        }
        let (signals, within) = match self.dice.roll(4) {
            _ if place.beside => (vec![2], true),
            0 => (vec![self.dice.index(3)], true),
            1 => (vec![0, 1], true),
            2 if !self.program.signals.is_empty() => (vec![1, 0], false),
            3 if !self.program.signals.is_empty() => (vec![self.dice.index(2)], false),
            _ => (vec![1, 2], true),
        };
        self.room = self.room.saturating_sub(1);
        let state = Some(self.name("wait"));
        let count = signals.len();
        let wait = Expr::Await(Box::new(Call { state, verb: Verb::Wait { signals, within } }));
        let name = self.name("n");
        if count == 1 && !within {
            stmts.push(Stmt::Let { names: vec![name.clone()], mutable: false, value: wait });
            place.numbers.push(name);
            return;
        }
        let stored = self.name("got");
        stmts.push(Stmt::Let { names: vec![stored.clone()], mutable: false, value: wait });
        let arms = (0..count).map(|_| {
            let name = self.name("n");
            let block = self.block_with(place, &name, 0, true);
            (name, block)
        });
        let arms = arms.collect();
        let leaves = self.dice.chance(15);
        let elapsed = within.then(|| if leaves { self.leaving(place) } else { self.block(place, 1, true) });
        let value = Expr::Received(Box::new(Expr::Local(stored)), arms, elapsed);
        stmts.push(Stmt::Let { names: vec![name.clone()], mutable: false, value });
        place.numbers.push(name);
    }

    /// The inside of a loop.
    fn turn(&mut self, place: &Place, label: &str, with_value: bool, number: &str) -> (Place, Vec<Stmt>) {
        let mut inside = place.clone();
        inside.depth += 1;
        inside.numbers.push(number.into());
        inside.labels.push((label.into(), with_value, true));
        let mut stmts = Vec::new();
        let count = 1 + self.dice.index(3);
        self.statements(&mut inside, count, &mut stmts);
        if self.dice.chance(60) && self.room > 0 {
            // What the turn is about is needed to its end.
            self.room -= 1;
            let verb = self.numbered(&inside, Expr::Local(number.into()));
            let state = Some(self.name("state"));
            let answer = Expr::Await(Box::new(Call { state, verb }));
            let value = if place.after { answer } else { Expr::Try(Box::new(answer)) };
            stmts.push(Stmt::Let { names: vec!["_".into()], mutable: false, value });
        }
        (inside, stmts)
    }

    fn for_(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        let (label, name) = (self.name("l"), self.name("i"));
        let mut inside = place.clone();
        let end = || Box::new(Expr::Number(4));
        let start = self.dice.number(3);
        let source = match self.dice.pick(&place.lists).cloned() {
            Some((list, _)) if self.dice.chance(80) => {
                let source =
                    [Source::Place, Source::Place, Source::Copy, Source::Iterator][self.dice.index(4)](list.clone());
                if !matches!(source, Source::Copy(_)) {
                    // It is borrowed as long as the loop lasts.
                    inside.lists.iter_mut().filter(|(other, _)| *other == list).for_each(|(_, open)| *open = false);
                }
                source
            }
            _ => match self.dice.roll(3) {
                0 => Source::Range(Box::new(Expr::Number(start)), end()),
                1 => Source::Closed(Box::new(Expr::Number(start)), Box::new(Expr::Number(3))),
                _ => Source::Back(Box::new(Expr::Number(start)), end()),
            },
        };
        let (_, body) = self.turn(&inside, &label, false, &name);
        stmts.push(Stmt::Do(Expr::For(label, name, source, Block { stmts: body, value: None })));
    }

    fn while_(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        let (label, count) = (self.name("l"), self.name("i"));
        stmts.push(Stmt::Let { names: vec![count.clone()], mutable: true, value: Expr::Number(0) });
        let most = Expr::Number(1 + self.dice.number(3));
        let mut cond = Expr::Less(Box::new(Expr::Local(count.clone())), Box::new(most));
        if self.dice.chance(40) {
            cond = Expr::And(Box::new(cond), Box::new(self.condition(place)));
        }
        let (_, mut body) = self.turn(place, &label, false, &count);
        body.insert(0, Stmt::Add(count, Expr::Number(1)));
        stmts.push(Stmt::Do(Expr::While(label, Box::new(cond), Block { stmts: body, value: None })));
    }

    /// A `loop` that breaks with a number.
    pub(super) fn loop_with_value(&mut self, place: &Place) -> Expr {
        let (outer, label, count) = (self.name("l"), self.name("l"), self.name("i"));
        let most = Box::new(Expr::Number(1 + self.dice.number(3)));
        let (_, mut body) = self.turn(place, &label, true, &count);
        let mut counted = place.clone();
        counted.numbers.push(count.clone());
        let leave = Stmt::Do(Expr::Break(label.clone(), Some(Box::new(self.pure(&counted, 1)))));
        let over = Expr::Less(most, Box::new(Expr::Local(count.clone())));
        let guard = Expr::If(Box::new(over), Block { stmts: vec![leave], value: None }, Block::default());
        // At its beginning: a `continue` passes by the end of the turn.
        body.splice(0..0, [Stmt::Add(count.clone(), Expr::Number(1)), Stmt::Do(guard)]);
        let begin = Stmt::Let { names: vec![count], mutable: true, value: Expr::Number(0) };
        let value = Expr::Loop(label, Block { stmts: body, value: None });
        Expr::Labelled(outer, Block { stmts: vec![begin], value: Some(Box::new(value)) })
    }

    /// A block that may be left with a number.
    pub(super) fn labelled(&mut self, place: &Place) -> Expr {
        let label = self.name("l");
        let mut inside = place.clone();
        inside.labels.push((label.clone(), true, false));
        let cond = self.condition(&inside);
        let leave = Stmt::Do(Expr::Break(label.clone(), Some(Box::new(self.pure(&inside, 1)))));
        let guard = Expr::If(Box::new(cond), Block { stmts: vec![leave], value: None }, Block::default());
        let mut block = self.block(&inside, 1, true);
        block.stmts.insert(0, Stmt::Do(guard));
        Expr::Labelled(label, block)
    }
}
