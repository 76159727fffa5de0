//! Definitions made by hand, to be drawn in tests.

use std::{mem::take, time::Duration};

use crate::definition;
use crate::definition::{
    Branch, Child, ChildKind, Class, Compensation, Definition, Edge, EdgeKind, Node, Policy, Signal, State, Step, Work,
};

/// A definition in the making. What it holds is leaked when it is done, as a definition's parts are static.
#[derive(Default)]
pub(super) struct Sketch {
    steps: Vec<Step>,
    states: Vec<State>,
    pub(super) nodes: Vec<Node>,
    edges: Vec<Edge>,
    pub(super) inner: Vec<definition::Flow>,
    signals: Vec<Signal>,
    children: Vec<Child>,
    deadline: Option<Duration>,
}

impl Sketch {
    pub(super) fn new() -> Self {
        let mut sketch = Self::default();
        sketch.node(Node::Start);
        sketch
    }

    pub(super) fn node(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A call of a new step, compensated by `undo` if it is compensatable.
    pub(super) fn call(&mut self, name: &'static str, class: Class, undo: &'static str) -> usize {
        let step = self.step(name, class, undo);
        self.again(name, step)
    }

    /// A new step that is called nowhere yet.
    pub(super) fn step(&mut self, name: &'static str, class: Class, undo: &'static str) -> usize {
        let compensation = Compensation {
            name: undo,
            docs: "",
            policy: Policy::STEP,
            within: Duration::from_hours(24),
            policy_name: None,
            idempotent: None,
        };
        self.steps.push(Step {
            name,
            docs: "",
            class,
            compensation: (class == Class::Compensatable).then_some(compensation),
            parameters: &[],
            policy: Policy::STEP,
            policy_name: None,
            idempotent: None,
            no_compensation: (class == Class::NotCompensated).then_some("a notice does no harm"),
            transactional: false,
            key_valid: None,
        });
        self.steps.len() - 1
    }

    /// Puts the newest step under a policy.
    pub(super) fn under(&mut self, policy: &'static str) {
        if let Some(step) = self.steps.last_mut() {
            step.policy_name = Some(policy);
        }
    }

    /// A call of a step that exists, in a state of its own.
    pub(super) fn again(&mut self, name: &'static str, step: usize) -> usize {
        self.work(name, Work::Step(step))
    }

    /// A state before any kind of work.
    pub(super) fn work(&mut self, name: &'static str, work: Work) -> usize {
        self.states.push(State { name, work, live: &[], fingerprint: "" });
        self.node(Node::Call(self.states.len() - 1))
    }

    /// Branches that run at the same time.
    pub(super) fn join(&mut self, name: &'static str, branches: Vec<Branch>) -> usize {
        self.work(name, Work::Join(branches.leak()))
    }

    /// A wait for the first of new signals of these names.
    pub(super) fn wait(&mut self, name: &'static str, signals: &[&'static str]) -> usize {
        let from = self.signals.len();
        self.signals.extend(signals.iter().map(|name| Signal { name, docs: "Somebody said so." }));
        self.work(name, Work::Wait((from..self.signals.len()).collect::<Vec<_>>().leak()))
    }

    /// Another saga, which is always the same.
    pub(super) fn child(&mut self, name: &'static str, kind: ChildKind) -> usize {
        self.children.push(Child { definition: || &OTHER, kind });
        self.work(name, Work::Child(self.children.len() - 1))
    }

    /// An inner flow, of which this makes the graph; gives its index.
    pub(super) fn inner(&mut self, name: &'static str, docs: &'static str, make: impl FnOnce(&mut Self)) -> usize {
        let outer = (take(&mut self.states), take(&mut self.nodes), take(&mut self.edges));
        self.node(Node::Start);
        make(self);
        let flow = flow(name, docs, take(&mut self.states), take(&mut self.nodes), take(&mut self.edges));
        (self.states, self.nodes, self.edges) = outer;
        self.inner.push(flow);
        self.inner.len()
    }

    pub(super) fn edge(&mut self, from: usize, to: usize, label: &'static str, kind: EdgeKind) {
        self.edges.push(Edge { from, to, label, kind });
    }

    pub(super) fn next(&mut self, from: usize, to: usize) {
        self.edge(from, to, "", EdgeKind::Next);
    }

