//! What an instance is to do: a flow at random, which the saga reads part by part.

use crate::participants::value;
use saga_meaning::dice::Dice;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an instance is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it does first, all of which can be undone.
    pub parts: Vec<Part>,
    /// What it does in the end: the first of these is the point of no return, and those after it are tried until they are done.
    pub last: Vec<Ask>,
    /// Whether another saga is the point of no return.
    pub by_another: bool,
}

/// What another saga is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// What it holds, one after the other.
    pub asks: Vec<Ask>,
    /// Whether it waits to be told first: once, and nobody tells it twice.
    pub listens: bool,
}

/// A piece of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Something is held, and given back if the saga fails.
    Hold(Ask),
    /// The same; a refusal is nothing.
    Tried(Ask),
    /// The same, with so few attempts that it may be exhausted.
    Dared(Ask),
    /// Something is looked at.
    Look(u32),
    /// Something is done that is not undone.
    Leave(u32),
    /// Time passes: so many milliseconds.
    Sleep(u32),
    /// A signal is waited for; so many milliseconds, or without end.
    Await(Option<u32>),
    /// Two things are held at the same time.
    Pair(Ask, Ask),
    /// Several things are held, two at a time.
    Each(Vec<Ask>),
    /// Several things are held one after the other, or none of them.
    Inner(Vec<Ask>),
    /// The same; that none of them is held is nothing.
    TriedInner(Vec<Ask>),
    /// Two of those at the same time.
    Beside(Vec<Ask>, Vec<Ask>),
    /// Two at a time: several things are held, or something else instead of all of them.
    Sides(Vec<Side>),
    /// Several things are held by another saga.
    Child(Vec<Ask>),
    /// The same, and nobody waits for that: it is told to go on.
    Launched(Vec<Ask>),
}

/// Several things, or something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// For so many milliseconds it waits for a signal first.
    pub wait: Option<u32>,
    /// Another saga holds these then.
    pub child: Option<Vec<Ask>>,
    /// All of these.
    pub whole: Vec<Ask>,
    /// What is held where one of them is refused.
    pub instead: Ask,
}

/// What is asked of a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What of.
    pub what: u32,
    /// What it says to it.
    pub fate: Fate,
}

/// What a participant says when it is asked, whatever else goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Yes.
    Fine,
    /// No.
    Refused,
    /// Yes, and the code around the first answer panics.
    Panics,
    /// Yes, and nobody hears the first answer in time.
    Hangs,
    /// Yes, as soon as somebody has looked.
    Parks,
    /// Yes; what undoes it wants somebody to look.
    UndoParks,
}

/// How an instance may end when nobody cancels it and no time runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// What its flow returns if it completes.
    pub completed: bool,
    /// A participant says no, and the flow lets that out.
    pub refused: bool,
    /// It may give up on a step that can be exhausted.
    pub exhausted: bool,
}

impl Plan {
    /// One at random.
    pub fn random(dice: &mut Dice) -> Self {
        let trouble = [0, 5, 5, 12][dice.index(4)];
        let parts = (0..dice.roll(5)).map(|_| Part::random(dice, trouble)).collect();
        let last = (0..dice.roll(4)).map(|index| {
            let mut ask = Ask::random(dice, trouble);
            // What has to be done cannot be refused.
            if index > 0 && ask.fate == Fate::Refused {
                ask.fate = Fate::Fine;
            }
            ask
        });
        let last = last.collect();
        Self { parts, last, by_another: dice.chance(25) }
    }

    /// How it may end.
    pub fn ends(&self) -> Ends {
        let mut exhausted = false;
        for part in &self.parts {
            if matches!(part, Part::Dared(_)) {
                exhausted = true;
            }
            if part.is_refused() {
                return Ends { completed: false, refused: true, exhausted };
            }
        }
        let refused = self.last.first().is_some_and(|pivot| pivot.fate == Fate::Refused);
        Ends { completed: !refused, refused, exhausted }
    }

