//! A trace as a page, as far as it can be judged without a browser: what it asks for, what its policy allows, and that
//! words of a trace stay words. What needs a browser is in `tests/seen`.

use base64::prelude::{BASE64_STANDARD, Engine};
use counterpart::check::{Case, Options};
use counterpart::cli::Exit;
use counterpart::model::{FairKey, Kind};
use counterpart::trace::{Evidence, FAIRNESS, Step, Trace};
use counterpart::{Check, view};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stateright::Property;

use crate::toy::{At, Edge, Toy};
use crate::{claim, typed};

const FAIR: &str = "fair";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("pages::words_of_a_trace_stay_words", words),
        claim("pages::a_page_asks_nobody_for_anything", alone),
        claim("pages::the_content_policy_names_the_style_and_the_script_that_stand_in_it", policy),
        claim("pages::the_same_trace_gives_the_same_page", same),
        claim("pages::who_sent_a_message_is_read_from_the_action", messages),
        claim("pages::calls_of_threads_and_of_logs_are_bars", bars),
        claim("pages::a_model_says_which_property_holds_in_which_step", matrix),
        claim("pages::fair_actions_are_marked_where_they_are_possible_and_taken", fair),
        claim("pages::what_no_model_says_is_not_known", unknown),
        claim("pages::a_run_is_a_page_that_opens_on_what_is_not_as_expected", overview),
        claim("pages::pictures_stand_beside_their_case", pictures),
        claim("pages::a_picture_of_actors_is_one_that_can_be_seen", seen),
        claim("pages::the_command_writes_the_page_or_gives_it_on_stdout", command),
    ]
}

const HOSTILE: [&str; 7] = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"quoted\" and 'quoted' &amp; \\u003c",
    "{{script}}{{data}}",
    "\u{202e}right to left\u{2028}\u{2029}",
    "שלום مرحبا",
    "]]>\u{0}\u{1b}[31m",
];

/// A trace in which every text is hostile.
fn hostile() -> Trace {
    let text = HOSTILE.concat();
    let step = Step {
        action: text.clone(),
        actor: text.clone(),
        input: text.clone(),
        output: text.clone(),
        implementation: format!("not {text}"),
        state: json!({ text.clone(): text.clone() }),
    };
    Trace {
        case: text.clone(),
        evidence: Evidence::Subject { name: text.clone(), mode: text.clone() },
        verdict: "diverges".into(),
        parameters: [(text.clone(), text.clone())].into(),
        because: text.clone(),
        replay: text.clone(),
        steps: vec![step.clone(), step],
        loop_start: Some(0),
        extra: [(FAIRNESS.to_string(), text)].into(),
    }
}

fn trace(steps: &[(&str, &str, &str)]) -> Trace {
    let step = |(actor, action, implementation): &(&str, &str, &str)| Step {
        actor: (*actor).into(),
        action: (*action).into(),
        implementation: (*implementation).into(),
        ..Step::default()
    };
    let initial = Step { state: json!({}), ..Step::default() };
    Trace {
        case: "toy/page".into(),
        evidence: Evidence::Subject { name: "implementation".into(), mode: "interleave".into() },
        verdict: "diverges".into(),
        parameters: Default::default(),
        because: String::new(),
        replay: String::new(),
        steps: std::iter::once(initial).chain(steps.iter().map(step)).collect(),
        loop_start: None,
        extra: Default::default(),
    }
}

/// What stands between the first `<element` with its attributes and `</element>` after `from`.
fn between<'a>(page: &'a str, opening: &str, closing: &str) -> &'a str {
    let (_, rest) = page.split_once(opening).unwrap_or_else(|| panic!("no {opening}"));
    rest.split_once(closing).unwrap_or_else(|| panic!("no {closing}")).0
}

fn data(page: &str) -> Value {
    let text = between(page, "<script type=\"application/json\" id=\"trace\">", "</script>");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn words() {
    let trace = hostile();
    let page = view::page(&trace, None);
    let data = data(&page);
    for field in ["case", "because", "replay", "subject", "mode", "fairness"] {
        assert_eq!(data[field], json!(trace.case), "{field}");
    }
    assert_eq!(data["steps"][1]["state"], trace.steps[1].state);
    assert_eq!(data["steps"][1]["implementation"], json!(trace.steps[1].implementation));
    // Two scripts are opened and closed, the trace's and the page's; a comment is never opened.
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (2, 2));
    assert!(!page.contains("<!--") && !page.contains('\u{2028}') && !page.contains('\u{0}'), "{page}");
    assert!(page.contains("<title>&lt;/script>&lt;script>"), "the title is text as well");
}

