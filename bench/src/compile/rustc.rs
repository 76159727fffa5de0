//! The compiler, called as cargo calls it.

use super::{
    project::{read, write},
    source::Program,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output},
    time::{Duration, Instant},
};

/// Where to write down how the compiler was called; set where this program stands before the compiler.
pub(crate) const RECORD: &str = "SAGA_BENCH_RECORD";

/// One call of the compiler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// What it had of the processor, where the system says so: what others do meanwhile counts less.
    pub(crate) cpu: Option<Duration>,
    /// What the macro itself took, where it says so.
    pub(crate) expansion: Option<Duration>,
}

impl Measured {
    /// What is compared: the time on the processor, which others on the machine disturb least, or else from start to end.
    pub(crate) fn own(&self) -> Option<Duration> {
        self.cpu.or(Some(self.wall))
    }
}

/// The compiler and its arguments.
pub(crate) struct Rustc {
    program: PathBuf,
    /// Without those that say what is compiled, where to, and how mistakes are shown to cargo.
    arguments: Vec<String>,
    folder: PathBuf,
}

/// Calls the compiler in the place of cargo, if cargo has put this program before it, and writes down how.
pub(crate) fn as_wrapper() -> Option<ExitCode> {
    let record = std::env::var_os(RECORD)?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.windows(2).any(|pair| pair[0] == "--crate-name" && pair[1] == "program")
        && let Err(why) = fs::write(record, words.join("\n"))
    {
        eprintln!("error: the command could not be written down: {why}");
        return Some(ExitCode::FAILURE);
    }
    let (rustc, arguments) = words.split_first()?;
    let ended = Command::new(rustc).args(arguments).status();
    Some(if ended.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Rustc {
    /// From what was written down.
    pub(crate) fn new(folder: &Path, recorded: &str) -> Result<Self, String> {
        let mut words = recorded.lines().map(str::to_owned);
        let named = words.next().ok_or("no command was written down")?;
        // What is named `rustc` may be a program that looks for the compiler first.
        let sysroot = Command::new(named).args(["--print", "sysroot"]).current_dir(folder).output();
        let sysroot = sysroot.map_err(|error| format!("the compiler could not be started: {error}"))?;
        let program = Path::new(String::from_utf8_lossy(&sysroot.stdout).trim()).join("bin/rustc");
        let mut arguments: Vec<String> = Vec::new();
        while let Some(word) = words.next() {
            if word == "--out-dir" {
                words.next();
            } else if word.starts_with("incremental=") {
                arguments.pop(); // the `-C` before it
            } else if !(word.ends_with("lib.rs") || word.starts_with("--error-format") || word.starts_with("--json")) {
                arguments.push(word);
            }
        }
        fs::create_dir_all(folder.join("out")).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { program, arguments, folder: folder.to_owned() })
    }

    /// On what is measured.
    pub(crate) fn machine(&self) -> String {
        let version = Command::new(&self.program).arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        format!("{}, {cores} cores", version.unwrap_or_default())
    }

    /// Checks a program of which nothing is known yet.
    pub(crate) fn check_first(&self, program: Program) -> Result<Measured, String> {
        let known = self.folder.join("first");
        if known.exists() {
            fs::remove_dir_all(&known).map_err(|error| format!("{}: {error}", known.display()))?;
        }
        self.check(program, &program.source(), &known)
    }

    /// Checks a program that was checked before, with one line changed in a step.
    pub(crate) fn check_again(&self, program: Program, edit: usize) -> Result<Measured, String> {
        let source = program.source().replacen("ask(\"step_0\"", &format!("ask(\"step_0, edit {edit}\""), 1);
        self.check(program, &source, &self.folder.join("again").join(program.file_name()))
    }

    fn check(&self, program: Program, source: &str, known: &Path) -> Result<Measured, String> {
        let mut command = self.command(program, source)?;
        command.arg("-C").arg(format!("incremental={}", known.display())).arg("--out-dir").arg(self.folder.join("out"));
        let (cpu, begun) = (cpu(), Instant::now());
        let output = run(&mut command, program)?;
        let wall = begun.elapsed();
        let cpu = self::cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
        let said = String::from_utf8_lossy(&output.stderr);
        let expansion =
            said.lines().find_map(|line| line.strip_prefix("expanded in ")?.strip_suffix(" us")?.parse().ok());
        Ok(Measured { wall, cpu, expansion: expansion.map(Duration::from_micros) })
    }

    /// The lines of a program once all macros are expanded, blank ones apart, as the compiler prints it.
    pub(crate) fn expanded_lines(&self, program: Program) -> Result<usize, String> {
        let mut command = self.command(program, &program.source())?;
        // The compiler of a release prints this for whoever insists.
        command.arg("-Zunpretty=expanded").env("RUSTC_BOOTSTRAP", "1");
        let output = run(&mut command, program)?;
        let expanded = String::from_utf8_lossy(&output.stdout).into_owned();
        write(&self.folder.join("expanded").join(program.file_name()), &expanded)?;
        Ok(expanded.lines().filter(|line| !line.trim().is_empty()).count())
    }

    fn command(&self, program: Program, source: &str) -> Result<Command, String> {
        let file = self.folder.join("programs").join(program.file_name());
        write(&file, source)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(file).current_dir(&self.folder);
        Ok(command)
    }
}

fn run(command: &mut Command, program: Program) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("the compiler could not be started: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{} does not compile:\n{}", program.file_name(), String::from_utf8_lossy(&output.stderr)))
}

/// The time on the processor of all children that have ended, on Linux, to a hundredth of a second.
fn cpu() -> Option<Duration> {
    let stat = read(Path::new("/proc/self/stat")).ok()?;
    // The name, in parentheses, may hold anything; the fields that matter are the 14th and 15th after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}
