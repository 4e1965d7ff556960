//! What the README shows of pages: pictures that are taken again, and compared with those that are kept.

use std::fs;

use base64::prelude::{BASE64_STANDARD, Engine};
use counterpart::trace::{Trace, write_whole};
use counterpart::view;
use serde_json::{Value, json};

use super::driver::Browser;
use super::explorer::reported;
use super::served::Served;
use super::{Look, root, theatre};

/// Set to keep the pictures anew instead of comparing them.
const UPDATE: &str = "COUNTERPART_UPDATE";

/// Edges of letters may be drawn otherwise: of a hundred dots that are not paper so many may differ.
const DIFFERING_MAX: f64 = 5.0;

pub(super) fn trials() -> Vec<(&'static str, Look)> {
    vec![
        ("pictures::the_page_of_a_trace_looks_as_it_is_shown", page),
        ("pictures::the_explorer_looks_as_it_is_shown", explorer),
        ("pictures::the_report_of_a_run_looks_as_it_is_shown", report),
    ]
}

fn page(browser: &Browser) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = root().join("traces/rate_limiter/crates_in_every_window--tower-0.5.3.json");
    let trace = Trace::read(&file).unwrap_or_else(|error| panic!("{error}"));
    let page = folder.path().join("page.html");
    fs::write(&page, view::page(&trace, None)).expect("a page can be written");
    compare(browser, &format!("file://{}", page.display()), "page");
}

fn explorer(browser: &Browser) {
    let served = Served::of(theatre::case());
    compare(browser, &format!("{}0.0.0.1#step=3", served.address), "explorer");
}

fn report(browser: &Browser) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    compare(browser, &reported(folder.path()), "report");
}

/// Of the dots that are not paper in both of two pictures the part, in percent, in which they differ by more than a shade;
/// all of them where the pictures are of other sizes.
const DIFFERING: &str = "
const load = (address) => new Promise((done, fail) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = () => fail(new Error('a picture that is none'));
  image.src = address;
});
const dots = (image) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data;
};
return Promise.all(addresses.map(load)).then(([one, other]) => {
  if (one.width !== other.width || one.height !== other.height) return 100;
  const [first, second] = [dots(one), dots(other)];
  const colours = [0, 1, 2];
  let [apart, drawn] = [0, 0];
  for (let dot = 0; dot < first.length; dot += 4) {
    if (colours.some((colour) => Math.min(first[dot + colour], second[dot + colour]) < 240)) drawn += 1;
    if (colours.some((colour) => Math.abs(first[dot + colour] - second[dot + colour]) > 64)) apart += 1;
  }
  return apart / drawn * 100;
});";

/// Compares what is seen at `address` with the picture that is kept of it.
#[track_caller]
fn compare(browser: &Browser, address: &str, name: &str) {
    let metrics = json!({"width": 1000, "height": 750, "deviceScaleFactor": 1, "mobile": false});
    let light = json!({"features": [{"name": "prefers-color-scheme", "value": "light"}]});
    browser.open("about:blank").expect("a blank page");
    browser.devtools("Emulation.setDeviceMetricsOverride", &metrics).expect("a window of one size");
    browser.devtools("Emulation.setEmulatedMedia", &light).expect("a light page");
    browser.open(address).expect("the page opens");
    let taken = browser.devtools("Page.captureScreenshot", &json!({"format": "png"})).expect("a picture");
    let taken = taken["data"].as_str().expect("a picture in base64").to_string();
    let file = root().join(format!("tests/seen/pictures/{name}.png"));
    if std::env::var_os(UPDATE).is_some() {
        write_whole(&file, &BASE64_STANDARD.decode(taken).expect("base64")).expect("it can be written");
        return;
    }
    let kept = BASE64_STANDARD.encode(fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    browser.open("about:blank").expect("a blank page");
    let addresses = Value::from([kept, taken].map(|picture| format!("data:image/png;base64,{picture}")).to_vec());
    let differing =
        browser.run(&format!("const addresses = {addresses};{DIFFERING}")).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        differing.as_f64().is_some_and(|differing| differing <= DIFFERING_MAX),
        "{}: {differing} % of it is not as it is seen; look at it, and keep it anew with {UPDATE}=1",
        file.display()
    );
}