fn alone() {
    let page = view::page(&trace(&[]), None);
    let words = ["http:", "https:", "//cdn", "@import", " src=", "fetch(", "XMLHttp", "import(", "WebSocket", "eval("];
    let markup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", " onclick=", " style="];
    // The name of SVG's namespace is a name and no address.
    let rest = page.replace("http://www.w3.org/2000/svg", "");
    for word in words.iter().chain(&markup) {
        assert!(!rest.contains(word), "{word}");
    }
    assert!(!rest.replace("url(#head)", "").contains("url("), "no picture is fetched");
}

/// As a content policy names a script or a style.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn policy() {
    let page = view::page(&hostile(), None);
    let (style, script) = (hash(between(&page, "<style>", "</style>")), hash(between(&page, "<script>", "</script>")));
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let wanted = format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    assert_eq!(policy, wanted, "write these into src/view/page.rs: style {style:?}, script {script:?}");
}

fn same() {
    let page = view::page(&hostile(), None);
    assert_eq!(page, view::page(&hostile(), None));
    assert!(page.is_ascii() || !page.contains('\r'), "nothing of a platform");
}

fn messages() {
    let page = view::page(
        &trace(&[
            ("p1", "Receive { process: 1, message: Vote { from: 0, value: 2 } }", ""),
            ("p1", "Deliver { src: Id(3), dst: Id(1), msg: Ping }", ""),
            ("p0", "Send { to: 1 }", ""),
            ("p1", "Id(0) → Vote(\" → Id(7) \") → Id(1)", ""),
            // Whose numbers these are is not said.
            ("network", "Lose { from: 0, to: 1 }", ""),
            // Neither a word that ends in one, nor a number that goes on, nor a message to oneself.
            ("p1", "Renew { upto: 3, from: 0.5 }", ""),
            ("p1", "Receive { from: 1 }", ""),
        ]),
        None,
    );
    let data = data(&page);
    assert_eq!(data["lanes"], json!(["p0", "p1", "p3", "network"]));
    let routes: Vec<Value> =
        data["steps"].as_array().expect("steps").iter().map(|step| json!([step["from"], step["to"]])).collect();
    let none = json!([null, null]);
    assert_eq!(
        routes[1..],
        [json!([0, 1]), json!([2, 1]), json!([0, 1]), json!([0, 1]), none.clone(), none.clone(), none]
    );
}

fn bars() {
    let threads = trace(&[
        ("thread 0", "invoke Put { key: 1 }", ""),
        ("thread 1", "invoke Get { key: 1 }", ""),
        ("thread 0", "return Put { key: 1 }", "Done"),
        ("thread 2", "invoke Put { key: 2 }", ""),
        ("thread 1", "return Get { key: 1 }", "Nothing"),
    ]);
    let span = |span: &Value| {
        json!([span["actor"], span["call"], span["answer"], span["begin"], span["end"], span["step"], span["wrong"]])
    };
    let spans = |trace: &Trace| -> Vec<Value> {
        data(&view::page(trace, None))["spans"].as_array().expect("spans").iter().map(span).collect()
    };
    assert_eq!(
        spans(&threads),
        [
            json!(["thread 0", "Put { key: 1 }", "Done", 1, 3, 1, false]),
            json!(["thread 1", "Get { key: 1 }", "Nothing", 2, 5, 2, true]),
            json!(["thread 2", "Put { key: 2 }", "", 4, null, 4, false]),
        ]
    );
    let mut log = trace(&[("client 0", "Put { key: 1 }", "line 2, put key=1"), ("client 1", "", "line 1, get key=1")]);
    let lines = "{\"begin\":1,\"end\":4,\"actor\":\"client 1\",\"name\":\"get\",\"fields\":{\"key\":1}}\n\
                 {\"begin\":2,\"actor\":\"client 0\",\"name\":\"put\",\"fields\":{\"key\":1}}\n";
    log.extra.insert("log".into(), lines.into());
    assert_eq!(
        spans(&log),
        [json!(["client 1", "get key=1", "", 1, 4, 2, true]), json!(["client 0", "put key=1", "", 2, null, 1, false]),]
    );
    assert_eq!(data(&view::page(&log, None))["moments"], json!([1, 2, 1]));
}

