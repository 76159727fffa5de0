//! A saga as data: as much of the language as a flow can be made of.

/// A saga, those that it calls, and what it is sent.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Where everything random in it comes from.
    pub seed: u64,
    /// The first is the one that runs; the others are its children.
    pub sagas: Vec<Saga>,
    /// The signals that it is sent before it waits for any, by their index, in order.
    pub signals: Vec<(usize, i64)>,
}

/// One saga.
#[derive(Debug, Clone, Default)]
pub struct Saga {
    /// The main flow and the inner ones.
    pub flows: Vec<Flow>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A flow. Its locals begin with `tag`, which tells it from every flow beside it, and `n0`; an inner flow's with `given` as well.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    /// What it does. Its value is a number.
    pub body: Block,
    /// Whether it stands after the pivot.
    pub after: bool,
    /// Whether it may run beside others, and so waits for no signal that they could take.
    pub beside: bool,
}

/// What a step is to its saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It is undone.
    Compensated,
    /// Its effect stays.
    Kept,
    /// It has none.
    ReadOnly,
    /// The point of no return.
    Pivot,
    /// It is tried until it is done.
    Retriable,
}

/// A step: it takes a tag, and a number or numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that a step says of itself, whatever the others are"
)]
pub struct Step {
    /// Its name, which no other step of any saga of the program has.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// Whether it may be refused.
    pub refuses: bool,
    /// Whether it gives up after four attempts.
    pub bounded: bool,
    /// Whether it takes numbers rather than a number.
    pub list: bool,
    /// Whether it says `idempotent`, so that a refusal says nothing of the attempts before it.
    pub keyless: bool,
}

/// What an answer fails with, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `Transient`.
    Transient,
    /// `Failure<No>`.
    Failure,
    /// `Unwind<No>`.
    Unwind,
}

/// Statements, and perhaps a value.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// One after the other.
    pub stmts: Vec<Stmt>,
    /// The value.
    pub value: Option<Box<Expr>>,
}

/// A statement.
#[derive(Debug, Clone)]
pub enum Stmt {
    /// `let a = ..;`, `let (a, b) = ..;`
    Let {
        /// What is bound: nothing, a local, or the parts of a tuple.
        names: Vec<String>,
        /// Whether it is `mut`.
        mutable: bool,
        /// The value.
        value: Expr,
    },
    /// `let a;`
    Later(String),
    /// `let mut a = vec![..];`
    List(String, Vec<Expr>),
    /// `let Ok(a) = .. else { .. };`
    LetElse {
        /// What is bound.
        names: Vec<String>,
        /// A call.
        answer: Expr,
        /// What leaves.
        otherwise: Block,
    },
    /// `a = ..;`
    Assign(String, Expr),
    /// `a += ..;`
    Add(String, Expr),
    /// `a.push(..);`
    Push(String, Expr),
    /// `..;`
    Do(Expr),
}

/// What a `for` goes through.
#[derive(Debug, Clone)]
pub enum Source {
    /// `a..b`
    Range(Box<Expr>, Box<Expr>),
    /// `a..=b`
    Closed(Box<Expr>, Box<Expr>),
    /// `(a..b).rev()`
    Back(Box<Expr>, Box<Expr>),
    /// `&list`
    Place(String),
    /// `list.clone()`
    Copy(String),
    /// `list.iter().copied().rev()`
    Iterator(String),
}

