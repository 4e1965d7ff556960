//! The page of a trace: what `tests/harness/pages.rs` cannot see.

use std::fs;

use counterpart::trace::{Evidence, Step, Trace};
use counterpart::view::{self, FairRow, Matrix, PropertyRow};
use serde_json::{Value, json};

use super::Look;
use super::driver::Browser;
use crate::root;

pub(super) fn trials() -> Vec<(&'static str, Look)> {
    vec![
        ("pages::nothing_is_asked_of_anybody_and_nothing_goes_wrong", quiet),
        ("pages::keys_go_from_step_to_step", keys),
        ("pages::an_address_leads_to_its_step", links),
        ("pages::a_loop_goes_on_from_where_it_began", round),
        ("pages::a_filter_leaves_what_it_names", filter),
        ("pages::the_state_is_shown_in_three_ways", modes),
        ("pages::what_holds_in_the_chosen_step_is_said", properties),
        ("pages::where_it_diverges_both_answers_stand", both),
        ("pages::whatever_can_be_used_has_a_name", names),
        ("pages::words_can_be_read_on_light_and_on_dark", contrast),
        ("pages::the_models_own_picture_is_drawn", own),
        ("pages::hostile_words_appear_as_they_are", words),
        ("pages::of_two_thousand_steps_those_are_drawn_that_can_be_seen", long),
        ("pages::a_narrow_window_needs_no_way_sideways", narrow),
        ("pages::print_shows_every_step_and_nothing_to_press", printed),
        ("pages::forced_colours_leave_the_chosen_step_marked", forced),
    ]
}

const DIVERGES: &str = "circuit_breaker/failsafe_but_for_unlimited_probes--failsafe-1.3.0";
const LASSO: &str = "flp/bivalent_for_ever--some-process-decides";
const THREADS: &str = "circuit_breaker/defects_between_threads--moves_gate_late";
const LOG: &str = "circuit_breaker/recorded_log_of_a_defect--loses_updates";

/// A page in a folder of its own, shown.
struct Shown<'a> {
    browser: &'a Browser,
    address: String,
    _folder: tempfile::TempDir,
}

impl<'a> Shown<'a> {
    fn of(browser: &'a Browser, trace: &Trace, step: Option<usize>) -> Self {
        Shown::page(browser, &view::page(trace, None), step)
    }

    fn page(browser: &'a Browser, page: &str, step: Option<usize>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let file = folder.path().join("page.html");
        fs::write(&file, page).expect("a page can be written");
        let shown = Shown { browser, address: format!("file://{}", file.display()), _folder: folder };
        for command in ["Emulation.clearDeviceMetricsOverride", "Emulation.setEmulatedMedia"] {
            browser.devtools(command, &json!({})).expect("the browser can be set back");
        }
        browser.open("about:blank").expect("a blank page");
        for kind in ["browser", "performance"] {
            browser.log(kind).expect("a log");
        }
        let step = step.map(|step| format!("#step={step}")).unwrap_or_default();
        browser.open(&format!("{}{step}", shown.address)).expect("the page opens");
        assert_eq!(
            shown.run("return document.documentElement.dataset.ready"),
            json!("yes"),
            "the script came to its end"
        );
        shown
    }