/// A row of states that are to stay below four, and the trace of the one that does not.
fn row() -> (Case, Trace) {
    let row = Toy::new((0..6).map(|at| Edge::new(at, at + 1, "")));
    let row = row.own(|| {
        vec![
            Property::always("below four", |_: &Toy, at: &At| *at < 4),
            Property::sometimes("at two", |_: &Toy, at: &At| *at == 2),
        ]
    });
    let case =
        Case::new("toy/row", Check::of(row).violates("below four").because("below four", "nothing holds it back"));
    let trace = case.run(&Options::default()).0.properties[0].evidence.clone().expect("it is violated");
    (case, trace)
}

fn matrix() {
    let (case, trace) = row();
    let matrix = case.look(&trace);
    let met = |row: usize| matrix.properties[row].met.iter().map(|met| met.expect("known")).collect::<Vec<bool>>();
    assert_eq!(met(0), [true, true, true, true, false]);
    assert_eq!(met(1), [false, false, true, false, false]);
    assert_eq!(matrix.properties[0].because, "nothing holds it back");
    let rows = data(&view::page(&trace, Some(&matrix)))["properties"].clone();
    assert_eq!((&rows[0]["met"], &rows[0]["asked"]), (&json!("11110"), &json!(true)));
    assert_eq!((&rows[1]["met"], &rows[1]["asked"]), (&json!("00100"), &json!(false)));
}

fn fair() {
    let table = Toy::of(&[0], &[(0, 1), (1, 2), (2, 1), (2, 3)]).fair(3, FairKey::weak(FAIR)).unforced(3);
    let table = table.fair(1, FairKey::strong(FAIR)).promise(Kind::LeadsTo, &[1], &[3], Some(FAIR));
    let case = Case::new("toy/fair", Check::of(table.clone()).spec(table.spec()));
    let trace = case.run(&Options::default()).0.properties[0].evidence.clone().expect("a lasso");
    let data = data(&view::page(&trace, Some(&case.look(&trace))));
    assert_eq!(data["properties"][0]["triggered"], json!("0101"));
    assert_eq!(data["properties"][0]["met"], json!("0000"));
    let mut marks: Vec<(&str, &str)> = data["fair"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (text(&row["strength"]), text(&row["marks"])))
        .collect();
    marks.sort_unstable();
    assert_eq!(marks, [("strong", "0ete"), ("weak", "00e0")]);
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn unknown() {
    let (case, trace) = row();
    let mut other = trace.clone();
    other.steps[3].action = "nothing that it does".into();
    assert_eq!(case.look(&other).properties[0].met, [Some(true), Some(true), Some(true), None, None]);
    other.parameters.insert("bound".into(), "another".into());
    assert_eq!(case.look(&other), view::Matrix::default());
    // By itself a trace knows where it ends, and of what is before nothing.
    assert_eq!(data(&view::page(&trace, None))["properties"][0]["met"], json!("????0"));
}

/// A row that stays below four as it should not, and one that is expected to break.
fn overview() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let surprising = || {
        let row = Toy::new((0..6).map(|at| Edge::new(at, at + 1, "")));
        let row = row.own(|| vec![Property::always("<below> three", |_: &Toy, at: &At| *at < 3)]);
        Case::new("toy/surprise", Check::of(row))
    };
    let run = |cases: Vec<Case>, html: &str| typed(cases, &["check", "--traces", &place("traces"), "--html", html]).0;
    assert_eq!(run(vec![row().0, surprising()], &place("red")), Exit::Unexpected);
    let page = std::fs::read_to_string(place("red/index.html")).expect("it is written");
    assert!(page.contains("<title>counterpart: Not as expected</title>"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<below>") && page.contains("&lt;below> three"), "{page}");
    assert!(page.contains("✗ violated, holds expected") && page.contains("✓ violated"), "{page}");
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let style = hash(between(&page, "<style>", "</style>"));
    assert_eq!(
        policy,
        format!("default-src 'none'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'")
    );
    // What is not as expected comes first, with its table; every link leads to a page.
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("no {words}: {page}"));
    assert!(at("<h2>Not as expected</h2>") < at("toy/surprise") && at("toy/surprise") < at("toy/row"));
    let traces = page.split_once("<h2>Traces</h2>").expect("a list").1;
    let links: Vec<&str> = traces.split("<a href=\"").skip(1).map(|rest| between(rest, "", "\"")).collect();
    let wanted = ["toy/surprise---below--three.html", "toy/row--below-four.html", "toy/row--at-two.html"];
    assert_eq!(links[..2], wanted[..2], "{links:?}");
    for link in links {
        let page = std::fs::read_to_string(folder.path().join("red").join(link)).expect("every link leads somewhere");
        assert!(data(&page)["steps"].as_array().is_some_and(|steps| steps.len() > 1));
    }
    assert_eq!(run(vec![row().0], &place("green")), Exit::AsExpected);
    let page = std::fs::read_to_string(place("green/index.html")).expect("it is written");
    assert!(page.contains("All as expected") && !page.contains("<h2>Not as expected</h2>"), "{page}");
    // A folder that cannot be is told by the exit.
    assert_eq!(run(vec![row().0], &place("green/index.html")), Exit::Usage);
}

/// What an image's address has in itself.
fn within(address: &str) -> String {
    let encoded = address.strip_prefix("data:image/svg+xml,").unwrap_or_else(|| panic!("no image: {address}"));
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'%' => {
                let (digits, after) = rest.split_at(2);
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).expect("ASCII"), 16).expect("two digits")
            }
            plain => *plain,
        });
    }
    String::from_utf8(bytes).expect("the words of a picture are UTF-8")
}

