//! A headless Chromium, led by chromedriver over the WebDriver protocol. Source: W3C, "WebDriver", 5 June 2018, and
//! chromedriver's own commands for logs and for Chromium's devtools.

use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one window. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// The browser's own folder, gone with it.
    _profile: tempfile::TempDir,
    /// Kept open, so that it can say more.
    _said: Option<BufReader<ChildStdout>>,
}

/// Why a browser cannot be had, or did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum BrowserError {
    /// It is not installed.
    Absent(String),
    /// The driver could not be started, or does not answer.
    Io(io::Error),
    /// The driver answers with an error.
    Refused(String),
}

impl fmt::Display for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BrowserError::Absent(program) => write!(f, "there is no {program}"),
            BrowserError::Io(error) => write!(f, "chromedriver: {error}"),
            BrowserError::Refused(what) => write!(f, "chromedriver: {what}"),
        }
    }
}

impl std::error::Error for BrowserError {}

impl From<io::Error> for BrowserError {
    fn from(error: io::Error) -> Self {
        BrowserError::Io(error)
    }
}

impl Browser {
    /// What is missing to have a browser; `None` if nothing is.
    pub(crate) fn missing() -> Option<BrowserError> {
        let absent = |program: &&str| find(program).is_none();
        ["chromedriver", "chromium"]
            .iter()
            .find(|program| absent(program))
            .map(|program| BrowserError::Absent((*program).into()))
    }

    /// Starts one.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub(crate) fn start() -> Result<Browser, BrowserError> {
        let find = |program: &str| find(program).ok_or_else(|| BrowserError::Absent(program.into()));
        let (driver, chromium) = (find("chromedriver")?, find("chromium")?);
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut said = driver.stdout.take().map(BufReader::new);
        let port = said.as_mut().and_then(port);
        let profile = tempfile::tempdir()?;
        let mut browser = Browser { driver, port: 0, session: String::new(), _profile: profile, _said: said };
        browser.port = port.ok_or_else(|| BrowserError::Refused("it names no port".into()))?;
        let folder = format!("--user-data-dir={}", browser._profile.path().display());
        let options = json!({
            "binary": chromium,
            // Pages of our own, which ask nobody: no sandbox is needed, and a container may not give one.
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", folder],
        });
        let logs = json!({"browser": "ALL", "performance": "ALL"});
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs});
        let begun = browser.ask("POST", "/session", Some(&json!({"capabilities": {"alwaysMatch": wanted}})))?;
        browser.session = begun["sessionId"].as_str().unwrap_or_default().to_string();
        Ok(browser)
    }

    /// Opens an address.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) fn open(&self, address: &str) -> Result<(), BrowserError> {
        self.post("/url", &json!({"url": address})).map(drop)
    }

    /// What a script returns. It has the body of a function.
    ///
    /// # Errors
    /// The driver's, and what the script throws.
    pub(crate) fn run(&self, script: &str) -> Result<Value, BrowserError> {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Clicks on the first element that `selector` names, as a person does, and waits for the page that it leads to.
    ///
    /// # Errors
    /// The driver's: also where there is no such element, or it cannot be seen.
    pub(crate) fn click(&self, selector: &str) -> Result<(), BrowserError> {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}))?;
        let id = found.as_object().and_then(|element| element.values().find_map(Value::as_str)).unwrap_or_default();
        self.post(&format!("/element/{id}/click"), &json!({})).map(drop)
    }

    /// Presses keys, as a person does.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) fn press(&self, keys: &str) -> Result<(), BrowserError> {
        let strokes = keys.chars().flat_map(|key| {
            [json!({"type": "keyDown", "value": key.to_string()}), json!({"type": "keyUp", "value": key.to_string()})]
        });
        let strokes: Vec<Value> = strokes.collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]})).map(drop)
    }

    /// A command of Chromium's devtools.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, BrowserError> {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// What has come into a log (`browser` or `performance`) since it was asked for last.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) fn log(&self, kind: &str) -> Result<Vec<Value>, BrowserError> {
        let entries = self.post("/se/log", &json!({"type": kind}))?;
        Ok(entries.as_array().cloned().unwrap_or_default())
    }

    /// Each element that `selector` names, with the name and the role that assistive technology is told.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) fn told(&self, selector: &str) -> Result<Vec<Told>, BrowserError> {
        let found = self.post("/elements", &json!({"using": "css selector", "value": selector}))?;
        let mut told = Vec::new();
        for element in found.as_array().into_iter().flatten().filter_map(Value::as_object) {
            let id = element.values().find_map(Value::as_str).unwrap_or_default();
            let ask = |what: &str| self.ask("GET", &format!("/session/{}/element/{id}/{what}", self.session), None);
            let text = |value: Value| value.as_str().unwrap_or_default().to_string();
            let element = text(ask("property/outerHTML")?).chars().take(120).collect();
            told.push(Told { name: text(ask("computedlabel")?), role: text(ask("computedrole")?), element });
        }
        Ok(told)
    }

    fn post(&self, command: &str, body: &Value) -> Result<Value, BrowserError> {
        self.ask("POST", &format!("/session/{}{command}", self.session), Some(body))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, BrowserError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            if answer.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut bytes = vec![0; length];
        answer.read_exact(&mut bytes)?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| BrowserError::Refused(error.to_string()))?;
        let value = answer["value"].clone();
        match value.get("error").zip(value.get("message")) {
            Some((error, message)) => Err(BrowserError::Refused(format!("{error}: {message}"))),
            None => Ok(value),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.ask("DELETE", &format!("/session/{}", self.session), None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// What assistive technology is told of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its accessible name.
    pub(crate) name: String,
    /// Its role.
    pub(crate) role: String,
    /// The beginning of its markup, to find it by.
    pub(crate) element: String,
}

/// The port that the driver says it listens on.
fn port(said: &mut BufReader<ChildStdout>) -> Option<u16> {
    let mut lines = said.lines().map_while(Result::ok);
    lines.find_map(|line| line.rsplit_once("on port ")?.1.trim_end_matches('.').parse().ok().filter(|port| *port != 0))
}

/// A program of the search path.
fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|file| file.is_file())
}
