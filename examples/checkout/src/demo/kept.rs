//! Where databases, logs and sagas are kept, and what becomes of them at the end.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Options;
use super::schema::Schema;
use crate::Failed;

/// What a demonstration leaves if nobody removes it. Dropped, it stays.
pub(super) struct Kept {
    folder: Folder,
    schema: Option<Schema>,
}

/// Where databases and logs are.
enum Folder {
    /// Made for this run; it goes when all went well.
    Made(PathBuf),
    /// The user's.
    Given(PathBuf),
}

impl Kept {
    pub(super) fn open(options: &Options) -> Result<Self, Failed> {
        let folder = match options.dir.as_deref() {
            None => Folder::Made(TempDir::with_prefix("checkout-").map_err(|error| unmade(&error))?.keep()),
            Some(given) => Folder::Given(empty(given)?),
        };
        Ok(Self { folder, schema: options.store.as_deref().map(Schema::new) })
    }

    pub(super) fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Made(folder) | Folder::Given(folder) => folder,
        }
    }

    pub(super) fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// How a service is told to keep its books here.
    pub(super) fn database(&self, service: &str) -> Vec<String> {
        let file = self.folder().join(service).with_extension("db");
        vec!["--db".to_owned(), file.display().to_string()]
    }

    /// Removes what was made for this run, or says where it is that it cannot remove. What the user gave stays.
    pub(super) async fn remove(&self) {
        if let Folder::Made(folder) = &self.folder
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            eprintln!("the databases and logs stay in {}, which cannot be removed: {error}", folder.display());
        }
        if let Some(schema) = &self.schema
            && let Err(error) = schema.remove().await
        {
            eprintln!("the sagas cannot be removed: {error}");
            self.tell_schema().await;
        }
    }

    /// Says where everything is that is needed to find out what went wrong.
    pub(super) async fn tell(&self) {
        eprintln!("the databases and logs are in {}", self.folder().display());
        self.tell_schema().await;
    }

    async fn tell_schema(&self) {
        if let Some(schema) = &self.schema
            && let Some(told) = schema.told().await
        {
            eprintln!("{told}");
        }
    }
}

fn unmade(error: &std::io::Error) -> Failed {
    let place = std::env::temp_dir();
    format!("no folder for databases and logs can be made in {}: {error}; give one with `--dir`", place.display())
        .into()
}

/// The user's folder, which is made if it is not there. The books of another run would be judged together with this one's.
fn empty(given: &Path) -> Result<PathBuf, Failed> {
    let unusable = |error| {
        let what = format!("the folder {} cannot be made or read: {error}", given.display());
        format!("{what}; give `--dir` one that can be, or leave it out")
    };
    std::fs::create_dir_all(given).map_err(unusable)?;
    if std::fs::read_dir(given).map_err(unusable)?.next().is_some() {
        return Err(format!("{} is not empty; give `--dir` a folder that is, or a new one", given.display()).into());
    }
    Ok(given.to_owned())
}