    /// Whether its flow may have returned this.
    pub fn returns(&self, got: &[u32]) -> bool {
        let mut should = Vec::new();
        for part in &self.parts {
            part.returns(&mut should);
        }
        let pivot = if self.by_another { "hold_leg" } else { "pay" };
        let steps = [pivot].into_iter().chain(std::iter::repeat("send"));
        should.extend(self.last.iter().zip(steps).map(|(ask, step)| Told::Value(value(step, ask.what))));
        // Signals are sent one after the other, numbered, and each is taken once: by the first wait that finds it.
        let mut taken = 0;
        should.len() == got.len()
            && should.iter().zip(got).all(|(should, got)| match should {
                Told::Value(value) => value == got,
                Told::Signal => {
                    taken += 1;
                    *got == taken - 1
                }
                Told::Whether => {
                    taken += *got;
                    *got <= 1
                }
                Told::Sent => *got <= 1,
            })
    }

    /// Whether this refusal is one that its flow may have let out.
    pub fn lets_out(&self, what: u32) -> bool {
        let last = self.last.first().map(std::slice::from_ref).unwrap_or_default();
        let mut asks = self.parts.iter().flat_map(Part::lets_out).chain(last);
        asks.any(|ask| ask.fate == Fate::Refused && ask.what == what)
    }

    /// How long it sleeps before it completes, each time for so long.
    pub fn sleeps(&self) -> impl Iterator<Item = Duration> {
        self.parts.iter().filter_map(|part| match part {
            Part::Sleep(millis) => Some(Duration::from_millis(u64::from(*millis))),
            _ => None,
        })
    }

    /// Whether another saga does some of it.
    pub fn has_child(&self) -> bool {
        let of_part = self.parts.iter().any(|part| match part {
            Part::Child(_) => true,
            Part::Sides(sides) => sides.iter().any(|side| side.child.is_some()),
            _ => false,
        });
        of_part || (self.by_another && !self.last.is_empty())
    }

    /// How often it waits for a signal, without a limit or with one.
    pub fn waits(&self) -> usize {
        let waits = |part: &Part| match part {
            Part::Await(_) => 1,
            Part::Sides(sides) => sides.iter().filter(|side| side.wait.is_some()).count(),
            _ => 0,
        };
        self.parts.iter().map(waits).sum()
    }
}

impl Part {
    fn random(dice: &mut Dice, trouble: u64) -> Self {
        let ask = |dice: &mut Dice| Ask::random(dice, trouble);
        let some = |dice: &mut Dice| (0..=dice.roll(3)).map(|_| Ask::random(dice, trouble)).collect::<Vec<_>>();
        match dice.roll(18) {
            0..=3 => Self::Hold(ask(dice)),
            4 => Self::Tried(ask(dice)),
            5 => Self::Dared(ask(dice)),
            6 => Self::Look(small(dice)),
            7 => Self::Leave(small(dice)),
            8 => Self::Sleep(small(dice) * 40),
            9 => Self::Await(dice.chance(50).then(|| small(dice) * 40)),
            10 => Self::Pair(ask(dice), ask(dice)),
            11 => Self::Each(some(dice)),
            12 => Self::Inner(some(dice)),
            13 => Self::TriedInner(some(dice)),
            14 => Self::Beside(some(dice), some(dice)),
            15 => {
                let side = |dice: &mut Dice| Side {
                    wait: dice.chance(20).then(|| small(dice) * 10),
                    child: dice.chance(20).then(|| some(dice)),
                    whole: some(dice),
                    instead: ask(dice),
                };
                Self::Sides((0..=dice.roll(3)).map(|_| side(dice)).collect())
            }
            16 => Self::Launched(some(dice)),
            _ => Self::Child(some(dice)),
        }
    }

    /// Whether the flow lets a refusal out of it.
    fn is_refused(&self) -> bool {
        self.lets_out().iter().any(|ask| ask.fate == Fate::Refused)
    }

    /// What is asked in it of which the flow lets a refusal out.
    fn lets_out(&self) -> Vec<&Ask> {
        match self {
            Self::Hold(ask) | Self::Dared(ask) => vec![ask],
            Self::Pair(one, other) => vec![one, other],
            Self::Each(asks) | Self::Inner(asks) | Self::Child(asks) => asks.iter().collect(),
            Self::Beside(one, other) => one.iter().chain(other).collect(),
            Self::Sides(sides) => {
                let children = sides.iter().filter_map(|side| side.child.as_ref()).flatten();
                children.chain(sides.iter().filter(|side| side.is_refused()).map(|side| &side.instead)).collect()
            }
            Self::Tried(_)
            | Self::TriedInner(_)
            | Self::Look(_)
            | Self::Leave(_)
            | Self::Sleep(_)
            | Self::Await(_)
            | Self::Launched(_) => Vec::new(),
        }
    }
}

