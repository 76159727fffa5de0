//! The scratch project: one package whose dependencies are those of every program, and a copy of the macro.

use super::{
    options::Options,
    rustc::{RECORD, Rustc},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How the entry of the macro begins in its own source, and what stands in its place in the copy.
const ENTRY: &str = "pub fn saga(options: TokenStream, item: TokenStream) -> TokenStream {\n";
const TIMED: &str = "pub fn saga(options: TokenStream, item: TokenStream) -> TokenStream {
    let (own, begun) = (own_time(), std::time::Instant::now());
    let expanded = untimed(options, item);
    let took = own_time().zip(own).map(|(after, before)| (after - before) / 1000);
    eprintln!(\"expanded in {} us\", took.map_or(begun.elapsed().as_micros(), u128::from));
    expanded
}

fn untimed(options: TokenStream, item: TokenStream) -> TokenStream {
";
/// What this thread has had of the processor, on Linux, in nanoseconds, which is counted up to the last time that it gave it
/// away; elsewhere the clock has to do.
const OWN_TIME: &str = "
fn own_time() -> Option<u64> {
    std::thread::yield_now();
    std::fs::read_to_string(\"/proc/thread-self/schedstat\").ok()?.split(' ').next()?.parse().ok()
}
";

/// The versions of what is compared stand here and nowhere else: whoever does not measure does not build it.
const ASYNC_TRAIT: &str = "async-trait = \"=0.1.92\"\n";
const RESTATE: &str =
    "restate-sdk = { version = \"=0.13.0\", default-features = false, features = [\"rust_crypto\"] }\n";

/// Where it is.
pub(crate) struct Project {
    /// Its folder's name, with which the names of its packages begin: of two that build in one place and have a package of the
    /// same name, cargo takes what it built of one for the other's.
    name: &'static str,
    folder: PathBuf,
    /// Where cargo builds: where it builds the library too, so that what both need is built once.
    target: PathBuf,
}

impl Project {
    /// Writes all of it, except the programs.
    pub(crate) fn write(options: &Options) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |named| root.join(named));
        let name = match (options.async_trait, options.restate) {
            (true, true) => "bench-macro",
            (true, false) => "bench-macro-async-trait",
            (false, true) => "bench-macro-restate",
            (false, false) => "bench-macro-alone",
        };
        let folder = target.join(name);
        write(
            &folder.join("Cargo.toml"),
            "[workspace]\nresolver = \"3\"\nmembers = [\"program\", \"timed-macros\"]\n\n[profile.dev]\ndebug = \"line-tables-only\"\n",
        )?;
        // What both have in common has the versions that the library is tested with.
        let lock = read(&root.join("Cargo.lock"))?;
        if !fs::read_to_string(folder.join("workspace.lock")).is_ok_and(|known| known == lock) {
            write(&folder.join("Cargo.lock"), &lock)?;
            write(&folder.join("workspace.lock"), &lock)?;
        }
        let runtime = format!("{:?}", root.join("saga-runtime").to_string_lossy());
        let program = format!(
            "[package]\nname = \"{name}-program\"\nedition = \"2024\"\n\n[lib]\nname = \"program\"\n\n[dependencies]\n\
             saga-runtime = {{ path = {runtime}, default-features = false }}\n\
             {name}-timed = {{ path = \"../timed-macros\" }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n{}{}",
            if options.async_trait { ASYNC_TRAIT } else { "" },
            if options.restate { RESTATE } else { "" }
        );
        write(&folder.join("program/Cargo.toml"), &program)?;
        // Even if it is there already: what is new is compiled, and how it is compiled is what we want to learn.
        let place = folder.join("program/src/lib.rs");
        let made = fs::create_dir_all(folder.join("program/src"));
        made.and_then(|()| fs::write(&place, "//! Each program in turn stands in the place of this file.\n"))
            .map_err(|error| format!("{}: {error}", place.display()))?;
        timed_macros(name, &root.join("saga-macros"), &folder.join("timed-macros"))?;
        Ok(Self { name, folder, target })
    }

    /// Builds the dependencies, and learns how cargo calls the compiler.
    pub(crate) fn build(&self) -> Result<Rustc, String> {
        let record = self.folder.join("command");
        let own = std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["check", "-p", &format!("{}-program", self.name)])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("RUSTC_WORKSPACE_WRAPPER", own)
            .env(RECORD, &record)
            .status()
            .map_err(|error| format!("cargo could not be started: {error}"))?;
        if !status.success() {
            return Err(format!("the dependencies were not built: {status}"));
        }
        Rustc::new(&self.folder, &read(&record)?)
    }
}

/// A copy of the macro whose entry says how long it took, since the time that a macro takes within the compiler, through
/// whose interface it reads and writes every token, can only be taken there.
fn timed_macros(name: &str, macros: &Path, copy: &Path) -> Result<(), String> {
    let manifest = read(&macros.join("Cargo.toml"))?;
    let features = manifest.lines().find(|line| line.starts_with("syn = ")).ok_or("the macro does without `syn`")?;
    let syn = features.replace("workspace = true", "version = \"3\", default-features = false");
    let manifest = format!(
        "[package]\nname = \"{name}-timed\"\nedition = \"2024\"\n\n[lib]\nname = \"timed_macros\"\nproc-macro = true\n\n[dependencies]\n\
         proc-macro2 = {{ version = \"1\", features = [\"span-locations\"] }}\nquote = \"1\"\n{syn}\n\n\
         [lints.rust]\nunexpected_cfgs = \"allow\"\n"
    );
    write(&copy.join("Cargo.toml"), &manifest)?;
    copy_sources(&macros.join("src"), &copy.join("src"))
}

/// The entry is changed on the way, and all else stays.
fn copy_sources(from: &Path, to: &Path) -> Result<(), String> {
    let lost = |error: std::io::Error| format!("{}: {error}", from.display());
    for entry in fs::read_dir(from).map_err(lost)? {
        let path = entry.map_err(lost)?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_sources(&path, &to.join(name))?;
        } else if name == "lib.rs" {
            let source = read(&path)?;
            if source.matches(ENTRY).count() != 1 {
                return Err(format!("{} has no longer the one entry that is timed", path.display()));
            }
            write(&to.join(name), &(source.replace(ENTRY, TIMED) + OWN_TIME))?;
        } else {
            write(&to.join(name), &read(&path)?)?;
        }
    }
    Ok(())
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file, in a folder that is made for it. One that is the same already is left alone, so that nothing is built again.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| format!("{}: {error}", path.display()))
}
