//! Holds the page to the programs, and the pictures to their sagas.

use saga_runtime::definition::{Class, Definition, Node, Work};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every program with a saga, by the name of its file, in the order of the page.
fn programs() -> Vec<(&'static str, &'static Definition)> {
    vec![
        ("sequence", super::sequence::definition()),
        ("pivot", super::pivot::definition()),
        ("attempts", super::attempts::definition()),
        ("repeat", super::repeat::definition()),
        ("branch", super::branch::definition()),
        ("inner", super::inner::definition()),
        ("join", super::join::definition()),
        ("each", super::each::definition()),
        ("sleep", super::sleep::definition()),
        ("cancel", super::cancel::definition()),
        ("deadline", super::deadline::definition()),
        ("wait", super::wait::definition()),
        ("race", super::race::definition()),
        ("child", super::child::definition()),
        ("launch", super::launch::definition()),
        ("labels", super::labels::definition()),
        ("policy", super::policy::definition()),
        ("transaction", super::transaction::definition()),
    ]
}

const UPDATE: &str = "UPDATE_PAGE";
const HOW: &str = "write it anew with `UPDATE_PAGE=1 cargo test -p saga-process-tests --test language`";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    let path = at(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares what is there with what should be, or puts it there.
fn hold(path: &str, wanted: &str) {
    if std::env::var_os(UPDATE).is_some() {
        fs::write(at(path), wanted).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let found = fs::read_to_string(at(path)).unwrap_or_default();
    assert!(found == wanted, "{path} is not what the programs say: {HOW}");
}

/// What a program's file shows to the reader of the page.
fn shown(name: &str) -> String {
    let file = if name == "shared" { "main" } else { name };
    let text = read(&format!("tests/language/{file}.rs"));
    let (_, rest) = text.split_once("// On the page:\n").unwrap_or_else(|| panic!("{name} shows nothing"));
    rest.split_once("// Not on the page:\n").unwrap_or_else(|| panic!("{name} does not end")).0.to_owned()
}

/// The page with every block of code replaced by its program, and the names of the programs in their order.
fn page_of_programs(page: &str) -> (String, Vec<String>) {
    let (mut text, mut names) = (String::new(), Vec::new());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<!-- program: ") {
        let (name, after) = after.split_once(" -->\n```rust\n").expect("a block of Rust follows the program's name");
        let (_, after) = after.split_once("```\n").expect("the block ends");
        text.extend([before, "<!-- program: ", name, " -->\n```rust\n", &*shown(name), "```\n"]);
        names.push(name.to_owned());
        rest = after;
    }
    assert!(!rest.contains("```rust"), "a block of Rust that is no program: nobody compiles it");
    text.push_str(rest);
    (text, names)
}

#[test]
fn the_page_shows_the_programs_that_are_compiled_here_to_the_letter() {
    let (page, names) = page_of_programs(&read("../../docs/language.md"));
    hold("../../docs/language.md", &page);
    let known: Vec<&str> = ["shared"].into_iter().chain(programs().into_iter().map(|(name, _)| name)).collect();
    assert_eq!(names, known, "every program stands on the page once");
}

#[test]
fn each_picture_is_that_of_its_saga_and_stands_after_its_program() {
    let page = read("../../docs/language.md");
    for (name, definition) in programs() {
        hold(&format!("../../docs/language/{name}.svg"), &definition.to_svg());
        let (_, after) = page.split_once(&format!("<!-- program: {name} -->")).expect("it is on the page");
        let section = after.split("<!-- program: ").next().unwrap_or(after);
        assert!(section.contains(&format!("](language/{name}.svg)")), "{name} has its picture where it is told");
    }
    let known: BTreeSet<String> = programs().iter().map(|(name, _)| format!("{name}.svg")).collect();
    let there = fs::read_dir(at("../../docs/language")).expect("the folder is there");
    let there: BTreeSet<String> =
        there.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(there, known, "no picture is left over");
}

#[test]
fn each_link_within_the_page_leads_to_a_heading() {
    let page = read("../../docs/language.md");
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase();
        kept.chars().filter(|c| c.is_alphanumeric() || *c == ' ').map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    let headings: BTreeSet<String> = page.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    let links: Vec<&str> = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    for link in &links {
        assert!(headings.contains(*link), "{link} is no heading: {headings:?}");
    }
    assert!(links.len() + 1 >= headings.len(), "what the programs share needs no link, every other heading has one");
}

#[test]
fn each_construct_says_what_happens_on_a_crash_on_a_refusal_and_on_cancel() {
    let page = read("../../docs/language.md");
    for (name, _) in programs() {
        let (_, after) = page.split_once(&format!("<!-- program: {name} -->")).expect("it is on the page");
        let section = after.split("\n## ").next().unwrap_or(after);
        for lead in ["**Crash.**", "**Refusal.**", "**Cancel.**"] {
            assert_eq!(section.matches(lead).count(), 1, "{name} says {lead} once");
        }
    }
}

#[test]
fn every_kind_of_work_and_of_step_is_in_some_program() {
    let (mut works, mut classes, mut nodes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (_, definition) in programs() {
        classes.extend(definition.steps.iter().map(|step| match step.class {
            Class::Compensatable => 0,
            Class::Pivot => 1,
            Class::Retriable => 2,
            Class::ReadOnly => 3,
            Class::NotCompensated => 4,
        }));
        for flow in definition.flows {
            works.extend(flow.states.iter().map(|state| match state.work {
                Work::Step(_) => 0,
                Work::Flow(_) => 1,
                Work::Join(_) => 2,
                Work::Each(_) => 3,
                Work::Sleep => 4,
                Work::Wait(_) => 5,
                Work::Child(_) => 6,
                Work::Send => 7,
            }));
            nodes.extend(flow.nodes.iter().map(|node| match node {
                Node::Start => 0,
                Node::Call(_) => 1,
                Node::Branch(_) => 2,
                Node::Loop(_) => 3,
                Node::Completed => 4,
                Node::Unwinds => 5,
            }));
        }
    }
    assert_eq!((works.len(), classes.len(), nodes.len()), (8, 5, 6), "{works:?} {classes:?} {nodes:?}");
}
