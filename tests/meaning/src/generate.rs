//! Writes programs at random: all that the macro accepts, and nothing that it refuses.

mod calls;
mod pivot;
mod statements;

use crate::{
    dice::Dice,
    program::{Block, Expr, Flow, Program, Saga, Step, Stmt},
    reference::meaning,
};

/// The program of this seed. It ends, and does enough to be worth a test.
pub fn generate(seed: u64) -> Program {
    for attempt in 0_u64.. {
        let program = Writer::program(seed, attempt);
        if meaning(&program).is_ok_and(|meaning| (2..=40).contains(&meaning.calls)) {
            return program;
        }
    }
    unreachable!("there are more attempts than anybody counts")
}

/// What can be named, and what may be done, at one place of a flow.
#[derive(Debug, Clone, Default)]
struct Place {
    /// The numbers.
    numbers: Vec<String>,
    /// Those of them that may be assigned.
    mutable: Vec<String>,
    /// The lists, and whether something may be pushed.
    lists: Vec<(String, bool)>,
    /// The loops and blocks around it: their labels, whether they give a value, and whether they go on.
    labels: Vec<(String, bool, bool)>,
    /// In which flow it is.
    flow: usize,
    /// After the pivot.
    after: bool,
    /// In a flow that may run beside others.
    beside: bool,
    /// How deep the scopes are around it.
    depth: usize,
}

struct Writer {
    dice: Dice,
    program: Program,
    /// The saga that is being written.
    saga: usize,
    /// How many names there are.
    names: usize,
    /// How many more calls there may be in the text.
    room: usize,
}

impl Writer {
    fn program(seed: u64, attempt: u64) -> Program {
        let dice = Dice::of(seed, &format!("program {attempt}"));
        let program = Program { seed, ..Program::default() };
        let mut writer = Self { dice, program, saga: 0, names: 0, room: 0 };
        writer.room = 4 + writer.dice.index(14);
        for _ in 0..writer.dice.index(5) {
            let signal = (writer.dice.index(2), writer.dice.number(50));
            writer.program.signals.push(signal);
        }
        writer.saga(true);
        writer.program
    }

    /// Writes a saga; answers which.
    fn saga(&mut self, pivot: bool) -> usize {
        let outer = std::mem::replace(&mut self.saga, self.program.sagas.len());
        let index = self.saga;
        self.program.sagas.push(Saga { flows: vec![Flow::default()], steps: Vec::new() });
        let mut place = Place { numbers: vec!["n0".into()], ..Place::default() };
        let mut stmts = Vec::new();
        if index == 0 && !self.program.signals.is_empty() {
            // By the time that it waits for a signal, all of them are there.
            stmts.push(self.sleep(60));
        }
        if self.dice.chance(75) {
            self.list(&mut place, &mut stmts);
        }
        let count = if index == 0 { 2 + self.dice.index(5) } else { 1 + self.dice.index(2) };
        self.statements(&mut place, count, &mut stmts);
        if pivot && (index > 0 || self.dice.chance(60)) {
            self.pivot(&mut place, &mut stmts);
        } else if self.dice.chance(50) {
            self.change_of_mind(&place, &mut stmts);
        }
        let value = Some(Box::new(self.pure(&place, 2)));
        self.program.sagas[index].flows[0].body = Block { stmts, value };
        self.saga = outer;
        index
    }

    /// Writes an inner flow; answers which.
    fn inner(&mut self, after: bool, beside: bool, depth: usize) -> usize {
        let index = self.own().flows.len();
        self.own().flows.push(Flow { after, beside, ..Flow::default() });
        let mut place = Place {
            numbers: vec!["n0".into()],
            lists: vec![("given".into(), false)],
            flow: index,
            after,
            beside,
            depth,
            ..Place::default()
        };
        let mut stmts = Vec::new();
        let count = 1 + self.dice.index(3);
        self.statements(&mut place, count, &mut stmts);
        if !after && self.dice.chance(30) {
            self.change_of_mind(&place, &mut stmts);
        }
        let value = Some(Box::new(self.value(&mut place, 1)));
        self.own().flows[index].body = Block { stmts, value };
        index
    }