    pub(super) fn done(self, name: &'static str) -> &'static Definition {
        let mut flows = vec![flow("run", "From cart to parcel.", self.states, self.nodes, self.edges)];
        flows.extend(self.inner);
        Box::leak(Box::new(Definition {
            name,
            version: 1,
            deadline: self.deadline,
            steps: self.steps.leak(),
            flows: flows.leak(),
            signals: self.signals.leak(),
            children: self.children.leak(),
        }))
    }
}

fn flow(
    name: &'static str,
    docs: &'static str,
    states: Vec<State>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
) -> definition::Flow {
    let (states, nodes, edges) = (states.leak(), nodes.leak(), edges.leak());
    definition::Flow { name, docs, parameters: &["order"], states, slots: &["order"], nodes, edges }
}

/// The saga that others start.
static OTHER: Definition =
    Definition { name: "checkout", version: 1, deadline: None, steps: &[], flows: &[], signals: &[], children: &[] };

pub(super) fn all() -> Vec<&'static Definition> {
    vec![
        linear(),
        checkout(),
        branches(),
        searching(),
        another_card(),
        skipping(),
        long(),
        travel(),
        approval(),
        packing(),
        hostile(),
        tangled(),
        Sketch::default().done("empty"),
    ]
}

pub(super) fn linear() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let mut last = 0;
    for (name, class, undo) in [
        ("book_hotel", Class::Compensatable, "cancel_hotel"),
        ("book_flight", Class::Compensatable, "cancel_flight"),
        ("pay", Class::Pivot, ""),
        ("send_tickets", Class::Retriable, ""),
    ] {
        let call = sketch.call(name, class, undo);
        sketch.next(last, call);
        if class != Class::Retriable {
            sketch.edge(call, unwinds, "", EdgeKind::Refused);
        }
        last = call;
    }
    let completed = sketch.node(Node::Completed);
    sketch.next(last, completed);
    sketch.done("trip")
}

pub(super) fn checkout() -> &'static Definition {
    let mut sketch = Sketch::new();
    let price = sketch.call("price", Class::ReadOnly, "");
    let lines = sketch.node(Node::Loop("for line in &order.lines"));
    let reserve = sketch.call("reserve", Class::Compensatable, "release");
    let charge = sketch.call("charge", Class::Pivot, "");
    let ship = sketch.call("ship", Class::Retriable, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, price);
    sketch.next(price, lines);
    sketch.edge(lines, reserve, "each", EdgeKind::Next);
    sketch.edge(reserve, lines, "", EdgeKind::Back);
    sketch.edge(lines, charge, "done", EdgeKind::Next);
    sketch.next(charge, ship);
    sketch.next(ship, completed);
    for refused in [price, reserve, charge] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    sketch.done("checkout")
}

/// A branch within an arm of a `match`, and one arm that ends early.
pub(super) fn branches() -> &'static Definition {
    let mut sketch = Sketch::new();
    let check = sketch.call("check_customer", Class::ReadOnly, "");
    let kind = sketch.node(Node::Branch("match customer.kind"));
    let discount = sketch.call("reserve_discount", Class::Compensatable, "return_discount");
    let is_large = sketch.node(Node::Branch("order.total > LARGE && !customer.is_known"));
    let approve = sketch.call("ask_for_approval", Class::Compensatable, "withdraw_request");
    let hold = sketch.call("hold_credit", Class::Compensatable, "free_credit");
    let deposit = sketch.call("take_deposit", Class::Compensatable, "return_deposit");
    let notify = sketch.call("notify", Class::NotCompensated, "");
    let pay = sketch.call("pay", Class::Pivot, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, check);
    sketch.next(check, kind);
    sketch.edge(kind, discount, "Kind::Regular", EdgeKind::Next);
    sketch.edge(kind, is_large, "Kind::Company", EdgeKind::Next);
    sketch.edge(kind, deposit, "Kind::New { .. }", EdgeKind::Next);
    sketch.edge(kind, completed, "Kind::Blocked", EdgeKind::Next);
    sketch.edge(is_large, approve, "yes", EdgeKind::Next);
    sketch.edge(is_large, hold, "no", EdgeKind::Next);
    sketch.next(approve, hold);
    for arm in [discount, hold, deposit] {
        sketch.next(arm, notify);
    }
    sketch.next(notify, pay);
    sketch.next(pay, completed);
    for refused in [check, discount, approve, hold, deposit, pay] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    sketch.edge(kind, unwinds, "_", EdgeKind::Next);
    sketch.done("order")
}

