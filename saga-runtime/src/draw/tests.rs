use std::collections::BTreeSet;

use super::{
    fold::Ways,
    graph::{Graph, Target},
    layout::{LABEL_SIZE, Layout, LineKind, layout},
    node::View,
    random, samples,
    shape::{BARS, Form, NOTCH, POINT, Rect, Shape},
    text::{Face, clipped, width, xml},
};
use crate::definition::{Branch, ChildKind, Class, Definition, EdgeKind, Node, Work};

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

#[test]
fn the_svg_is_well_formed_and_says_everything_as_text() {
    for definition in samples::all() {
        let svg = definition.to_svg();
        well_formed(&svg).unwrap_or_else(|why| panic!("{}: {why}", definition.name));
        for step in definition.steps {
            assert!(svg.contains(&xml(&clipped(step.name, 30))), "{} is missing", step.name);
        }
    }
    let svg = samples::branches().to_svg();
    for words in ["compensatable", "pivot", "read-only", "not compensated", "undoes hold_credit", "Kind::New { .. }"] {
        assert!(svg.contains(words), "{words} is missing");
    }
    assert!(svg.contains("<title>order.total &gt; LARGE &amp;&amp; !customer.is_known</title>"));
}

#[test]
fn an_svg_holds_nothing_that_runs_or_is_fetched() {
    for definition in samples::all() {
        let svg = definition.to_svg();
        for word in ["<script", "<style", "href", "url(", " on"] {
            let tags: String = svg.split('<').filter_map(|part| part.split('>').next()).collect();
            assert!(!format!("<{tags}").contains(word), "{}: {word}", definition.name);
        }
    }
}

#[test]
fn a_drawing_is_the_same_each_time() {
    for definition in samples::all() {
        assert_eq!(definition.to_svg(), definition.to_svg());
        assert_eq!(definition.to_dot(), definition.to_dot());
        assert_eq!(definition.to_mermaid(), definition.to_mermaid());
    }
}

#[test]
fn dot_and_mermaid_have_every_node_and_every_edge_of_every_flow() {
    for definition in samples::all().into_iter().chain((0..FLOWS).map(random::flow)) {
        let (dot, mermaid) = (definition.to_dot(), definition.to_mermaid());
        for (number, view) in View::all(definition).into_iter().enumerate() {
            let of = if view.is_inner { format!("f{number}") } else { String::new() };
            let Ways { ways, folded } = Ways::of(view.flow);
            for index in (0..view.flow.nodes.len()).filter(|index| !folded.contains(index)) {
                assert!(dot.contains(&format!("  {of}n{index} [label=")), "{}: {dot}", definition.name);
                let starts = mermaid.lines().any(|line| {
                    let rest = line.trim_start().strip_prefix(&format!("{of}n{index}"));
                    rest.is_some_and(|rest| rest.starts_with(['(', '{', '[', '>']))
                });
                assert!(starts, "{}: {of}n{index} in {mermaid}", definition.name);
            }
            let drawn = ways.len();
            // An edge leads from a node, or from the bar that ends a join, to a node.
            let is_edge = |line: &&str, arrow: &str| {
                let Some((from, to)) = line.trim_start().split_once(arrow) else { return false };
                let to =
                    if to.starts_with('|') { to.rsplit_once("| ").map_or(to, |(_, to)| to) } else { to.trim_start() };
                let begins = |text: &str, kind: char| text.starts_with(&format!("{of}{kind}"));
                (begins(from, 'n') || begins(from, 'j')) && begins(to, 'n')
            };
            let count = |text: &str, arrow: &str| text.lines().filter(|line| is_edge(line, arrow)).count();
            assert_eq!(count(&dot, " -> "), drawn, "{}: {dot}", definition.name);
            assert_eq!(count(&mermaid, "->"), drawn, "{}: {mermaid}", definition.name);
        }
        let undone = |text: &str, says: &str| text.lines().filter(|line| line.contains(says)).count();
        assert_eq!(undone(&dot, "style=dotted"), undone(&mermaid, "undone by"), "{}", definition.name);
    }
}