fn pictures() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let drawn = "<svg xmlns='http://www.w3.org/2000/svg'><text>ä & \"%\"</text></svg>";
    let case = || row().0.picture("<what> is seen", move || drawn.into());
    let (exit, ..) = typed(vec![case()], &["check", "--traces", &place("traces"), "--html", &place("html")]);
    assert_eq!(exit, Exit::AsExpected);
    let page = std::fs::read_to_string(place("html/index.html")).expect("it is written");
    assert_eq!(within(between(&page, "<img src=\"", "\"")), drawn);
    assert!(page.contains("alt=\"&lt;what> is seen\"") && !page.contains("<what>"), "{page}");
    // Of one protocol alone each bar is the whole; of none that is driven there is no bar.
    let bars: Vec<&str> =
        page.split("<rect class=\"yes\" width=\"").skip(1).map(|rest| between(rest, "", "\"")).collect();
    assert_eq!(bars, ["1000", "1000", "0", "0", "0", "0"], "{page}");
    // Without a picture there is no heading of them, and who asks for no pages has none drawn.
    let refuses = || row().0.picture("nobody looks", || panic!("it is drawn"));
    assert_eq!(typed(vec![refuses()], &["check", "--traces", &place("traces")]).0, Exit::AsExpected);
    assert_eq!(
        typed(vec![row().0], &["check", "--traces", &place("traces"), "--html", &place("bare")]).0,
        Exit::AsExpected
    );
    assert!(!std::fs::read_to_string(place("bare/index.html")).expect("it is written").contains("<h2>Pictures</h2>"));
}

/// As stateright 0.31.0 draws its actors: a viewport in small letters, no style, and words of messages as they are.
fn seen() {
    let drawn = "<svg version='1.1' viewbox='-20 -20 9 9' xmlns='http://www.w3.org/2000/svg'><defs></defs>\
                 <line class='svg-actor-timeline' />\n<text x='1' y='2' class='svg-event-label'>\"</a> & <b> '>\"</text>\n</svg>\n";
    let image = |drawn: &str| {
        let mut matrix = view::Matrix::default();
        matrix.picture = Some(drawn.into());
        within(text(&data(&view::page(&row().1, Some(&matrix)))["picture"]))
    };
    let found = image(drawn);
    assert!(found.contains(" viewBox='-20 -20 9 9'") && found.contains(".svg-actor-timeline{stroke:"), "{found}");
    assert!(found.ends_with(">\"&lt;/a> &amp; &lt;b> '>\"</text>\n</svg>\n"), "{found}");
    let other = drawn.replace("svg-actor-timeline", "another");
    assert_eq!(image(&other), other, "a picture of nobody that is known stays as it is");
    assert_eq!(data(&view::page(&row().1, None))["picture"], Value::Null);
}

fn command() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (case, trace) = row();
    trace.write(place("trace.json").as_ref()).expect("it can be written");
    let page = view::page(&trace, Some(&case.look(&trace)));
    let run = |arguments: &[&str]| {
        let (exit, out, _) = typed(vec![row().0], &[&["trace", "html"], arguments].concat());
        (exit, out)
    };
    assert_eq!(run(&[&place("trace.json")]), (Exit::AsExpected, page.clone()));
    assert_eq!(run(&[&place("trace.json"), "-o", &place("a/page.html")]), (Exit::AsExpected, String::new()));
    assert_eq!(std::fs::read_to_string(place("a/page.html")).expect("it is written"), page);
    assert_eq!(run(&[&place("none.json")]), (Exit::Trace, String::new()));
    assert_eq!(run(&[&place("trace.json"), "-o", &place("")]), (Exit::Usage, String::new()));
}