    #[track_caller]
    fn run(&self, script: &str) -> Value {
        self.browser.run(script).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Does what leads to another address of the page, and comes back when that is laid out.
    #[track_caller]
    fn go(&self, script: &str) {
        self.run(&format!(
            "return new Promise((done) => {{ addEventListener('hashchange', () => done(1), {{ once: true }}); {script}; }})"
        ));
        self.run(LAID_OUT);
    }

    #[track_caller]
    fn press(&self, keys: &str) {
        self.browser.press(keys).unwrap_or_else(|error| panic!("{error}"));
    }

    /// The step that is chosen, as each part of the page has it.
    #[track_caller]
    fn step(&self) -> u64 {
        let all = self.run(
            "return [document.querySelector('#steps [aria-current=step]').dataset.step, \
             document.getElementById('slider').value, /^step (\\d+)/.exec(document.getElementById('place').textContent)[1], \
             /^Step (\\d+)/.exec(document.getElementById('live').textContent)[1]].map(Number)",
        );
        let step = all[0].as_u64().expect("a number");
        assert_eq!(all, json!([step, step, step, step]), "all parts agree");
        step
    }
}

/// Comes back after as many frames as a page takes to lay out, scroll and draw what came into view.
const LAID_OUT: &str = "return new Promise((done) => { let frames = 6; \
                        const next = () => (frames-- ? requestAnimationFrame(next) : done(1)); next(); })";

fn kept(name: &str) -> Trace {
    let file = root().join("traces").join(format!("{name}.json"));
    Trace::read(&file).unwrap_or_else(|error| panic!("{error}"))
}

const RIGHT: &str = "\u{e014}";
const LEFT: &str = "\u{e012}";
const HOME: &str = "\u{e011}";
const END: &str = "\u{e010}";
const PAGE_DOWN: &str = "\u{e00f}";
const PAGE_UP: &str = "\u{e00e}";
const ESCAPE: &str = "\u{e00c}";

fn quiet(browser: &Browser) {
    for name in [DIVERGES, LASSO, THREADS, LOG] {
        let shown = Shown::of(browser, &kept(name), None);
        shown.press(&format!("{LEFT}{HOME}{RIGHT}{END}ab"));
        let said = browser.log("browser").expect("a log");
        assert!(said.is_empty(), "{name}: {said:?}");
        let mut asked = Vec::new();
        for entry in browser.log("performance").expect("a log") {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("{}")).expect("JSON");
            if message["message"]["method"] == "Network.requestWillBeSent" {
                asked.push(message["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_string());
            }
        }
        assert_eq!(asked, [shown.address.as_str()], "{name}: the page itself, and nothing else");
    }
}

fn keys(browser: &Browser) {
    let shown = Shown::of(browser, &kept(DIVERGES), Some(5));
    let presses = [
        (RIGHT, 6),
        ("j", 7),
        (LEFT, 6),
        ("k", 5),
        (HOME, 0),
        (LEFT, 0),
        (PAGE_DOWN, 10),
        (END, 13),
        (RIGHT, 13),
        (PAGE_UP, 3),
    ];
    for (key, step) in presses {
        shown.press(key);
        assert_eq!(shown.step(), step, "after {}", key.escape_unicode());
        assert_eq!(shown.run("return location.hash"), json!(format!("#step={step}")));
    }
    // Words that are typed are words.
    shown.press("/jk");
    assert_eq!(shown.step(), 3);
    assert_eq!(shown.run("return document.getElementById('filter').value"), json!("jk"));
    shown.press(ESCAPE);
    assert_eq!(shown.run("return document.getElementById('filter').value"), json!(""));
    shown.run("document.getElementById('on').click()");
    assert_eq!(shown.step(), 4);
}

fn links(browser: &Browser) {
    let trace = kept(DIVERGES);
    for (asked, step) in [(0, 0), (7, 7), (13, 13), (14, 13), (1_000_000, 13)] {
        assert_eq!(Shown::of(browser, &trace, Some(asked)).step(), step);
    }
    let shown = Shown::of(browser, &trace, None);
    assert_eq!(shown.step(), 13, "it opens where it goes wrong");
    shown.go("location.hash = '#step=2'");
    assert_eq!(shown.step(), 2);
    shown.go("document.querySelector('#steps li[data-step=\"9\"] a').click()");
    assert_eq!(shown.step(), 9);
    // The chosen step can be seen.
    for step in [13, 0, 12] {
        shown.go(&format!("location.hash = '#step={step}'"));
        let seen = shown.run(
            "const box = document.getElementById('steps').getBoundingClientRect(); \
             const row = document.querySelector('#steps [aria-current=step]').getBoundingClientRect(); \
             return row.top >= box.top - 1 && row.bottom <= box.bottom + 1",
        );
        assert_eq!(seen, json!(true), "step {step} is in view");
    }
}

fn round(browser: &Browser) {
    let trace = kept(LASSO);
    let start = trace.loop_start.expect("it is a lasso") as u64;
    let shown = Shown::of(browser, &trace, Some(trace.len()));
    shown.press(RIGHT);
    assert_eq!(shown.step(), start + 1);
    let marked = shown.run("return document.querySelectorAll('#steps .in-loop').length");
    assert_eq!(marked, json!(trace.loop_len()));
    let again = shown.run("return document.querySelector('#steps .again').textContent");
    assert_eq!(again, json!(format!("⟲and again from step {start}, for ever; fair under “nobody stops”")));
}

fn filter(browser: &Browser) {
    let trace = kept(DIVERGES);
    let shown = Shown::of(browser, &trace, Some(0));
    let seen = "return [...document.querySelectorAll('#steps li[data-step]')].filter((row) => !row.hidden).map((row) => \
                Number(row.dataset.step))";
    shown.press("/tick");
    assert_eq!(shown.run(seen), json!([8, 9, 10, 11]), "what says or changes it");
    assert_eq!(shown.run("return document.getElementById('shown').textContent"), json!("4 of 14 shown"));
    shown.press(ESCAPE);
    shown.run("const only = document.getElementById('actor'); only.value = 'client 1'; only.dispatchEvent(new Event('change'))");
    assert_eq!(shown.run(seen), json!([4, 6, 13]));
    shown.press(RIGHT);
    assert_eq!(shown.step(), 4, "what is left out is passed over");
}

fn modes(browser: &Browser) {
    let shown = Shown::of(browser, &kept(DIVERGES), Some(8));
    let detail = |key: &str| {
        shown.press(key);
        shown.run("return document.getElementById('detail').textContent").as_str().expect("a text").to_string()
    };
    let changed = detail("c");
    assert!(changed.contains("phaseClosed{Open {ticks_left 3}}"), "{changed}");
    assert!(!changed.contains("clock set back"), "{changed}");
    let all = detail("a");
    assert!(all.contains("clock set back 0") && all.contains("window (new)  was FFF"), "{all}");
    let beside = detail("b");
    assert!(beside.contains("modelfailsafe 1.3.0") && beside.contains("answerDoneDone"), "{beside}");
}

fn properties(browser: &Browser) {
    let trace = kept(LASSO);
    let by_step = |holds: &dyn Fn(usize) -> bool| (0..=trace.len()).map(|step| Some(holds(step))).collect::<Vec<_>>();
    let row = |name: &str, kind: &str, met| PropertyRow {
        name: name.into(),
        kind: kind.into(),
        met,
        triggered: Vec::new(),
        because: "<i>why</i>".into(),
    };
    let mut matrix = Matrix::default();
    matrix.properties.push(row("below five", "always", by_step(&|step| step < 5)));
    matrix.properties.push(row("at three", "sometimes", by_step(&|step| step == 3)));
    let enabled = by_step(&|step| step > 2);
    let taken = by_step(&|step| step == 7);
    matrix.fair.push(FairRow { strength: "weak".into(), actions: vec!["Tick".into()], enabled, taken });
    let shown = Shown::page(browser, &view::page(&trace, Some(&matrix)), Some(3));
    let said =
        || shown.run("return [...document.querySelectorAll('#matrix td > div')].map((said) => said.textContent)");
    assert_eq!(said(), json!(["✓ holds", "✓ met"]));
    shown.press(&RIGHT.repeat(2));
    assert_eq!(said(), json!(["✗ broken: <i>why</i>", "– not here."]));
    let told = browser.told("#matrix svg").expect("what assistive technology is told");
    let told: Vec<&str> = told.iter().map(|told| told.name.as_str()).collect();
    let wanted = ["broken in steps 5 to 20", "met in steps 3", "enabled in steps 3 to 20; taken in steps 7"];
    assert_eq!(told, wanted);
}

fn both(browser: &Browser) {
    let shown = Shown::of(browser, &kept(DIVERGES), Some(13));
    let told = shown.run("return document.querySelector('#detail .apart').textContent");
    assert_eq!(told, json!("answer ≠RejectedAdmitted"));
    let live = shown.run("return document.getElementById('live').textContent");
    let wanted = "Step 13 of 13: client 1 Acquire { client: 1 }, answered Rejected, the implementation answered Admitted. \
                  Here it diverges";
    assert_eq!(live, json!(wanted));
    assert_eq!(shown.run("return document.querySelector('#bars svg')"), Value::Null);
    let bars = |name| {
        let shown = Shown::of(browser, &kept(name), None);
        shown.run("return [document.querySelectorAll('#bars .call').length, document.querySelectorAll('#bars .wrong').length]")
    };
    assert_eq!(bars(THREADS), json!([3, 1]));
    assert_eq!(bars(LOG), json!([10, 1]));
}

fn names(browser: &Browser) {
    for name in [LASSO, THREADS] {
        let shown = Shown::of(browser, &kept(name), Some(1));
        let usable = "a, button, input, select, summary, [tabindex='0'], svg[role=img], section, table";
        shown.run(&format!(
            "for (const used of document.querySelectorAll(\"{usable}\")) used.classList.toggle('usable', used.checkVisibility())"
        ));
        let told = browser.told(".usable").expect("what assistive technology is told");
        assert!(told.len() > 20, "{told:?}");
        let nameless: Vec<_> = told.iter().filter(|told| told.name.trim().is_empty() && told.role != "table").collect();
        assert!(nameless.is_empty(), "{name}: {nameless:?}");
        let drawn = if name == THREADS { vec!["image"] } else { Vec::new() };
        for role in ["button", "slider", "radio", "searchbox", "combobox", "link", "region"].iter().chain(&drawn) {
            assert!(told.iter().any(|told| told.role == *role), "{name}: there is no {role} in {told:?}");
        }
    }
}

/// The contrast of each text with what is behind it, as WCAG 2.2 has it (1.4.3): the least, and whose.
const CONTRAST: &str = "
const channel = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
let least = [99, ''];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest('script, .unseen, :disabled')) continue;
  const style = getComputedStyle(element);
  const one = light(parse(element.namespaceURI.endsWith('svg') ? style.fill : style.color));
  const other = light(behind(element));
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < least[0]) least = [contrast, texts.currentNode.data.slice(0, 60)];
}
return least";

