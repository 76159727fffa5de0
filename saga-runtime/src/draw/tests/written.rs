//! Drawings as they are written: SVG, DOT and Mermaid.

use super::{
    super::{
        fold::Ways,
        node::View,
        random, samples,
        text::{clipped, xml},
    },
    FLOWS,
};
use std::collections::BTreeSet;

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