/// A loop in a loop, with `break` and `continue`.
pub(super) fn searching() -> &'static Definition {
    let mut sketch = Sketch::new();
    let regions = sketch.node(Node::Loop("'outer: for region in regions"));
    let open = sketch.call("open_region", Class::Compensatable, "close_region");
    let forever = sketch.node(Node::Loop("loop"));
    let ask = sketch.call("ask", Class::ReadOnly, "");
    let found = sketch.node(Node::Branch("offer.is_some()"));
    let more = sketch.node(Node::Branch("pages == 0"));
    let next_page = sketch.call("next_page", Class::ReadOnly, "");
    let book = sketch.call("book", Class::Pivot, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, regions);
    sketch.edge(regions, open, "each", EdgeKind::Next);
    sketch.edge(regions, book, "done", EdgeKind::Next);
    sketch.next(open, forever);
    sketch.next(forever, ask);
    sketch.next(ask, found);
    sketch.edge(found, book, "yes", EdgeKind::Next);
    sketch.edge(found, more, "no", EdgeKind::Next);
    sketch.edge(more, regions, "yes", EdgeKind::Back);
    sketch.edge(more, next_page, "no", EdgeKind::Next);
    sketch.edge(next_page, forever, "", EdgeKind::Back);
    sketch.next(book, completed);
    for refused in [open, ask, next_page, book] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    sketch.done("search")
}

/// A refusal that is caught: two pivots, of which either may be passed.
pub(super) fn another_card() -> &'static Definition {
    let mut sketch = Sketch::new();
    let reserve = sketch.call("reserve", Class::Compensatable, "release");
    let charge = sketch.call("charge", Class::Pivot, "");
    let has_second = sketch.node(Node::Branch("let Some(card) = order.second_card"));
    let again = sketch.again("second_card", 1);
    let ship = sketch.call("ship", Class::Retriable, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, reserve);
    sketch.next(reserve, charge);
    sketch.edge(charge, ship, "Ok(charge)", EdgeKind::Next);
    sketch.edge(charge, has_second, "Err(_)", EdgeKind::Refused);
    sketch.edge(has_second, again, "yes", EdgeKind::Next);
    sketch.edge(has_second, unwinds, "no", EdgeKind::Next);
    sketch.next(again, ship);
    sketch.next(ship, completed);
    sketch.edge(reserve, unwinds, "", EdgeKind::Refused);
    sketch.edge(again, unwinds, "", EdgeKind::Refused);
    sketch.done("another_card")
}

/// Exits from plain code, which has no node: from the start, and back to the head of a loop.
pub(super) fn skipping() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let lines = sketch.node(Node::Loop("for line in &order.lines"));
    let reserve = sketch.call("reserve", Class::Compensatable, "release");
    let weigh = sketch.call("weigh", Class::ReadOnly, "");
    let completed = sketch.node(Node::Completed);
    sketch.next(0, unwinds);
    sketch.next(0, lines);
    sketch.edge(0, completed, "", EdgeKind::Next);
    sketch.edge(lines, lines, "each", EdgeKind::Back);
    sketch.edge(lines, reserve, "each", EdgeKind::Next);
    sketch.edge(reserve, lines, "", EdgeKind::Back);
    sketch.next(reserve, weigh);
    sketch.next(reserve, unwinds);
    sketch.edge(reserve, unwinds, "refused", EdgeKind::Refused);
    sketch.edge(weigh, unwinds, "refused", EdgeKind::Refused);
    sketch.edge(weigh, lines, "", EdgeKind::Back);
    sketch.edge(lines, completed, "done", EdgeKind::Next);
    sketch.done("skipping")
}

pub(super) fn long() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let mut last = 0;
    for number in 1..=40 {
        let name = Box::leak(format!("step_{number:02}").into_boxed_str());
        let undo = Box::leak(format!("undo_{number:02}").into_boxed_str());
        let class = match number {
            _ if number % 7 == 0 && number < 30 => Class::ReadOnly,
            30 => Class::Pivot,
            31.. => Class::Retriable,
            _ => Class::Compensatable,
        };
        let call = sketch.call(name, class, undo);
        sketch.next(last, call);
        if class != Class::Retriable {
            sketch.edge(call, unwinds, "", EdgeKind::Refused);
        }
        last = call;
    }
    let completed = sketch.node(Node::Completed);
    sketch.next(last, completed);
    sketch.done("long")
}