/// An expression.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A literal.
    Number(i64),
    /// A local.
    Local(String),
    /// A number made of two.
    Mix(Box<Expr>, Box<Expr>),
    /// The sum of a list.
    Sum(String),
    /// How long a list is.
    Length(String),
    /// The tag of one branch.
    Branch(Box<Expr>),
    /// `a < b`
    Less(Box<Expr>, Box<Expr>),
    /// `a && b`
    And(Box<Expr>, Box<Expr>),
    /// `a || b`
    Or(Box<Expr>, Box<Expr>),
    /// `!a`
    Not(Box<Expr>),
    /// `.is_ok()`
    IsOk(Box<Expr>),
    /// What is awaited.
    Await(Box<Call>),
    /// `?`
    Try(Box<Expr>),
    /// `if a { .. } else { .. }`
    If(Box<Expr>, Block, Block),
    /// `if let Ok(a) = .. { .. } else { .. }`
    IfOk(Box<Expr>, Vec<String>, Block, Block),
    /// `match` on an answer.
    Match(Box<Match>),
    /// `match` on what was received: an arm for each signal, and one for the time.
    Received(Box<Expr>, Vec<(String, Block)>, Option<Block>),
    /// `match a % n { .. }`
    Switch(Box<Expr>, Vec<Block>),
    /// `'label: { .. }`
    Labelled(String, Block),
    /// `'label: loop { .. }`
    Loop(String, Block),
    /// `'label: while a { .. }`
    While(String, Box<Expr>, Block),
    /// `'label: for a in .. { .. }`
    For(String, String, Source, Block),
    /// `break 'label ..`
    Break(String, Option<Box<Expr>>),
    /// `continue 'label`
    Continue(String),
    /// `return Ok(..)`
    Return(Box<Expr>),
    /// `return Err(No(..).into())`
    Refuse(Box<Expr>),
}

/// A `match` on an answer.
#[derive(Debug, Clone)]
pub struct Match {
    /// What is matched.
    pub answer: Expr,
    /// What it fails with.
    pub kind: Kind,
    /// `Ok(..)`
    pub ok: (Vec<String>, Block),
    /// `Err(Failure::Refused(No(a)))`
    pub refused: Option<(String, Block)>,
    /// `Err(Failure::Exhausted(_))`
    pub exhausted: Option<Block>,
    /// `Err(_)`; without it, what is left ends the flow.
    pub rest: Option<Block>,
}

/// What is awaited, and the name of its state if it has one.
#[derive(Debug, Clone)]
pub struct Call {
    /// `#[state("..")]`
    pub state: Option<String>,
    /// What it is.
    pub verb: Verb,
}

/// What can be awaited.
#[derive(Debug, Clone)]
pub enum Verb {
    /// A step.
    Step {
        /// Which.
        step: usize,
        /// Its tag.
        tag: Expr,
        /// A number, or the name of a list.
        argument: Expr,
    },
    /// An inner flow.
    Inner {
        /// Which.
        flow: usize,
        /// Its tag.
        tag: Expr,
        /// Its number.
        number: Expr,
        /// The list that it is given.
        given: String,
    },
    /// `join!`
    Join(Vec<Verb>),
    /// `cx.join_all` over the first four of a list, with the locals `at` and `item` in the branch.
    Each {
        /// The list.
        list: String,
        /// So many at a time.
        limit: i64,
        /// Each of them.
        branch: Box<Verb>,
    },
    /// `cx.sleep`, in seconds.
    Sleep(u64),
    /// `cx.wait` for one signal or two.
    Wait {
        /// Which.
        signals: Vec<usize>,
        /// Whether there is an end to it.
        within: bool,
    },
    /// `cx.child`
    Child {
        /// Which of the program's sagas.
        saga: usize,
        /// Whether it is the point of no return.
        pivot: bool,
        /// Its tag.
        tag: Expr,
        /// Its number.
        number: Expr,
    },
}

impl Saga {
    /// What the answer of this fails with.
    pub fn kind(&self, verb: &Verb) -> Kind {
        match verb {
            Verb::Step { step, .. } if !self.steps[*step].refuses => Kind::Transient,
            Verb::Step { .. } | Verb::Child { .. } => Kind::Failure,
            Verb::Inner { .. } => Kind::Unwind,
            Verb::Join(branches) => branches.iter().map(|branch| self.kind(branch)).max().unwrap_or(Kind::Unwind),
            Verb::Each { branch, .. } => self.kind(branch),
            Verb::Sleep(_) | Verb::Wait { .. } => Kind::Transient,
        }
    }
}
