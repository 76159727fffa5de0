//! A participant in a process of its own, with a database of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One running participant; it ends with this value.
pub(crate) struct Service {
    child: Child,
    url: String,
    client: Client,
    folder: TempDir,
    arguments: Vec<String>,
}

impl Service {
    /// Starts `checkout <name> --faults <faults>`.
    pub(crate) fn start(name: &str, faults: &str) -> Self {
        Self::with_options(name, &["--faults", faults])
    }

    /// Starts `checkout <name>` with these options, and a database in a folder of its own.
    pub(crate) fn with_options(name: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("service.db");
        let arguments = [name, "--db", db.to_str().unwrap()].into_iter().chain(options.iter().copied());
        let arguments: Vec<String> = arguments.map(str::to_owned).collect();
        let (child, url) = spawn(&arguments);
        Self { child, url, client: Client::new(), folder, arguments }
    }

    /// What it says when it is started with these arguments and does not run.
    pub(crate) fn fails_to_start(arguments: &[String]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_checkout")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What it was started with.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// An inventory with ten mugs.
    pub(crate) async fn inventory(faults: &str) -> Self {
        let service = Self::start("inventory", faults);
        service.put("/stock/mug", &json!({"available": 10})).await;
        service
    }

    /// SIGKILLs the process and starts it again over the same database.
    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        assert!(self.folder.path().join("service.db").exists());
        (self.child, self.url) = spawn(&self.arguments);
    }

    /// A POST without headers or body.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// An action under a key.
    pub(crate) fn act(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        self.post(path).header("Idempotency-Key", key).json(body)
    }

    /// A compensation under a key.
    pub(crate) fn undo(&self, path: &str, key: &str, undoes: &str, body: &Value) -> RequestBuilder {
        self.act(path, key, body).header("Undoes", undoes)
    }

    /// A hold of mugs for order o-1.
    pub(crate) fn hold(&self, key: &str, quantity: u32) -> RequestBuilder {
        let body = json!({"order": "o-1", "sku": "mug", "quantity": quantity});
        self.act("/holds", key, &body)
    }

    /// The release of a hold, by its key.
    pub(crate) fn release(&self, key: &str, undoes: &str) -> RequestBuilder {
        self.undo("/holds/release", key, undoes, &json!({"order": "o-1", "hold": null}))
    }

    /// How many mugs are available, held and sold.
    pub(crate) async fn mugs(&self) -> (i64, i64, i64) {
        let stock = self.get("/stock/mug").await;
        let count = |field: &str| stock[field].as_i64().unwrap();
        (count("available"), count("held"), count("sold"))
    }

    /// A GET that must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        response.error_for_status().unwrap().json().await.unwrap()
    }

    /// A GET, whatever comes of it.
    pub(crate) async fn try_get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        answer(response).await
    }

    /// A PUT.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.put(format!("{}{path}", self.url)).json(body);
        answer(request.send().await.unwrap()).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(arguments: &[String]) -> (Child, String) {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_checkout")).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").expect("says where it listens").to_owned();
    (child, url)
}

/// The status and the body of a request that is answered.
pub(crate) async fn send(request: RequestBuilder) -> (u16, Value) {
    answer(request.send().await.unwrap()).await
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