/// Branches at the same time, of which one is an inner flow that asks in turn.
pub(super) fn travel() -> &'static Definition {
    let mut sketch = Sketch::new();
    sketch.deadline = Some(Duration::from_mins(90));
    let unwinds = sketch.node(Node::Unwinds);
    let hotel = sketch.step("hotel", Class::Compensatable, "cancel_hotel");
    let weather = sketch.step("weather", Class::ReadOnly, "");
    let seats = sketch.inner("seats", "A seat on the train, and if there is none, on the plane.", |sketch| {
        let train = sketch.call("train", Class::Compensatable, "cancel_train");
        let plane = sketch.call("plane", Class::Compensatable, "cancel_plane");
        let returns = sketch.node(Node::Completed);
        let unwinds = sketch.node(Node::Unwinds);
        sketch.next(0, train);
        sketch.edge(train, returns, "Ok(ticket)", EdgeKind::Next);
        sketch.edge(train, plane, "Err(_)", EdgeKind::Refused);
        sketch.next(plane, returns);
        sketch.edge(plane, unwinds, "", EdgeKind::Refused);
    });
    let branches = vec![Branch::Flow(seats), Branch::Step(hotel), Branch::Step(weather)];
    let booking = sketch.join("booking", branches);
    let pay = sketch.call("pay", Class::Pivot, "");
    let completed = sketch.node(Node::Completed);
    sketch.next(0, booking);
    sketch.next(booking, pay);
    sketch.next(pay, completed);
    sketch.edge(booking, unwinds, "", EdgeKind::Refused);
    sketch.edge(pay, unwinds, "", EdgeKind::Refused);
    sketch.done("travel")
}

/// Time, messages and other sagas.
pub(super) fn approval() -> &'static Definition {
    let mut sketch = Sketch::new();
    sketch.deadline = Some(Duration::from_hours(30 * 24));
    let unwinds = sketch.node(Node::Unwinds);
    let file = sketch.call("file", Class::Compensatable, "withdraw");
    let ask = sketch.node(Node::Loop("loop"));
    let wait = sketch.wait("decision", &["decided", "withdrawn"]);
    let night = sketch.work("night", Work::Sleep);
    let escalate = sketch.work("escalate", Work::Send);
    let budget = sketch.child("budget", ChildKind::Compensatable);
    let order = sketch.child("checkout", ChildKind::Pivot);
    let remind = sketch.child("remind", ChildKind::Launched);
    let wait_for_goods = sketch.wait("arrived", &["arrived"]);
    let book = sketch.child("book", ChildKind::Retriable);
    let completed = sketch.node(Node::Completed);
    sketch.next(0, file);
    sketch.next(file, ask);
    sketch.next(ask, wait);
    sketch.edge(wait, budget, "Ok(OneOf2::First(_))", EdgeKind::Next);
    sketch.edge(wait, unwinds, "Ok(OneOf2::Second(_))", EdgeKind::Next);
    sketch.edge(wait, night, "Err(Elapsed)", EdgeKind::Next);
    sketch.next(night, escalate);
    sketch.edge(escalate, ask, "", EdgeKind::Back);
    for refused in [file, budget, order] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    for pair in [budget, order, remind, wait_for_goods, book, completed].windows(2) {
        sketch.next(pair[0], pair[1]);
    }
    sketch.done("approval")
}

/// The same for each of many: a step, and an inner flow which has a join in it, and is called on its own as well.
pub(super) fn packing() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let reserve = sketch.step("reserve", Class::Compensatable, "release");
    let pack = sketch.inner("pack", "", |sketch| {
        let label = sketch.step("label", Class::Compensatable, "tear_off");
        let inform = sketch.step("inform", Class::NotCompensated, "");
        let both = sketch.join("both", vec![Branch::Step(label), Branch::Step(inform)]);
        let each = sketch.work("pairs", Work::Each(Branch::Step(label)));
        let returns = sketch.node(Node::Completed);
        let unwinds = sketch.node(Node::Unwinds);
        sketch.next(0, both);
        sketch.next(both, each);
        sketch.edge(each, returns, "Ok(_)", EdgeKind::Next);
        sketch.edge(each, unwinds, "Err(_)", EdgeKind::Refused);
    });
    let lines = sketch.work("reserve", Work::Each(Branch::Step(reserve)));
    let parcels = sketch.work("parcels", Work::Each(Branch::Flow(pack)));
    let heads = sketch.node(Node::Loop("for gift in gifts"));
    let gift = sketch.work("gift", Work::Flow(pack));
    let completed = sketch.node(Node::Completed);
    sketch.next(0, lines);
    sketch.next(lines, parcels);
    sketch.next(parcels, heads);
    sketch.edge(heads, gift, "each", EdgeKind::Next);
    sketch.edge(gift, heads, "", EdgeKind::Back);
    sketch.edge(heads, completed, "done", EdgeKind::Next);
    for refused in [lines, parcels, gift] {
        sketch.edge(refused, unwinds, "refused", EdgeKind::Refused);
    }
    sketch.done("packing")
}

