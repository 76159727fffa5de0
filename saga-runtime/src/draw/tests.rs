use std::collections::BTreeSet;

use super::{
    graph::{Graph, Target},
    layout::{LABEL_SIZE, Layout, LineKind, layout},
    samples,
    shape::{Form, Rect},
    text::{Face, clipped, width, xml},
};
use crate::definition::{Definition, EdgeKind, Node};

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

/// The stretch of a line, as a rectangle without width, a little shorter at both ends, where it touches boxes.
fn passes(a: (i32, i32), b: (i32, i32), place: &Rect) -> bool {
    let (left, right) = (a.0.min(b.0), a.0.max(b.0));
    let (top, bottom) = (a.1.min(b.1), a.1.max(b.1));
    left < place.right() - 1 && right > place.x + 1 && top < place.bottom() - 1 && bottom > place.y + 1
}

/// The samples, and flows that could be written.
fn for_all(check: impl Fn(&Definition, &Layout)) {
    for definition in samples::all().into_iter().chain((0..FLOWS).map(samples::random_flow)) {
        check(definition, &layout(definition));
    }
}

const FLOWS: u64 = 150;

/// The same, and graphs that no flow would give.
fn for_all_and_any(check: impl Fn(&Definition, &Layout)) {
    for_all(&check);
    for seed in 0..400 {
        let definition = samples::random(seed);
        check(definition, &layout(definition));
    }
}

#[test]
fn no_two_boxes_overlap() {
    for_all_and_any(|definition, layout| {
        for (index, (one, place)) in layout.shapes.iter().enumerate() {
            for (other, other_place) in &layout.shapes[index + 1..] {
                assert!(!overlap(place, other_place), "{}: {one:?} and {other:?}", definition.name);
            }
        }
    });
}

#[test]
fn every_box_and_label_is_on_the_paper() {
    for_all_and_any(|definition, layout| {
        for (shape, place) in &layout.shapes {
            let inside = place.x >= 0 && place.y >= 0;
            let inside = inside && place.right() <= layout.size.width && place.bottom() <= layout.size.height;
            assert!(inside, "{}: {shape:?} at {place:?}", definition.name);
        }
        for label in &layout.labels {
            let right = label.x + width(&label.text, LABEL_SIZE, Face::Code);
            assert!(label.x >= 0 && right <= layout.size.width, "{}: {label:?}", definition.name);
        }
    });
}

#[test]
fn no_text_leaves_its_box() {
    for_all_and_any(|definition, layout| {
        for (shape, place) in &layout.shapes {
            for words in &shape.words {
                // A diamond is narrower where the upper and lower edge of the text are.
                let room = if shape.form == Form::Diamond { place.size.width * 50 / 64 } else { place.size.width - 8 };
                let text = width(&words.text, words.size, words.face);
                assert!(text <= room, "{}: {words:?} in {place:?}", definition.name);
            }
        }
    });
}

#[test]
fn no_line_passes_through_a_box() {
    for_all_and_any(|definition, layout| {
        for line in &layout.lines {
            for pair in line.points.windows(2) {
                for (shape, place) in &layout.shapes {
                    // The sides of a diamond and of a hexagon stand back from the rectangle around them.
                    let slant = shape.right_at(place, place.centre()) - shape.right_at(place, pair[0].1);
                    let ends = [line.points.first(), line.points.last()];
                    let touches =
                        |end: &(i32, i32)| [shape.left_at(place, end.1), shape.right_at(place, end.1)].contains(&end.0);
                    let is_side = slant > 0 && ends.into_iter().flatten().any(touches);
                    let passes = passes(pair[0], pair[1], place) && !is_side;
                    assert!(!passes, "{}: {line:?} through {shape:?} at {place:?}", definition.name);
                }
            }
        }
    });
}

