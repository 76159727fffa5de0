//! Restate: a server of its own, which calls a service of this process and keeps what it answers. A compensation is a `run`.

use crate::{
    process::Job,
    shared::{
        flight::Flown,
        payload::{Answer, Order},
        usage::Server,
    },
};
use restate_sdk::{ingress::ReqwestClient, prelude::*};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// How long the server may take to be there.
const TRIES: u32 = 300;

/// The server's program, if it is installed.
pub(super) fn program() -> Option<PathBuf> {
    let named = std::env::var_os("RESTATE_SERVER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("restate-server"));
    named.or_else(|| found.find(|file| file.is_file()))
}

struct Work;

#[service]
impl Work {
    /// The reference of the order, unless it was refused.
    #[handler]
    async fn order(&self, cx: Context<'_>, Json(order): Json<Order>) -> Result<Json<Option<String>>, HandlerError> {
        for (step, participant) in [("reserve", "inventory"), ("charge", "payments"), ("pack", "warehouse")] {
            cx.run(|| async move { Ok(Json(Answer::new(participant, order.number))) }).name(step).await?;
        }
        let sent = cx.run(|| async move { Ok(Json((!order.refused).then(|| Answer::new("shipping", order.number)))) });
        if let Json(Some(sent)) = sent.name("send").await? {
            return Ok(Json(Some(sent.reference)));
        }
        for undo in ["unpack", "refund", "release"] {
            cx.run(|| async { Ok(()) }).name(undo).await?;
        }
        Ok(Json(None))
    }
}

pub(super) async fn run(job: &Job, ready: impl AsyncFnOnce() -> Result<(), String>) -> Result<Flown, String> {
    let program = program().ok_or("Restate's server is not installed")?;
    let service = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
    let own = service.local_addr().map_err(said)?;
    tokio::spawn(HttpServer::new(Endpoint::builder().bind(Work).build()).serve(service));
    let (ingress, admin, node) = (free_port()?, free_port()?, free_port()?);
    let server = start(&program, &Path::new(&job.place).join(&job.tag), ingress, admin, node)?;
    let server_id = server.id().ok_or("Restate's server has ended")?;
    let http = reqwest::Client::new();
    until_well(&http, &format!("http://127.0.0.1:{admin}/health")).await?;
    until_well(&http, &format!("http://127.0.0.1:{ingress}/restate/health")).await?;
    let deployment = serde_json::json!({ "uri": format!("http://{own}") });
    let made = http.post(format!("http://127.0.0.1:{admin}/deployments")).json(&deployment).send().await;
    made.and_then(reqwest::Response::error_for_status).map_err(said)?;
    let uri = format!("http://127.0.0.1:{ingress}").parse().map_err(said)?;
    let client = ReqwestClient::connect(uri).map_err(said)?;
    ready().await?;
    let refused = job.refused;
    let flown = job.flight(Some(Server(server_id))).fly(move |number| {
        let work = WorkIngressClient::from_client(client.clone());
        async move {
            let answer = work.order(Json(Order { number, refused })).call().await.map_err(said)?;
            let Json(sent) = answer.into_body().map_err(said)?;
            if sent.is_some() == refused { Err(format!("{number} did not end as it should")) } else { Ok(()) }
        }
    });
    let flown = flown.await;
    drop(server);
    flown
}

fn start(program: &Path, folder: &Path, ingress: u16, admin: u16, node: u16) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.args(["--no-logo", "--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--node-name", "one"]);
    command.args(["--log-filter", "off", "--bind-port", &node.to_string(), "--base-dir"]).arg(folder);
    command.env("RESTATE_INGRESS__BIND_ADDRESS", format!("127.0.0.1:{ingress}"));
    command.env("RESTATE_ADMIN__BIND_ADDRESS", format!("127.0.0.1:{admin}"));
    command.env("RESTATE_DISABLE_TELEMETRY", "true");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(|error| format!("{}: {error}", program.display()))
}

/// A port that nobody listens at.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(said)?;
    Ok(listener.local_addr().map_err(said)?.port())
}

async fn until_well(http: &reqwest::Client, url: &str) -> Result<(), String> {
    for _ in 0..TRIES {
        if http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    Err(format!("Restate's server does not answer at {url}"))
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
