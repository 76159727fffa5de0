//! The sagas that are killed, as they go: what each is started with, and what must come of it.

use crate::{trip, voyage};
use std::sync::LazyLock;

/// A saga, and one of the ways that it goes.
#[derive(Debug)]
pub struct Case {
    /// Which of the sagas.
    pub saga: &'static str,
    /// What this way is called.
    pub name: &'static str,
    /// What it is started with.
    pub plan: Plan,
    /// How it may end.
    pub ends: &'static [&'static str],
    /// What stands at the end, sorted, for each way in which it may end.
    pub stands: &'static [&'static [&'static str]],
    /// What took effect, in this order; of what happens at the same time nothing is said.
    pub effects: &'static [&'static str],
    /// How many instances there are at the end.
    pub instances: usize,
    /// Only points whose names end like this are looked at, if it is said: what goes before them, other cases have as well.
    pub only: &'static [&'static str],
}

/// What a saga is started with.
#[derive(Debug, Clone)]
pub enum Plan {
    /// A trip, whose participants are busy, or stuck.
    Trip {
        /// The plan.
        plan: trip::Plan,
        /// Whether answers of participants are lost.
        busy: bool,
        /// Whether a person has to let the room go.
        stuck: bool,
    },
    /// A voyage.
    Voyage(voyage::Plan),
    /// Books, and whether they are undone.
    Books(bool),
}

impl Case {
    /// The case of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }
}

const SHORT: Case = Case {
    saga: "trip",
    name: "",
    plan: Plan::Books(false),
    ends: &["completed"],
    stands: &[],
    effects: &[],
    instances: 1,
    only: &[],
};

/// A long trip, there and back.
const THERE_AND_BACK: &[&str] =
    &["book", "book", "book", "hold_room", "insure", "uninsure", "release_room", "unbook", "unbook", "unbook"];

fn trip(cities: &[&str], refused: u8) -> trip::Plan {
    trip::Plan {
        cities: cities.iter().map(ToString::to_string).collect(),
        first_card_refused: refused > 0,
        second_card_refused: refused > 1,
        ..trip::Plan::default()
    }
}

fn quick(plan: trip::Plan) -> Plan {
    Plan::Trip { plan, busy: false, stuck: false }
}

fn voyage(refused: &[&str], cancelled: bool) -> Plan {
    let pieces = |pieces: &[&str]| pieces.iter().map(ToString::to_string).collect();
    let excursions = vec![pieces(&["fjord", "guide"]), pieces(&["museum"]), pieces(&["sauna", "towel"])];
    Plan::Voyage(voyage::Plan { excursions, refused: pieces(refused), cancelled })
}

/// All of them.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let long = &["Oslo", "Rome", "Kyiv"];
    vec![
        Case {
            name: "a short trip",
            plan: quick(trip(&["Oslo"], 0)),
            stands: &[&["Oslo", "first", "small", "ticket"]],
            effects: &["book", "hold_room", "pay", "send_ticket"],
            ..SHORT
        },
        Case {
            name: "a long trip that pays by its second card",
            plan: quick(trip(long, 1)),
            stands: &[&["Kyiv", "Oslo", "Rome", "second", "small", "ticket", "trip"]],
            effects: &["book", "book", "book", "hold_room", "insure", "pay", "send_ticket"],
            ..SHORT
        },
        Case {
            name: "a trip that is undone, with participants whose answers are lost",
            plan: Plan::Trip { plan: trip(long, 2), busy: true, stuck: false },
            ends: &["compensated"],
            stands: &[&[]],
            effects: THERE_AND_BACK,
            ..SHORT
        },
        Case {
            name: "a trip of which a person has to undo something",
            plan: Plan::Trip { plan: trip(&["Oslo"], 2), busy: false, stuck: true },
            ends: &["compensated"],
            stands: &[&["small"]],
            effects: &["book", "hold_room", "unbook"],
            ..SHORT
        },
        Case {
            name: "a trip that is late",
            plan: quick(trip::Plan { late: true, ..trip(&[], 0) }),
            // If it was killed, its time may be over before it has paid.
            ends: &["completed", "compensated"],
            stands: &[&["first", "small", "ticket"], &[]],
            only: &[": deadline_passed", ": completed"],
            ..SHORT
        },
        Case {
            name: "a trip with a long history that is undone",
            plan: quick(trip::Plan { lookups: 500, ..trip(&["Oslo"], 2) }),
            ends: &["compensated"],
            stands: &[&[]],
            effects: &["book", "hold_room", "release_room", "unbook"],
            only: &[": snapshot", ": unfolded", ": compensated"],
            ..SHORT
        },
        Case {
            saga: "voyage",
            name: "a voyage whose first way is refused",
            plan: voyage(&["pilot"], false),
            stands: &[&[
                "breakfast",
                "bridge",
                "bus",
                "cabin",
                "dinner",
                "fjord",
                "guide",
                "money",
                "museum",
                "sauna",
                "survey",
                "ticket",
                "towel",
                "train",
            ]],
            instances: 3,
            ..SHORT
        },
        Case {
            saga: "voyage",
            name: "a voyage that cannot be paid and is undone with its child",
            plan: voyage(&["money"], false),
            ends: &["compensated"],
            stands: &[&[]],
            instances: 2,
            ..SHORT
        },
        Case {
            saga: "voyage",
            name: "a voyage of which a branch is refused",
            plan: voyage(&["towel"], false),
            ends: &["compensated"],
            stands: &[&[]],
            ..SHORT
        },
        Case {
            saga: "voyage",
            name: "a voyage that is cancelled while it waits",
            plan: voyage(&[], true),
            ends: &["compensated"],
            stands: &[&[]],
            instances: 2,
            ..SHORT
        },
        Case {
            saga: "books",
            name: "books in which is written",
            plan: Plan::Books(false),
            stands: &[&["0", "100", "101"]],
            effects: &["enter", "enter", "decide"],
            ..SHORT
        },
        Case {
            saga: "books",
            name: "books in which is struck out",
            plan: Plan::Books(true),
            ends: &["compensated"],
            stands: &[&[]],
            effects: &["enter", "enter", "strike", "strike"],
            ..SHORT
        },
    ]
});
