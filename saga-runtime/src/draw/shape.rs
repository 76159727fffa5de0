//! What stands for a node: its form, its words, and how large it must be to hold them.

use super::text::{Face, clipped, one_line, width};
use crate::definition::{Class, Definition, Node, State, Step};

/// The space between two columns without tracks.
pub(super) const GAP: i32 = 32;

/// A width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A place on the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) size: Size,
}

impl Rect {
    pub(super) fn right(&self) -> i32 {
        self.x + self.size.width
    }

    pub(super) fn bottom(&self) -> i32 {
        self.y + self.size.height
    }

    /// The middle between left and right.
    pub(super) fn middle(&self) -> i32 {
        self.x + self.size.width / 2
    }

    /// The middle between top and bottom.
    pub(super) fn centre(&self) -> i32 {
        self.y + self.size.height / 2
    }
}

/// The form of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A beginning or an end.
    Terminal,
    /// A step of this class.
    Step(Class),
    /// A decision.
    Diamond,
    /// The head of a loop.
    Hexagon,
    /// A compensation.
    Undo,
}

/// A line of text in a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) size: i32,
    pub(super) face: Face,
    pub(super) bold: bool,
}

impl Words {
    fn code(text: &str, most: usize, size: i32, bold: bool) -> Self {
        Self { text: clipped(text, most), size, face: Face::Code, bold }
    }

    fn prose(text: impl Into<String>, size: i32) -> Self {
        Self { text: text.into(), size, face: Face::Prose, bold: false }
    }

    fn width(&self) -> i32 {
        width(&self.text, self.size, self.face)
    }
}

/// What stands for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) form: Form,
    /// One line of text, or two.
    pub(super) words: Vec<Words>,
    /// What is said in full where a pointer rests on it; may be nothing.
    pub(super) full: String,
}

const NAME_MOST: usize = 30;
const CONDITION_MOST: usize = 30;

impl Shape {
    /// The shape of a node of the graph.
    pub(super) fn of(definition: &Definition, node: Node) -> Self {
        match node {
            Node::Start => Self::terminal("start", definition.main().docs),
            Node::Completed => Self::terminal("completed", ""),
            Node::Unwinds => Self::compensated(),
            Node::Branch(condition) => Self::decision(Form::Diamond, condition),
            Node::Loop(header) => Self::decision(Form::Hexagon, header),
            Node::Call(state) => Self::call(definition, state),
        }
    }

    /// The end of the undo lane.
    pub(super) fn compensated() -> Self {
        Self::terminal("compensated", "everything that completed has been undone, in reverse order of completion")
    }

    /// The compensation of the step that is called at this node, if it has one.
    pub(super) fn undo_of(definition: &Definition, node: Node, in_loop: bool) -> Option<Self> {
        let (_, step) = called(definition, node)?;
        let undo = step.compensation.as_ref()?;
        let each = if in_loop { "undoes each " } else { "undoes " };
        Some(Self {
            form: Form::Undo,
            words: vec![
                Words::code(undo.name, NAME_MOST, 12, true),
                Words::prose(format!("{each}{}", clipped(step.name, NAME_MOST)), 10),
            ],
            full: one_line(undo.docs),
        })
    }

    /// The class of the step that is called at this node, if it is a call.
    pub(super) fn class(definition: &Definition, node: Node) -> Option<Class> {
        called(definition, node).map(|(_, step)| step.class)
    }

    fn terminal(text: &str, full: &str) -> Self {
        Self { form: Form::Terminal, words: vec![Words::prose(text, 13)], full: one_line(full) }
    }

    fn decision(form: Form, code: &str) -> Self {
        Self { form, words: vec![Words::code(code, CONDITION_MOST, 11, false)], full: one_line(code) }
    }

    fn call(definition: &Definition, state: usize) -> Self {
        let Some((state, step)) = called(definition, Node::Call(state)) else {
            // A definition made by hand may name a state that is not there; a drawing is no place to fail.
            return Self { form: Form::Terminal, words: vec![Words::prose("?", 13)], full: String::new() };
        };
        let class = class_words(step.class);
        let second = if state.name == step.name {
            class.to_owned()
        } else {
            format!("{} · {class}", clipped(step.name, NAME_MOST))
        };
        let docs = one_line(step.docs);
        let full = match step.no_compensation {
            Some(why) if docs.is_empty() => format!("no compensation: {}", one_line(why)),
            Some(why) => format!("{docs} (no compensation: {})", one_line(why)),
            None => docs,
        };
        Self {
            form: Form::Step(step.class),
            words: vec![Words::code(state.name, NAME_MOST, 13, true), Words::prose(second, 11)],
            full,
        }
    }

    /// Whether this is a call of a pivot.
    pub(super) fn is_pivot(&self) -> bool {
        self.form == Form::Step(Class::Pivot)
    }

    /// How large it must be for its words to stay inside.
    pub(super) fn size(&self) -> Size {
        let text = self.words.iter().map(Words::width).max().unwrap_or(0);
        match self.form {
            Form::Terminal => Size { width: even(text + 36).max(90), height: 32 },
            Form::Step(_) => Size { width: even(text + 28).max(150), height: 52 },
            Form::Hexagon => Size { width: even(text + 44).max(150), height: 40 },
            Form::Undo => Size { width: even(text + 24).max(120), height: 36 },
            // A line of 14 pixels in the middle of a diamond of 64 has 50 / 64 of its width.
            Form::Diamond => Size { width: even(text * 64 / 50 + 16).max(110), height: 64 },
        }
    }

    /// Where the right side of the form is at this height.
    pub(super) fn right_at(&self, place: &Rect, y: i32) -> i32 {
        place.right() - self.slant(place, y)
    }

    /// Where the left side of the form is at this height.
    pub(super) fn left_at(&self, place: &Rect, y: i32) -> i32 {
        place.x + self.slant(place, y)
    }

    fn slant(&self, place: &Rect, y: i32) -> i32 {
        let off = (y - place.centre()).abs();
        match self.form {
            Form::Diamond => off * place.size.width / place.size.height,
            Form::Hexagon => off * HEXAGON_POINT * 2 / place.size.height,
            // The side of a rounded box is so short of a corner that the difference is not seen.
            Form::Terminal | Form::Step(_) | Form::Undo => 0,
        }
    }
}

/// How far the point of a hexagon stands out.
pub(super) const HEXAGON_POINT: i32 = 14;

fn even(width: i32) -> i32 {
    width + width % 2
}

fn called(definition: &Definition, node: Node) -> Option<(&'static State, &'static Step)> {
    let Node::Call(state) = node else { return None };
    let state = definition.main().states.get(state)?;
    Some((state, definition.steps.get(state.step()?)?))
}

/// A class as it is written for people.
pub(super) fn class_words(class: Class) -> &'static str {
    match class {
        Class::Compensatable => "compensatable",
        Class::Pivot => "pivot",
        Class::Retriable => "retriable",
        Class::ReadOnly => "read-only",
        Class::NotCompensated => "not compensated",
    }
}
