//! The point of no return, in the ways in which it can be passed.

use super::{Place, Writer};
use crate::program::{Block, Call, Class, Expr, Kind, Match, Step, Stmt, Verb};

impl Writer {
    fn pivot_step(&mut self) -> usize {
        let name = self.name(&format!("s{}_", self.saga));
        self.new_step(Step { name, class: Class::Pivot, refuses: true, bounded: false, list: false, keyless: false })
    }

    fn pivot_call(&mut self, place: &Place, step: usize, again: bool) -> Expr {
        let state = again.then(|| self.name("again"));
        let argument = self.pure(place, 1);
        let verb = Verb::Step { step, tag: Expr::Local("tag".into()), argument };
        Expr::Await(Box::new(Call { state, verb }))
    }

    /// Passes the pivot, and goes on.
    pub(super) fn pivot(&mut self, place: &mut Place, stmts: &mut Vec<Stmt>) {
        self.room = self.room.max(3);
        let step = self.pivot_step();
        let name = self.name("n");
        let bound = |name: &String| vec![name.clone()];
        let value = |name: &String| Block { stmts: Vec::new(), value: Some(Box::new(Expr::Local(name.clone()))) };
        let answer = self.pivot_call(place, step, false);
        let paid = match self.dice.roll(6) {
            0 => {
                let otherwise = self.leaving(place);
                stmts.push(Stmt::LetElse { names: bound(&name), answer, otherwise });
                None
            }
            1 => {
                // Another card.
                let (no, second) = (self.name("no"), self.name("n"));
                let mut refused = place.clone();
                refused.numbers.push(no.clone());
                let again = Expr::Try(Box::new(self.pivot_call(&refused, step, true)));
                let pay = Stmt::Let { names: bound(&second), mutable: false, value: again };
                let block = Block { stmts: vec![pay], ..value(&second) };
                let (kind, ok) = (Kind::Failure, (bound(&name), value(&name)));
                let node = Match { answer, kind, ok, refused: Some((no, block)), exhausted: None, rest: None };
                Some(Expr::Match(Box::new(node)))
            }
            2 => {
                // So many cards.
                let (label, count, done) = (self.name("l"), self.name("i"), self.name("n"));
                stmts.push(Stmt::Let { names: bound(&count), mutable: true, value: Expr::Number(0) });
                let mut inside = place.clone();
                inside.numbers.push(count.clone());
                let enough = Expr::Less(Box::new(Expr::Number(2)), Box::new(Expr::Local(count.clone())));
                let refuse = Stmt::Do(Expr::Refuse(Box::new(self.pure(&inside, 1))));
                let enough = Expr::If(Box::new(enough), Block { stmts: vec![refuse], value: None }, Block::default());
                let answer = Expr::Await(Box::new(Call {
                    state: None,
                    verb: Verb::Step { step, tag: Expr::Local("tag".into()), argument: Expr::Local(count.clone()) },
                }));
                let paid = Expr::Break(label.clone(), Some(Box::new(Expr::Local(done.clone()))));
                let ok = (vec![done], Block { stmts: vec![Stmt::Do(paid)], value: None });
                let rest = Some(self.block(&inside, 1, false));
                let node = Match { answer, kind: Kind::Failure, ok, refused: None, exhausted: None, rest };
                let turn =
                    vec![Stmt::Add(count, Expr::Number(1)), Stmt::Do(enough), Stmt::Do(Expr::Match(Box::new(node)))];
                Some(Expr::Loop(label, Block { stmts: turn, value: None }))
            }
            3 => {
                // Paid, or something else.
                let mut then = place.clone();
                then.numbers.push(name.clone());
                then.after = true;
                let mut paid = self.block(&then, 2, false);
                paid.stmts.push(Stmt::Do(Expr::Return(Box::new(self.pure(&then, 1)))));
                let otherwise = self.block(place, 1, false);
                stmts.push(Stmt::Do(Expr::IfOk(Box::new(answer), vec![name], paid, otherwise)));
                self.statements(place, 1, stmts);
                return;
            }
            4 if self.saga == 0 => {
                self.own().steps.pop();
                let saga = self.saga(true);
                let number = self.pure(place, 1);
                let verb = Verb::Child { saga, pivot: true, tag: Expr::Local("tag".into()), number };
                Some(Expr::Try(Box::new(Expr::Await(Box::new(Call { state: None, verb })))))
            }
            _ => Some(Expr::Try(Box::new(answer))),
        };
        if let Some(value) = paid {
            stmts.push(Stmt::Let { names: bound(&name), mutable: false, value });
        }
        place.numbers.push(name);
        place.after = true;
        let count = self.dice.index(4);
        self.room = self.room.max(3);
        self.statements(place, count, stmts);
    }
}