#[test]
fn dot_and_mermaid_show_the_branches_of_a_join_and_where_something_leads_to() {
    let (dot, mermaid) = (samples::travel().to_dot(), samples::travel().to_mermaid());
    for line in ["n2 -> b2_1;", "b2_1 -> j2;", "b2_1 -> u2_1 [style=dotted", "j2 -> n3 [label=\"\"];", "f1n1 -> f1n3"] {
        assert!(dot.contains(line), "{line} in {dot}");
    }
    for line in
        ["n2 --> b2_1", "b2_1 --> j2", "b2_1 -.-|\"undone by\"| u2_1", "j2 --> n3", "f1n1 -->|\"Ok(ticket)\"| f1n3"]
    {
        assert!(mermaid.contains(line), "{line} in {mermaid}");
    }
    assert!(dot.contains("label=\"travel, version 1, deadline 1h 30m\""), "{dot}");
    assert!(mermaid.contains("[\"travel, version 1, deadline 1h 30m\"]"), "{mermaid}");
    for drawing in [samples::approval().to_dot(), samples::approval().to_mermaid()] {
        assert!(drawing.contains("another saga") && drawing.contains("checkout"), "{drawing}");
    }
}

#[test]
fn hostile_text_stays_text_in_dot() {
    let dot = samples::hostile().to_dot();
    for line in dot.lines() {
        let mut inside = false;
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' if inside => assert!(characters.next().is_some_and(|c| "\\\"n".contains(c)), "{line}"),
                '"' => inside = !inside,
                '<' | '>' if !inside => assert!(line.contains(" -> "), "{line}"),
                _ => {}
            }
        }
        assert!(!inside, "a string that does not end on its line: {line}");
    }
    assert_eq!(dot.matches("digraph").count() - dot.matches("digraph evil").count(), 1);
}

#[test]
fn hostile_text_stays_text_in_mermaid() {
    let mermaid = samples::hostile().to_mermaid();
    let harmless: BTreeSet<char> = " _.,:()=+?!·…#;-".chars().collect();
    for line in mermaid.lines().filter(|line| line.contains('"')) {
        let quoted: Vec<&str> = line.split('"').collect();
        assert_eq!(quoted.len() % 2, 1, "{line}");
        for text in quoted.iter().skip(1).step_by(2) {
            let text = text.replace("<br/>", "");
            let odd = text.chars().find(|c| !c.is_alphanumeric() && !harmless.contains(c));
            assert_eq!(odd, None, "{line}");
        }
    }
}

/// A small check of XML: every tag is closed in order, every attribute quoted, every ampersand an entity, nothing that
/// XML forbids.
fn well_formed(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        content(&rest[..start])?;
        let end = rest[start..].find('>').ok_or("a tag does not end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
            continue;
        }
        let (body, closed) = tag.strip_suffix('/').map_or((tag, false), |body| (body, true));
        let name = body.split_whitespace().next().ok_or("a tag without a name")?;
        attributes(&body[name.len()..])?;
        if !closed {
            open.push(name);
        }
    }
    content(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are never closed")) }
}

fn attributes(mut text: &str) -> Result<(), String> {
    while !text.trim().is_empty() {
        let (name, rest) = text.split_once("=\"").ok_or_else(|| format!("no attribute: {text}"))?;
        let named = name.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let (value, rest) = rest.split_once('"').ok_or("an attribute's value does not end")?;
        if !named {
            return Err(format!("no name: {name}"));
        }
        content(value)?;
        text = rest;
    }
    Ok(())
}

fn content(text: &str) -> Result<(), String> {
    for (index, _) in text.match_indices('&') {
        if !["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|entity| text[index + 1..].starts_with(entity)) {
            return Err(format!("no entity: {text}"));
        }
    }
    match text.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}')) {
        Some(c) => Err(format!("{c:?} in {text}")),
        None => Ok(()),
    }
}