fn contrast(browser: &Browser) {
    for name in [DIVERGES, LASSO, THREADS] {
        for scheme in ["light", "dark"] {
            let shown = Shown::of(browser, &kept(name), Some(4));
            let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            browser.devtools("Emulation.setEmulatedMedia", &media).expect("a scheme");
            let paper = shown.run("return getComputedStyle(document.documentElement).backgroundColor");
            assert_eq!(paper == json!("rgb(255, 255, 255)"), scheme == "light", "{paper}");
            let least = shown.run(CONTRAST);
            assert!(least[0].as_f64().is_some_and(|contrast| contrast >= 4.5), "{name}, {scheme}: {least}");
        }
    }
}

fn own(browser: &Browser) {
    // As stateright draws its actors: without a style, and with words of messages as they are.
    let drawn = "<svg version='1.1' width='300' height='90' viewbox='-20 -20 320 110' xmlns='http://www.w3.org/2000/svg'>\
                 <defs></defs><line x1='9' y1='0' x2='9' y2='60' class='svg-actor-timeline' />\n\
                 <text x='9' y='30' class='svg-event-label'>\"</svg> & <script>\"</text>\n</svg>\n";
    let mut matrix = Matrix::default();
    matrix.picture = Some(drawn.into());
    let shown = Shown::page(browser, &view::page(&kept(DIVERGES), Some(&matrix)), None);
    let script = "const box = document.getElementById('picture'); box.open = true; const image = box.querySelector('img'); \
                  return image.decode().then(() => [image.naturalWidth, image.naturalHeight, image.alt !== ''])";
    assert_eq!(shown.run(script), json!([300, 90, true]));
    assert_eq!(browser.log("browser").expect("a log"), Vec::<Value>::new());
    let none = Shown::of(browser, &kept(DIVERGES), None);
    assert_eq!(
        none.run("return [document.getElementById('picture').hidden, document.images.length]"),
        json!([true, 0])
    );
}

