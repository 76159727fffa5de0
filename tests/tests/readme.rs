//! The README's program compiles and runs, and without its compensation the compiler says what the README says it does.

use std::{fs, path::PathBuf};

/// What stands between the first line that is this fence and the end of its block.
fn block<'a>(text: &'a str, fence: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("{fence}\n")).expect("the README has such a block");
    rest.split_once("```\n").expect("the block ends").0
}

/// The program without the method that begins with this attribute, and what surrounded it.
fn without_method(program: &str, attribute: &str) -> String {
    let start = program.find(attribute).expect("the README's saga has this method");
    let length = program[start..].find("\n    }\n\n").expect("the method ends") + "\n    }\n\n    ".len();
    format!("{}{}", &program[..start], &program[start + length..])
}

#[test]
fn the_readme_tells_the_truth() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("there is a README");
    let program = block(&readme, "```rust");
    let message = block(&readme, "Delete `release`, and the saga does not compile:\n\n```text");

    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("readme");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let (whole, torn) = (folder.join("whole.rs"), folder.join("torn.rs"));
    fs::write(&whole, program).expect("it can be written");
    fs::write(&torn, without_method(program, "#[compensate(reserve)]")).expect("it can be written");
    let message = message.replace("src/main.rs", &torn.display().to_string());
    fs::write(torn.with_extension("stderr"), message).expect("it can be written");

    let cases = trybuild::TestCases::new();
    cases.pass(whole);
    cases.compile_fail(torn);
}