/// What no source code should hold, and might.
pub(super) const HOSTILE: [&str; 6] = [
    "x < \"</text><script>alert('1')</script>\"",
    "`a` \\ \"b\" --> C]; end | #quot; &amp; %%{init}%%",
    "a\n\tb\r\n\"; } digraph evil {\\",
    "\u{202e}reversed\u{0}\u{fffe}",
    "größer als 漢字漢字漢字漢字漢字漢字 🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀",
    "]]><!-- WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];

pub(super) fn hostile() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let completed = sketch.node(Node::Completed);
    let mut last = 0;
    for text in HOSTILE {
        let branch = sketch.node(Node::Branch(text));
        let head = sketch.node(Node::Loop(text));
        let call = sketch.call(text, Class::Compensatable, text);
        sketch.under(text);
        sketch.edge(last, branch, text, EdgeKind::Next);
        sketch.edge(branch, head, text, EdgeKind::Next);
        sketch.edge(head, call, text, EdgeKind::Next);
        sketch.edge(call, head, text, EdgeKind::Back);
        sketch.edge(call, unwinds, text, EdgeKind::Refused);
        sketch.edge(branch, completed, text, EdgeKind::Next);
        last = head;
    }
    sketch.edge(last, completed, "", EdgeKind::Next);
    for text in HOSTILE {
        let flow = sketch.inner(text, text, |sketch| {
            sketch.call(text, Class::Compensatable, text);
        });
        let wait = sketch.wait(text, &HOSTILE);
        let sleep = sketch.work(text, Work::Sleep);
        let send = sketch.work(text, Work::Send);
        let join = sketch.join(text, vec![Branch::Flow(flow), Branch::Step(0), Branch::Flow(flow)]);
        for pair in [wait, sleep, send, join, completed].windows(2) {
            sketch.edge(pair[0], pair[1], text, EdgeKind::Next);
        }
        sketch.edge(join, unwinds, text, EdgeKind::Refused);
    }
    sketch.done(HOSTILE[0])
}

/// Edges that name no node, loops that are not marked as such, nodes that nothing leads to, a state without a step.
pub(super) fn tangled() -> &'static Definition {
    let mut sketch = Sketch::new();
    let first = sketch.call("first", Class::Compensatable, "undo_first");
    let second = sketch.call("second", Class::Compensatable, "undo_second");
    let unreached = sketch.call("unreached", Class::ReadOnly, "");
    let nothing = sketch.node(Node::Call(99));
    let odd = sketch.again("odd", 99);
    for work in [
        Work::Flow(99),
        Work::Flow(0),
        Work::Join(&[]),
        Work::Join(&[Branch::Step(99), Branch::Flow(99)]),
        Work::Each(Branch::Step(99)),
        Work::Each(Branch::Flow(99)),
        Work::Child(99),
        Work::Wait(&[]),
        Work::Wait(&[99]),
    ] {
        let odd = sketch.work("odd", work);
        sketch.next(first, odd);
        sketch.edge(odd, second, "", EdgeKind::Refused);
    }
    let unwinds = sketch.node(Node::Unwinds);
    let completed = sketch.node(Node::Completed);
    sketch.next(0, first);
    sketch.next(first, second);
    sketch.next(second, first);
    sketch.next(second, second);
    sketch.edge(first, completed, "forward", EdgeKind::Back);
    sketch.next(second, 1_000);
    sketch.next(1_000, second);
    sketch.next(nothing, odd);
    sketch.next(unreached, nothing);
    sketch.next(unwinds, first);
    sketch.next(0, unwinds);
    sketch.done("tangled")
}