fn words(browser: &Browser) {
    let text = "</script><script>window.bad = 1</script><img src=x onerror='window.bad = 2'> \"'&amp;<b>{{data}} \u{202e}abc שלום مرحبا";
    let step = Step {
        action: text.into(),
        actor: text.into(),
        input: text.into(),
        output: text.into(),
        implementation: format!("{text}!"),
        state: json!({ text: text }),
    };
    let trace = Trace {
        case: text.into(),
        evidence: Evidence::Subject { name: text.into(), mode: text.into() },
        verdict: "diverges".into(),
        parameters: [(text.to_string(), text.to_string())].into(),
        because: text.into(),
        replay: text.into(),
        steps: vec![step.clone(), step],
        loop_start: None,
        extra: Default::default(),
    };
    let shown = Shown::of(browser, &trace, Some(1));
    for mode in ["c", "a", "b"] {
        shown.press(mode);
    }
    for (selector, wanted) in [
        ("#case", text.to_string()),
        ("#headline bdi", text.to_string()),
        ("#because bdi", text.to_string()),
        ("#facts dt bdi", text.to_string()),
        ("#steps li[data-step='1'] .who", text.to_string()),
        ("#steps li[data-step='1'] .what", text.to_string()),
        ("#detail .apart td:last-child", format!("{text}!")),
        ("#detail .tree .name", text.to_string()),
        ("#lanes span bdi", text.to_string()),
        ("#actor option:last-child", text.to_string()),
    ] {
        assert_eq!(
            shown.run(&format!("return document.querySelector(\"{selector}\").textContent")),
            json!(wanted),
            "{selector}"
        );
    }
    assert_eq!(
        shown.run("return [window.bad ?? null, document.images.length, document.scripts.length]"),
        json!([null, 0, 2])
    );
}

