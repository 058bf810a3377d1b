//! A real Chromium without a screen, driven through its own driver, both as Debian packages them.

use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use url::Url;

/// How long the browser may take to show what a test waits for.
const WITHIN: Duration = Duration::from_secs(30);

/// One browser with one window.
pub(super) struct Browser {
    pub(super) client: Client,
    driver: Child,
}

/// The browser, if it is installed; else says that the test is skipped.
pub(super) async fn open() -> Option<Browser> {
    let chromium = installed("chromium")?;
    installed("chromedriver")?;
    let mut driver = Command::new("chromedriver")
        .args(["--port=0", "--log-level=SEVERE"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let port = port(&mut driver).await;
    let wanted = json!({
        "goog:chromeOptions": {
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                "--hide-scrollbars", "--window-size=1280,900", "--force-color-profile=srgb"],
        },
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    let Value::Object(wanted) = wanted else { panic!("no object") };
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(wanted)
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .unwrap();
    Some(Browser { client, driver })
}

fn installed(program: &str) -> Option<std::path::PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&places).map(|p| p.join(program)).find(|p| p.is_file());
    if found.is_none() {
        println!("SKIPPED: {program} is not installed; scripts/setup.sh installs it");
    }
    found
}

async fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the driver tells its port");
        if let Some((_, port)) = line.split_once("successfully on port ") {
            // What it says later must have somewhere to go.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
}

impl Browser {
    pub(super) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The value of an expression.
    pub(super) async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return ({expression});"), Vec::new()).await.unwrap()
    }

    /// What an expression says.
    pub(super) async fn text(&self, expression: &str) -> String {
        self.value(expression).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true; the page itself looks, whenever it is drawn.
    pub(super) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const look = () => ({expression}) ? done(true) : requestAnimationFrame(look);
             look();"
        );
        let waiting = self.client.execute_async(&script, Vec::new());
        match tokio::time::timeout(WITHIN, waiting).await {
            Ok(Ok(_)) => {}
            other => {
                let page = self.text("document.body.innerText").await;
                panic!("never true: {expression} ({other:?})\n{page}");
            }
        }
    }

    /// The focused element's name, after as many tabs.
    pub(super) async fn press(&self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = match key {
                "Enter" => "\r",
                " " => " ",
                _ => "",
            };
            let params = json!({"type": kind, "key": key, "code": key, "text": text,
                "windowsVirtualKeyCode": match key { "Tab" => 9, "Enter" => 13, "Escape" => 27, _ => 32 }});
            self.devtools("Input.dispatchKeyEvent", params).await;
        }
    }

    /// What the console said since this was asked last.
    pub(super) async fn console(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Extra::Log).await.unwrap();
        let entries = log.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// One command of the developer tools.
    pub(super) async fn devtools(&self, command: &'static str, params: Value) -> Value {
        self.client.issue_cmd(Extra::DevTools(command, params)).await.unwrap()
    }

    /// A window of this size in points.
    pub(super) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Whether the person likes it dark.
    pub(super) async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Whether pages may run scripts.
    pub(super) async fn scripts(&self, run: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !run})).await;
    }

    /// Ends the browser and its driver.
    pub(super) async fn close(mut self) {
        self.client.close().await.unwrap();
        self.driver.kill().await.unwrap();
    }
}

/// Commands of this driver that WebDriver does not have.
#[derive(Debug)]
enum Extra {
    Log,
    DevTools(&'static str, Value),
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let place = match self {
            Self::Log => "se/log",
            Self::DevTools(..) => "goog/cdp/execute",
        };
        base.join(&format!("session/{}/{place}", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = match self {
            Self::Log => json!({"type": "browser"}),
            Self::DevTools(command, params) => json!({"cmd": command, "params": params}),
        };
        (Method::POST, Some(body.to_string()))
    }
}