    /// A refusal once the work has been done.
    fn change_of_mind(&mut self, place: &Place, stmts: &mut Vec<Stmt>) {
        let refuse = Expr::Refuse(Box::new(self.pure(place, 1)));
        let then = Block { stmts: vec![Stmt::Do(refuse)], value: None };
        let cond = Expr::Less(Box::new(self.pure(place, 1)), Box::new(Expr::Number(40)));
        stmts.push(Stmt::Do(Expr::If(Box::new(cond), then, Block::default())));
    }

    fn own(&mut self) -> &mut Saga {
        &mut self.program.sagas[self.saga]
    }

    fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}{}", self.names)
    }

    /// A block of statements whose names end with it.
    fn block(&mut self, place: &Place, count: usize, value: bool) -> Block {
        let mut inside = place.clone();
        inside.depth += 1;
        let mut stmts = Vec::new();
        self.statements(&mut inside, count, &mut stmts);
        let value = value.then(|| Box::new(self.value(&mut inside, 1)));
        Block { stmts, value }
    }

    /// The same, with this number as well.
    fn block_with(&mut self, place: &Place, number: &str, count: usize, value: bool) -> Block {
        let mut inside = place.clone();
        inside.numbers.push(number.into());
        self.block(&inside, count, value)
    }

    /// A block that leaves.
    fn leaving(&mut self, place: &Place) -> Block {
        let count = self.dice.index(2);
        let mut block = self.block(place, count, false);
        let leave = self.leave(place);
        block.stmts.push(Stmt::Do(leave));
        block
    }

    /// A way out.
    fn leave(&mut self, place: &Place) -> Expr {
        let value = Box::new(self.pure(place, 1));
        let label = self.dice.pick(&place.labels).cloned();
        match (label, self.dice.roll(4)) {
            (Some((label, _, true)), 0) => Expr::Continue(label),
            (Some((label, with_value, _)), 0..=2) => Expr::Break(label, with_value.then_some(value)),
            (_, 3) if !place.after => Expr::Refuse(value),
            _ => Expr::Return(value),
        }
    }

    /// A number that no call is needed for.
    fn pure(&mut self, place: &Place, depth: usize) -> Expr {
        let lists = place.lists.clone();
        match self.dice.roll(if depth == 0 { 3 } else { 8 }) {
            0 => Expr::Number(self.dice.number(20)),
            3 | 4 => Expr::Mix(Box::new(self.pure(place, depth - 1)), Box::new(self.pure(place, depth - 1))),
            roll @ (5 | 6) if !lists.is_empty() => {
                let (list, _) = lists[self.dice.index(lists.len())].clone();
                if roll == 5 { Expr::Sum(list) } else { Expr::Length(list) }
            }
            _ => {
                // What came last is used most, so that an answer matters to what follows.
                let (a, b) = (self.dice.index(place.numbers.len()), self.dice.index(place.numbers.len()));
                Expr::Local(place.numbers[a.max(b)].clone())
            }
        }
    }

    /// A condition without a call.
    fn decided(&mut self, place: &Place) -> Expr {
        let less = Expr::Less(Box::new(self.pure(place, 1)), Box::new(self.pure(place, 1)));
        match self.dice.roll(5) {
            0 => Expr::Not(Box::new(less)),
            1 => Expr::Or(
                Box::new(less),
                Box::new(Expr::Less(Box::new(self.pure(place, 0)), Box::new(Expr::Number(10)))),
            ),
            _ => less,
        }
    }

    /// Adds a step; answers which.
    fn new_step(&mut self, step: Step) -> usize {
        self.own().steps.push(step);
        self.own().steps.len() - 1
    }
}