fn long(browser: &Browser) {
    let steps = (0..=2000).map(|index| Step {
        action: format!("Deliver {{ message: {index}, from: {} }}", (index + 1) % 5),
        actor: format!("p{}", index % 5),
        input: format!("Deliver {{ message: {index} }}"),
        output: "Done".into(),
        implementation: "Done".into(),
        state: json!({"log": (0..20).map(|place| index * 7 % (place + 2)).collect::<Vec<_>>(), "clock": index}),
    });
    let trace = Trace { steps: steps.collect(), ..kept(DIVERGES) };
    let shown = Shown::of(browser, &trace, Some(1999));
    shown.run(LAID_OUT);
    // It is quick because it draws what can be seen: the rest is words, and drawn when it comes into view.
    let drawn = |shown: &Shown<'_>| {
        shown.run("return [document.querySelectorAll('#steps li[data-step]').length, document.querySelectorAll('#steps .drawing').length]")
    };
    let of_2001 = drawn(&shown);
    assert!(
        of_2001[0] == json!(2001) && of_2001[1].as_u64().is_some_and(|drawn| drawn > 0 && drawn < 200),
        "{of_2001}"
    );
    let all = shown.run("return document.getElementById('steps').textContent.includes('message: 7, from')");
    assert_eq!(all, json!(true), "whoever searches finds it");
    assert_eq!(shown.step(), 1999);
    shown.press(HOME);
    assert_eq!(shown.step(), 0);
}

fn narrow(browser: &Browser) {
    let metrics = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false});
    for name in [DIVERGES, LASSO, THREADS, LOG] {
        let shown = Shown::of(browser, &kept(name), None);
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics).expect("a narrow window");
        for mode in ["c", "a", "b"] {
            shown.press(mode);
            shown.run("for (const more of document.querySelectorAll('details')) more.open = true");
            let widths = shown.run("return [innerWidth, document.documentElement.scrollWidth]");
            assert_eq!(widths, json!([360, 360]), "{name}, {mode}");
        }
    }
}

fn printed(browser: &Browser) {
    let trace = kept(LASSO);
    let shown = Shown::of(browser, &trace, None);
    browser.devtools("Emulation.setEmulatedMedia", &json!({"media": "print"})).expect("print");
    let seen = shown.run(
        "const list = document.getElementById('steps'); return [list.scrollHeight <= list.clientHeight + 1, \
         document.getElementById('controls').checkVisibility(), document.getElementById('headline').checkVisibility()]",
    );
    assert_eq!(seen, json!([true, false, true]));
}

fn forced(browser: &Browser) {
    let shown = Shown::of(browser, &kept(LASSO), Some(3));
    let media = json!({"features": [{"name": "forced-colors", "value": "active"}]});
    browser.devtools("Emulation.setEmulatedMedia", &media).expect("forced colours");
    let outline =
        shown.run("return getComputedStyle(document.querySelector('#steps [aria-current=step]')).outlineStyle");
    assert_eq!(outline, json!("solid"));
}