impl Side {
    /// Whether it comes to what is held instead.
    fn is_refused(&self) -> bool {
        self.whole.iter().any(|ask| ask.fate == Fate::Refused)
    }
}

/// That something was refused, and nothing came of it.
const REFUSED: u32 = 1_000_000;

/// What one that listens is told.
pub const TOLD: u32 = 7;

/// What a flow is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// This.
    Value(u32),
    /// A signal, which says its number.
    Signal,
    /// Whether a signal came in time.
    Whether,
    /// Whether a signal was sent before who gets it had ended.
    Sent,
}

impl Errand {
    /// Whether its flow may have returned this: it was told once at the most, and holds all that it was to hold.
    pub fn returns(&self, got: &[u32]) -> bool {
        let (told, held) = got.split_at(usize::from(self.listens).min(got.len()));
        let should = self.asks.iter().map(|ask| value("hold_leg", ask.what));
        told.iter().all(|told| [0, TOLD].contains(told)) && held.iter().copied().eq(should)
    }

    /// Whether it comes to a refusal.
    pub fn is_refused(&self) -> bool {
        self.asks.iter().any(|ask| ask.fate == Fate::Refused)
    }
}

impl Part {
    /// What comes of it if the flow goes on.
    fn returns(&self, all: &mut Vec<Told>) {
        let refused = |asks: &[Ask]| asks.iter().find(|ask| ask.fate == Fate::Refused).map(|ask| REFUSED + ask.what);
        let held = |asks: &[Ask]| asks.iter().map(|ask| Told::Value(value("hold", ask.what))).collect::<Vec<_>>();
        match self {
            Self::Hold(ask) => all.push(Told::Value(value("hold", ask.what))),
            Self::Tried(ask) => {
                let refused = refused(std::slice::from_ref(ask));
                all.push(Told::Value(refused.unwrap_or_else(|| value("hold", ask.what))));
            }
            Self::Dared(ask) => all.push(Told::Value(value("dare", ask.what))),
            Self::Look(what) => all.push(Told::Value(value("look", *what))),
            Self::Leave(what) => all.push(Told::Value(value("leave", *what))),
            Self::Sleep(_) => {}
            Self::Await(None) => all.push(Told::Signal),
            Self::Await(Some(_)) => all.push(Told::Whether),
            Self::Pair(one, other) => all.extend(held(&[one.clone(), other.clone()])),
            Self::Each(asks) | Self::Inner(asks) => all.extend(held(asks)),
            Self::TriedInner(asks) => match refused(asks) {
                Some(refused) => all.push(Told::Value(refused)),
                None => all.extend(held(asks)),
            },
            Self::Beside(one, other) => {
                all.extend(held(one));
                all.extend(held(other));
            }
            Self::Sides(sides) => {
                for side in sides {
                    all.extend(side.wait.map(|_| Told::Whether));
                    let child = side.child.iter().flatten();
                    all.extend(child.map(|ask| Told::Value(value("hold_leg", ask.what))));
                    let instead = std::slice::from_ref(&side.instead);
                    all.extend(held(if side.is_refused() { instead } else { &side.whole }));
                }
            }
            Self::Child(asks) => all.extend(asks.iter().map(|ask| Told::Value(value("hold_leg", ask.what)))),
            Self::Launched(_) => all.push(Told::Sent),
        }
    }
}

impl Ask {
    fn random(dice: &mut Dice, trouble: u64) -> Self {
        let other = [Fate::Panics, Fate::Hangs, Fate::Parks, Fate::UndoParks, Fate::UndoParks];
        let fates = [[Fate::Refused; 5], other];
        let fate = if dice.chance(trouble) { fates[dice.index(2)][dice.index(5)] } else { Fate::Fine };
        Self { what: small(dice), fate }
    }
}

fn small(dice: &mut Dice) -> u32 {
    u32::try_from(dice.roll(1000)).unwrap_or_default()
}
