//! `explore` and `check --html` as a person has them: pages that lead to each other.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use counterpart::cli::{self, Exit, Host};
use serde_json::{Value, json};

use super::driver::Browser;
use super::served::Served;
use super::{Look, root, theatre};

pub(super) fn trials() -> Vec<(&'static str, Look)> {
    vec![
        ("explorer::actions_are_taken_and_undone_by_links", walk),
        ("explorer::it_can_be_read_aloud_and_on_a_narrow_window", names),
        ("explorer::the_report_of_a_run_shows_its_pictures_and_leads_to_every_trace", report),
    ]
}

/// Opens an address, with logs that begin there.
fn begin(browser: &Browser, address: &str) {
    browser.devtools("Emulation.clearDeviceMetricsOverride", &json!({})).expect("the browser can be set back");
    browser.open("about:blank").expect("a blank page");
    for kind in ["browser", "performance"] {
        browser.log(kind).expect("a log");
    }
    browser.open(address).expect("the page opens");
}

/// Asserts that nothing went wrong, and that nobody was asked for anything but pages at `place`.
#[track_caller]
fn quiet(browser: &Browser, place: &str) {
    let said = browser.log("browser").expect("a log");
    assert!(said.is_empty(), "{said:?}");
    for entry in browser.log("performance").expect("a log") {
        let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("{}")).expect("JSON");
        if message["message"]["method"] == "Network.requestWillBeSent" {
            let asked = message["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_string();
            assert!(asked.starts_with(place) || asked.starts_with("data:"), "{asked}");
        }
    }
}

fn said(browser: &Browser, script: &str) -> Value {
    browser.run(script).unwrap_or_else(|error| panic!("{error}"))
}

const TAKEN: &str = "return [...document.querySelectorAll('#steps .what')].map((what) => what.textContent)";

fn walk(browser: &Browser) {
    let served = Served::of(theatre::case());
    begin(browser, &served.address);
    assert_eq!(said(browser, TAKEN), json!(["(initially)"]));
    let choices = "return [...document.querySelectorAll('#choices tbody tr')].map((row) => \
                   [row.cells[0].textContent, row.querySelector('a') !== null, row.cells[3].textContent])";
    let refused = "not possible: the model refuses it in this state";
    assert_eq!(said(browser, choices), json!([["Take ", true, "1"], ["GiveBack", false, refused]]));
    for _ in 0..2 {
        browser.click("#choices tbody a").expect("an action is a link");
    }
    assert_eq!(said(browser, TAKEN), json!(["(initially)", "Take", "Take"]));
    assert_eq!(said(browser, choices), json!([["Take", false, refused], ["GiveBack ", true, "1"]]));
    let place = said(browser, "return document.getElementById('place').textContent");
    assert_eq!(place, json!("step 2 of 2"), "the step that was taken is the one that is chosen");
    let beside = "return [...document.querySelectorAll('#choices li')].map((subject) => subject.textContent)";
    let as_model = "answers as the model does, up to here";
    assert_eq!(said(browser, beside), json!([format!("office: {as_model}"), format!("stubborn: {as_model}")]));
    browser.click("#choices tbody a").expect("a seat can be given back");
    let told = said(browser, beside);
    assert!(told[1].as_str().is_some_and(|told| told.starts_with("stubborn: leaves the model at step 3")), "{told}");
    browser.click("a.bad").expect("the deviation is a page");
    assert!(
        said(browser, "return document.getElementById('headline').textContent")
            .as_str()
            .is_some_and(|headline| headline.contains("diverges"))
    );
    said(browser, "history.back()");
    browser.click("#choices a[rel=prev]").expect("undo is a link");
    assert_eq!(said(browser, TAKEN), json!(["(initially)", "Take", "Take"]));
    quiet(browser, &served.address);
}

fn names(browser: &Browser) {
    let served = Served::of(theatre::case());
    begin(browser, &format!("{}0.0.0", served.address));
    said(
        browser,
        "for (const used of document.querySelectorAll('#choices a, #choices [tabindex]')) used.classList.add('usable')",
    );
    let told = browser.told(".usable, #choices").expect("what assistive technology is told");
    assert!(told.len() >= 6 && told.iter().all(|told| !told.name.trim().is_empty()), "{told:?}");
    for (role, name) in [("region", "What can happen next"), ("link", "Undo"), ("group", "Actions of this state")] {
        assert!(told.iter().any(|told| told.role == role && told.name == name), "no {role} {name:?} in {told:?}");
    }
    let metrics = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false});
    browser.devtools("Emulation.setDeviceMetricsOverride", &metrics).expect("a narrow window");
    assert_eq!(said(browser, "return [innerWidth, document.documentElement.scrollWidth]"), json!([360, 360]));
    quiet(browser, &served.address);
}

/// A run that is not as expected, as pages below `folder`. A picture stands beside a case.
pub(super) fn reported(folder: &Path) -> String {
    let drawn = fs::read_to_string(root().join("models/flp/sequencer.svg")).expect("a picture");
    let case = theatre::case().picture("what can still be decided, and who decides it", move || drawn.clone());
    let place = |name: &str| folder.join(name).display().to_string();
    let mut host =
        Host { out: Box::new(io::sink()), err: Box::new(io::sink()), progress: false, interrupted: Arc::default() };
    let typed = ["counterpart", "check", "--traces", &place("traces"), "--html", &place("html")];
    assert_eq!(cli::run(vec![case, theatre::surprising()], typed, &mut host), Exit::Unexpected);
    format!("file://{}", folder.join("html/index.html").display())
}

fn report(browser: &Browser) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let address = reported(folder.path());
    begin(browser, &address);
    let drawn = said(browser, "return [...document.images].map((image) => image.complete && image.naturalWidth > 100)");
    assert_eq!(drawn, json!([true]), "a picture is drawn");
    let widest = said(
        browser,
        "return [...document.querySelectorAll('.bar .yes')].map((bar) => bar.getBoundingClientRect().width > 50)",
    );
    assert_eq!(widest[1], json!(true), "the states of the only protocol are the most: {widest}");
    let first = said(browser, "return document.querySelector('ul a[href]').textContent");
    assert_eq!(first, json!("office"), "what is not as expected comes first");
    let metrics = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false});
    browser.devtools("Emulation.setDeviceMetricsOverride", &metrics).expect("a narrow window");
    assert_eq!(said(browser, "return [innerWidth, document.documentElement.scrollWidth]"), json!([360, 360]));
    browser.click("ul a[href]").expect("a trace is a link");
    assert_eq!(said(browser, "return document.documentElement.dataset.ready"), json!("yes"));
    quiet(browser, "file://");
}
