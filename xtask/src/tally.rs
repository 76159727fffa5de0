//! Adds up what the test programs say of themselves.

/// What was counted so far.
#[derive(Default)]
pub(crate) struct Tally {
    passed: u64,
    programs: u64,
    ignored: Vec<String>,
    /// As the closing lines count them: doc tests that are ignored have no line of their own in some versions.
    ignored_count: u64,
}

impl Tally {
    /// Takes note of one line of output.
    pub(crate) fn see(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(closing) = line.strip_prefix("test result: ") {
            self.programs += 1;
            self.passed += count(closing, "passed");
            self.ignored_count += count(closing, "ignored");
        } else if let Some(name) = ignored(line) {
            self.ignored.push(name.to_owned());
        }
    }

    /// The line for the summary; an error if a test did not run, because a test that is skipped proves nothing.
    pub(crate) fn verdict(&self) -> Result<String, String> {
        if self.ignored_count > 0 {
            let mut why = format!("{} ignored: nothing may be skipped in silence", tests(self.ignored_count));
            for name in &self.ignored {
                why.push_str("\n  ");
                why.push_str(name);
            }
            return Err(why);
        }
        if self.passed == 0 {
            return Err("no test ran".to_owned());
        }
        Ok(format!("{} passed in {} programs, none ignored", tests(self.passed), self.programs))
    }
}

fn tests(count: u64) -> String {
    if count == 1 { "1 test".to_owned() } else { format!("{count} tests") }
}

/// The number in front of `word` in a closing line such as `ok. 3 passed; 0 failed; 1 ignored; ..`.
fn count(closing: &str, word: &str) -> u64 {
    let words: Vec<&str> = closing.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    let number = words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok());
    number.unwrap_or(0)
}

/// The name in a line such as `test a::b ... ignored` or `test a::b ... ignored, reason`.
fn ignored(line: &str) -> Option<&str> {
    let (name, answer) = line.strip_prefix("test ")?.split_once(" ... ")?;
    (answer == "ignored" || answer.starts_with("ignored,")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.see(line));
        tally
    }

    #[test]
    fn what_passed_is_added_up_over_all_programs() {
        let output = "\
running 2 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        assert_eq!(tally(output).verdict().as_deref(), Ok("42 tests passed in 2 programs, none ignored"));
    }

    #[test]
    fn an_ignored_test_is_named_and_fails_the_stage() {
        let output = "\
test slow::one ... ignored
test slow::two ... ignored, takes an hour
test fine ... ok
test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let why = tally(output).verdict().expect_err("two are ignored");
        assert_eq!(why, "2 tests ignored: nothing may be skipped in silence\n  slow::one\n  slow::two");
    }

    #[test]
    fn a_run_without_any_test_is_a_failure() {
        assert_eq!(tally("nothing to see").verdict(), Err("no test ran".to_owned()));
    }
}
