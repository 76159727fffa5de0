use super::{
    fold::Ways,
    graph::{Graph, Target},
    layout::{LABEL_SIZE, Layout, LineKind, layout},
    node::View,
    random, samples,
    shape::{BARS, Form, NOTCH, POINT, Rect, Shape},
    text::{Face, width},
};
use crate::definition::{Branch, ChildKind, Class, Definition, EdgeKind, Node, Work};

mod written;

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

/// The stretch of a line, as a rectangle without width, a little shorter at both ends, where it touches boxes.
fn passes(a: (i32, i32), b: (i32, i32), place: &Rect) -> bool {
    let (left, right) = (a.0.min(b.0), a.0.max(b.0));
    let (top, bottom) = (a.1.min(b.1), a.1.max(b.1));
    left < place.right() - 1 && right > place.x + 1 && top < place.bottom() - 1 && bottom > place.y + 1
}

/// Every flow of the samples, and flows that could be written.
fn for_all(check: impl Fn(&str, View<'_>, &Layout)) {
    for definition in samples::all().into_iter().chain((0..FLOWS).map(random::flow)) {
        for view in View::all(definition) {
            check(definition.name, view, &layout(view));
        }
    }
}

const FLOWS: u64 = 150;

/// The same, and graphs that no flow would give.
fn for_all_and_any(check: impl Fn(&str, View<'_>, &Layout)) {
    for_all(&check);
    for seed in 0..400 {
        let definition = random::any(seed);
        for view in View::all(definition) {
            check(definition.name, view, &layout(view));
        }
    }
}

/// How the main flow is laid out.
fn main_of(definition: &'static Definition) -> Layout {
    layout(View::all(definition)[0])
}

/// The box of this name.
fn place(layout: &Layout, text: &str) -> Rect {
    let parts = layout.shapes.iter().flat_map(|(shape, place)| shape.parts_at(place));
    let mut all = layout.shapes.iter().map(|(shape, place)| (shape, *place)).chain(parts);
    all.find(|(shape, _)| shape.words[0].text == text).map(|(_, place)| place).expect(text)
}

#[test]
fn no_two_boxes_overlap() {
    for_all_and_any(|name, _, layout| {
        for (index, (one, place)) in layout.shapes.iter().enumerate() {
            for (other, other_place) in &layout.shapes[index + 1..] {
                assert!(!overlap(place, other_place), "{name}: {one:?} and {other:?}");
            }
        }
    });
}

#[test]
fn every_box_and_label_is_on_the_paper() {
    for_all_and_any(|name, _, layout| {
        for (shape, place) in &layout.shapes {
            let inside = place.x >= 0 && place.y >= 0;
            let inside = inside && place.right() <= layout.size.width && place.bottom() <= layout.size.height;
            assert!(inside, "{name}: {shape:?} at {place:?}");
        }
        for label in &layout.labels {
            let right = label.x + width(&label.text, LABEL_SIZE, Face::Code);
            assert!(label.x >= 0 && right <= layout.size.width, "{name}: {label:?}");
        }
    });
}

#[test]
fn no_text_leaves_its_box() {
    for_all_and_any(|name, _, layout| {
        for (shape, place) in &layout.shapes {
            for (shape, place) in shape.parts_at(place).into_iter().chain([(shape, *place)]) {
                for words in &shape.words {
                    let wide = place.size.width;
                    let room = match shape.form {
                        // A diamond is narrower where the upper and lower edge of the text are.
                        Form::Diamond => wide * 50 / 64,
                        Form::Sleep => wide - 2 * NOTCH,
                        Form::Wait => wide - NOTCH,
                        Form::Outgoing => wide - POINT,
                        _ => wide,
                    };
                    let text = width(&words.text, words.size, words.face);
                    assert!(
                        text <= room - if shape.form == Form::Diamond { 0 } else { 8 },
                        "{name}: {words:?} in {place:?}"
                    );
                    let lines = i32::try_from(shape.words.len()).expect("few");
                    assert!(18 * lines <= place.size.height + 4, "{name}: {lines} lines in {place:?}");
                }
            }
        }
    });
}

#[test]
fn no_line_passes_through_a_box() {
    for_all_and_any(|name, _, layout| {
        for line in &layout.lines {
            for pair in line.points.windows(2) {
                for (shape, place) in &layout.shapes {
                    // The sides of a diamond, a hexagon or an hourglass stand back from the rectangle around them.
                    let y = pair[0].1;
                    let slant = place.right() - shape.right_at(place, y) + shape.left_at(place, y) - place.x;
                    let ends = [line.points.first(), line.points.last()];
                    let touches =
                        |end: &(i32, i32)| [shape.left_at(place, end.1), shape.right_at(place, end.1)].contains(&end.0);
                    let is_side = slant > 0 && ends.into_iter().flatten().any(touches);
                    let passes = passes(pair[0], pair[1], place) && !is_side;
                    assert!(!passes, "{name}: {line:?} through {shape:?} at {place:?}");
                }
            }
        }
    });
}

#[test]
fn no_label_lies_on_a_box_or_on_another_label() {
    for_all(|name, _, layout| {
        let place = |label: &super::layout::Label| Rect {
            x: label.x,
            y: label.y - LABEL_SIZE + 2,
            size: super::shape::Size { width: width(&label.text, LABEL_SIZE, Face::Code), height: LABEL_SIZE },
        };
        for (index, label) in layout.labels.iter().enumerate() {
            for (shape, other) in &layout.shapes {
                assert!(!overlap(&place(label), other), "{name}: {label:?} on {shape:?}");
            }
            for other in &layout.labels[index + 1..] {
                assert!(!overlap(&place(label), &place(other)), "{name}: {label:?} on {other:?}");
            }
        }
    });
}

#[test]
fn lines_that_lead_to_different_nodes_never_lie_on_each_other() {
    for_all(|name, _, layout| {
        for (index, one) in layout.lines.iter().enumerate() {
            for other in &layout.lines[index + 1..] {
                let same_end = one.points.last() == other.points.last();
                let lane = one.kind == LineKind::Unwinds && other.kind == LineKind::Unwinds;
                let same_start = one.points.first() == other.points.first();
                if same_end || same_start || lane {
                    continue;
                }
                for a in one.points.windows(2) {
                    for b in other.points.windows(2) {
                        assert!(!lies_on(a, b), "{name}: {one:?} and {other:?}");
                    }
                }
            }
        }
    });
}

/// Whether two stretches along one axis share more than a point.
fn lies_on(a: &[(i32, i32)], b: &[(i32, i32)]) -> bool {
    let shared = |a: (i32, i32), b: (i32, i32)| a.0.max(a.1).min(b.0.max(b.1)) - a.0.min(a.1).max(b.0.min(b.1));
    let upright = a[0].0 == a[1].0 && b[0].0 == b[1].0 && a[0].0 == b[0].0;
    let level = a[0].1 == a[1].1 && b[0].1 == b[1].1 && a[0].1 == b[0].1;
    (upright && shared((a[0].1, a[1].1), (b[0].1, b[1].1)) > 0)
        || (level && shared((a[0].0, a[1].0), (b[0].0, b[1].0)) > 0)
}

#[test]
fn every_node_has_a_box_and_every_link_a_line() {
    for_all_and_any(|name, view, layout| {
        let graph = Graph::new(view.flow);
        let folded = Ways::of(view.flow).folded;
        let drawn = view.flow.nodes.iter().filter(|node| **node != Node::Unwinds).count() - folded.len();
        assert_eq!(graph.rows.len(), drawn, "{name}");
        assert!(layout.shapes.len() >= drawn);
        let onward = graph.links.iter().filter(|link| link.to != Target::Undo).count();
        let lines = layout.lines.iter().filter(|line| matches!(line.kind, LineKind::Onward | LineKind::Refused));
        assert_eq!(lines.count(), onward, "{name}");
        let works = view.flow.nodes.iter().filter_map(|node| match node {
            Node::Call(state) => view.flow.states.get(*state).map(|state| state.work),
            _ => None,
        });
        let undone = works.filter(|work| is_undone(view.definition, *work, 9)).count();
        let beside = layout.lines.iter().filter(|line| line.kind == LineKind::Undoes).count();
        assert_eq!(beside, undone, "{name}");
    });
}

/// Whether something undoes this work, in no more flows within flows than this.
fn is_undone(definition: &Definition, work: Work, depth: usize) -> bool {
    let branch = |branch: &Branch| match *branch {
        Branch::Step(step) => is_undone(definition, Work::Step(step), depth),
        Branch::Flow(flow) => is_undone(definition, Work::Flow(flow), depth),
    };
    match work {
        Work::Step(step) => definition.steps.get(step).is_some_and(|step| step.compensation.is_some()),
        Work::Flow(flow) => definition.flows.get(flow).is_some_and(|flow| {
            depth > 0 && flow.states.iter().any(|state| is_undone(definition, state.work, depth - 1))
        }),
        Work::Join(branches) => branches.iter().any(branch),
        Work::Each(each) => branch(&each),
        Work::Child(child) => {
            definition.children.get(child).is_some_and(|child| child.kind == ChildKind::Compensatable)
        }
        Work::Sleep | Work::Wait(_) | Work::Send => false,
    }
}

#[test]
fn the_branches_of_a_join_stand_side_by_side_between_its_bars() {
    for_all_and_any(|name, _, layout| {
        for (shape, place) in &layout.shapes {
            let parts = shape.parts_at(place);
            let is_join = matches!(shape.form, Form::Join | Form::UndoJoin);
            assert!(is_join || parts.is_empty(), "{name}: {shape:?}");
            for (index, (part, at)) in parts.iter().enumerate() {
                let inside = at.x >= place.x && at.right() <= place.right();
                let between = at.y >= place.y + BARS.1 && at.bottom() <= place.bottom() - BARS.1;
                assert!(inside && between, "{name}: {part:?} at {at:?} in {place:?}");
                for (other, elsewhere) in &parts[index + 1..] {
                    assert!(!overlap(at, elsewhere), "{name}: {part:?} and {other:?}");
                }
            }
        }
    });
    let travel = main_of(samples::travel());
    let (seats, hotel, weather) = (place(&travel, "seats"), place(&travel, "hotel"), place(&travel, "weather"));
    assert!(seats.right() < hotel.x && hotel.right() < weather.x && hotel.y == weather.y);
}

#[test]
fn what_a_refused_join_completed_is_undone_before_what_came_before_it() {
    let packing = main_of(samples::packing());
    for undo in ["release", "pack"] {
        let undo = place(&packing, undo);
        let unwinds = packing.lines.iter().filter(|line| line.kind == LineKind::Unwinds);
        let into: Vec<_> = unwinds.filter(|line| line.points.last().is_some_and(|end| end.0 == undo.x)).collect();
        assert!(into.iter().any(|line| undo.y < line.points[1].1 && line.points[1].1 < undo.bottom()), "{into:?}");
    }
}

#[test]
fn what_leaves_the_saga_has_an_arrow_out_of_its_box() {
    let approval = main_of(samples::approval());
    let leaving: Vec<_> = approval.lines.iter().filter(|line| line.kind == LineKind::Leaves).collect();
    let boxes: Vec<Rect> = ["escalate", "remind"].iter().map(|name| place(&approval, name)).collect();
    assert_eq!(leaving.len(), 2, "a message and a saga");
    for (line, own) in leaving.into_iter().zip(boxes) {
        assert!(line.points[0].0 <= own.right() && line.points[1].0 > own.right());
        assert!(own.y < line.points[0].1 && line.points[0].1 < own.bottom());
    }
}

#[test]
fn another_saga_is_to_this_one_what_a_step_of_its_class_would_be() {
    let approval = samples::approval();
    let layout = main_of(approval);
    assert_eq!(layout.bars.len(), 1, "one child is the pivot");
    assert_eq!(layout.bars[0].y, place(&layout, "checkout").bottom() + 26);
    let undo = |shape: &&(Shape, Rect)| shape.0.form == Form::Undo;
    let undone: Vec<&str> = layout.shapes.iter().filter(undo).map(|(shape, _)| &*shape.words[1].text).collect();
    assert_eq!(undone, ["undoes file", "undone as a whole"], "only one of the four can be undone");
    let says: Vec<(Form, &str)> =
        layout.shapes.iter().filter_map(|(shape, _)| Some((shape.form, &*shape.words.get(1)?.text))).collect();
    for said in [
        (Form::Child(Class::Compensatable), "checkout · child saga · compensatable"),
        (Form::Child(Class::Pivot), "child saga · pivot"),
        (Form::Child(Class::Retriable), "checkout · child saga · retriable"),
        (Form::Outgoing, "checkout · launch, do not wait"),
    ] {
        assert!(says.contains(&said), "{said:?} in {says:?}");
    }
}

#[test]
fn a_wait_names_its_signals() {
    let layout = main_of(samples::approval());
    let words = |name: &str| -> Vec<String> {
        let (shape, _) = layout.shapes.iter().find(|(shape, _)| shape.words[0].text == name).expect(name);
        shape.words[1..].iter().map(|words| words.text.clone()).collect()
    };
    assert_eq!(words("decision"), ["wait for the first of", "decided", "withdrawn"]);
    assert_eq!(words("arrived"), ["wait for this signal"], "the state is named after it");
}

#[test]
fn a_box_says_what_its_name_does_not() {
    let mut sketch = samples::Sketch::new();
    sketch.work("sleep", Work::Sleep);
    sketch.work("night", Work::Sleep);
    sketch.call("charge", Class::Pivot, "");
    sketch.again("second_card", 0);
    sketch.under("bank");
    let layout = main_of(sketch.done("words"));
    let says: Vec<&str> =
        layout.shapes.iter().filter_map(|(shape, _)| shape.words.get(1)).map(|words| &*words.text).collect();
    assert_eq!(says, ["until a moment", "sleep", "pivot · policy bank", "charge · pivot · policy bank"]);
}

#[test]
fn inner_flows_are_drawn_below_the_main_one_under_their_name_and_what_they_are_for() {
    let svg = samples::travel().to_svg();
    let at = |text: &str| svg.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(at(">inner flow</text>") < at(">inner flow</tspan>"), "the call comes first");
    assert!(at(">inner flow</tspan>") < at(">A seat on the train, and if there is none, on the plane.</text>"));
    assert!(at("on the plane.</text>") < at(">plane</text>") && at(">completed<") < at(">returns<"));
    assert!(svg.contains("version 1 · deadline 1h 30m"));
    let end = main_of(samples::travel()).size.height;
    assert!(
        svg.contains(&format!("translate(0 {})", end + 20)),
        "below the main flow's {end}, and its own line of text"
    );
}

#[test]
fn a_fan_out_is_a_stack() {
    let layout = main_of(samples::packing());
    let stacked: Vec<&str> =
        layout.shapes.iter().filter(|(shape, _)| shape.stacked).map(|(shape, _)| &*shape.words[1].text).collect();
    assert_eq!(
        stacked,
        ["for each · compensatable", "pack · for each · inner flow", "undoes each reserve", "undo what each did"]
    );
}

#[test]
fn what_follows_stands_below_but_for_loops() {
    let graph = Graph::new(samples::checkout().main());
    let names: Vec<String> = graph.rows.iter().map(|node| format!("{node:?}")).collect();
    assert_eq!(
        names,
        ["Start", "Call(0)", "Loop(\"for line in &order.lines\")", "Call(1)", "Call(2)", "Call(3)", "Completed"]
    );
    assert_eq!(graph.columns, [0, 0, 0, 1, 0, 0, 0], "the body of the loop stands to the right of its head");
}

/// A call, a decision on its answer of this text, with these arms to the end and to the undo lane in turn.
fn on_an_answer(text: &'static str, work: Work, arms: &[&'static str]) -> Graph {
    let mut sketch = samples::Sketch::new();
    sketch.step("charge", Class::Pivot, "");
    let call = sketch.work("charge", work);
    let branch = sketch.node(Node::Branch(text));
    let ends = [Node::Completed, Node::Unwinds].map(|end| sketch.node(end));
    sketch.next(0, call);
    sketch.next(call, branch);
    for (arm, end) in arms.iter().zip(ends.into_iter().cycle()) {
        sketch.edge(branch, end, arm, EdgeKind::Next);
    }
    Graph::new(sketch.done("answer").main())
}

#[test]
fn the_arms_of_a_match_on_an_answer_leave_the_call() {
    let labels = |graph: Graph| -> Vec<(String, bool)> {
        assert_eq!(graph.rows, [Node::Start, Node::Call(0), Node::Completed]);
        graph.links.into_iter().skip(1).map(|link| (link.label, link.refused)).collect()
    };
    let said = |label: &str, refused| (label.to_owned(), refused);
    let step = Work::Step(0);
    let matched = labels(on_an_answer("self.charge(cx).await", step, &["Ok(paid)", "_", "Err(No::Declined)"]));
    assert_eq!(matched, [said("Ok(paid)", false), said("_", true), said("Err(No::Declined)", true)]);
    let if_let = labels(on_an_answer("let Ok(paid) = self.charge(cx).await", step, &["yes", "no"]));
    assert_eq!(if_let, [said("Ok(paid)", false), said("not Ok(paid)", true)]);
    let no_refusal =
        labels(on_an_answer("cx.wait(X).within(\"1d\").await", Work::Wait(&[]), &["Err(Elapsed)", "Ok(_)"]));
    assert_eq!(no_refusal[0], said("Err(Elapsed)", false), "that the time came is no refusal");
    let nothing = labels(on_an_answer("cx.send(x).await.is_err()", Work::Send, &["yes"]));
    assert_eq!(nothing, [said("", false)], "a decision without consequences is not drawn");
}

#[test]
fn a_decision_on_more_than_an_answer_has_a_box_of_its_own() {
    for text in ["self.price(cx).await > 3", "price > 3", "self.charge(cx).await && again"] {
        let graph = on_an_answer(text, Work::Step(0), &["yes", "no"]);
        assert_eq!(graph.rows[2], Node::Branch(text));
    }
}

#[test]
fn edges_between_the_same_two_nodes_are_one_line_with_all_their_labels() {
    let mut sketch = samples::Sketch::new();
    let branch = sketch.node(Node::Branch("x"));
    let completed = sketch.node(Node::Completed);
    sketch.next(0, branch);
    for label in ["", "a", "b", "", "a"] {
        sketch.edge(branch, completed, label, EdgeKind::Next);
    }
    let labels: Vec<String> =
        Graph::new(sketch.done("merged").main()).links.into_iter().map(|link| link.label).collect();
    assert_eq!(labels, ["", "a | b"]);
}

#[test]
fn a_compensation_stands_beside_its_step_and_the_way_up_ends_at_the_top() {
    let layout = main_of(samples::linear());
    let place = |text: &str| place(&layout, text);
    for (step, undo) in [("book_hotel", "cancel_hotel"), ("book_flight", "cancel_flight")] {
        let (step, undo) = (place(step), place(undo));
        assert!(step.y < undo.bottom() && undo.y < step.bottom() && undo.x > step.right());
    }
    let end = place("compensated");
    let ups = layout.lines.iter().filter(|line| line.kind == LineKind::Unwinds);
    let ups: Vec<_> = ups.filter(|line| line.points[0].0 == line.points[1].0).collect();
    assert!(ups.iter().all(|line| line.points[1].1 < line.points[0].1), "the lane runs up: {ups:?}");
    assert!(ups.iter().any(|line| line.points[1] == (end.middle(), end.bottom())));
}

#[test]
fn the_point_of_no_return_goes_through_the_drawing_only_where_it_divides_it() {
    let checkout = main_of(samples::checkout());
    assert_eq!(checkout.bars.len(), 1);
    assert!(checkout.bars[0].from < 30 && checkout.bars[0].to > checkout.size.width - 60);
    let either = main_of(samples::another_card());
    let lengths: Vec<bool> = either.bars.iter().map(|bar| bar.to - bar.from > either.size.width / 2).collect();
    assert_eq!(lengths, [false, true], "below the first pivot there is still the way on which it was refused");
}