#[test]
fn no_label_lies_on_a_box_or_on_another_label() {
    for_all(|definition, layout| {
        let place = |label: &super::layout::Label| Rect {
            x: label.x,
            y: label.y - LABEL_SIZE + 2,
            size: super::shape::Size { width: width(&label.text, LABEL_SIZE, Face::Code), height: LABEL_SIZE },
        };
        for (index, label) in layout.labels.iter().enumerate() {
            for (shape, other) in &layout.shapes {
                assert!(!overlap(&place(label), other), "{}: {label:?} on {shape:?}", definition.name);
            }
            for other in &layout.labels[index + 1..] {
                assert!(!overlap(&place(label), &place(other)), "{}: {label:?} on {other:?}", definition.name);
            }
        }
    });
}

#[test]
fn lines_that_lead_to_different_nodes_never_lie_on_each_other() {
    for_all(|definition, layout| {
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
                        assert!(!lies_on(a, b), "{}: {one:?} and {other:?}", definition.name);
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
    for_all_and_any(|definition, layout| {
        let graph = Graph::new(definition);
        let drawn = definition.main().nodes.iter().filter(|node| **node != Node::Unwinds).count();
        assert_eq!(graph.rows.len(), drawn, "{}", definition.name);
        assert!(layout.shapes.len() >= drawn);
        let onward = graph.links.iter().filter(|link| link.to != Target::Undo).count();
        let lines = layout.lines.iter().filter(|line| matches!(line.kind, LineKind::Onward | LineKind::Refused));
        assert_eq!(lines.count(), onward, "{}", definition.name);
        let undone = definition.main().nodes.iter().filter(|node| match node {
            Node::Call(state) => definition
                .main()
                .states
                .get(*state)
                .and_then(|state| definition.steps.get(state.step()?))
                .is_some_and(|step| step.compensation.is_some()),
            _ => false,
        });
        let beside = layout.lines.iter().filter(|line| line.kind == LineKind::Undoes).count();
        assert_eq!(beside, undone.count(), "{}", definition.name);
    });
}

#[test]
fn what_follows_stands_below_but_for_loops() {
    let graph = Graph::new(samples::checkout());
    let names: Vec<String> = graph.rows.iter().map(|node| format!("{node:?}")).collect();
    assert_eq!(
        names,
        ["Start", "Call(0)", "Loop(\"for line in &order.lines\")", "Call(1)", "Call(2)", "Call(3)", "Completed"]
    );
    assert_eq!(graph.columns, [0, 0, 0, 1, 0, 0, 0], "the body of the loop stands to the right of its head");
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
    let labels: Vec<String> = Graph::new(sketch.done("merged")).links.into_iter().map(|link| link.label).collect();
    assert_eq!(labels, ["", "a | b"]);
}

#[test]
fn a_compensation_stands_beside_its_step_and_the_way_up_ends_at_the_top() {
    let layout = layout(samples::linear());
    let place = |text: &str| {
        layout.shapes.iter().find(|(shape, _)| shape.words[0].text == text).map(|(_, place)| *place).expect(text)
    };
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
    let checkout = layout(samples::checkout());
    assert_eq!(checkout.bars.len(), 1);
    assert!(checkout.bars[0].from < 30 && checkout.bars[0].to > checkout.size.width - 60);
    let either = layout(samples::another_card());
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
fn dot_and_mermaid_have_every_node_and_every_edge() {
    for definition in samples::all() {
        let (dot, mermaid) = (definition.to_dot(), definition.to_mermaid());
        for index in 0..definition.main().nodes.len() {
            assert!(dot.contains(&format!("  n{index} [label=")), "{}: {dot}", definition.name);
            let starts = mermaid.lines().any(|line| {
                line.trim_start().strip_prefix(&format!("n{index}")).is_some_and(|rest| rest.starts_with(['(', '{']))
            });
            assert!(starts, "{}: n{index} in {mermaid}", definition.name);
        }
        let drawn = definition
            .main()
            .edges
            .iter()
            .filter(|edge| edge.from.max(edge.to) < definition.main().nodes.len())
            .count();
        let arrows = |text: &str, arrow: &str| text.lines().filter(|line| line.contains(arrow)).count();
        let own = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('u')).count();
        assert_eq!(arrows(&dot, " -> n"), drawn, "{}", definition.name);
        assert_eq!(arrows(&dot, " -> u"), own(&dot), "{}", definition.name);
        assert_eq!(arrows(&mermaid, "->"), drawn, "{}", definition.name);
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
