//! A trace in a terminal: as wide as it is, drawn as it went, nothing cut without need.

use std::fs;
use std::path::PathBuf;

use anstyle::AnsiColor;
use counterpart::trace::{Evidence, Step, Trace, write_whole};
use counterpart::view::{self, Show};
use libtest_mimic::Trial;
use serde_json::json;

use crate::{claim, root};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("terminal::no_line_is_longer_than_the_terminal_is_wide", widths),
        claim("terminal::nothing_is_cut_that_fits_and_nothing_at_all_if_all_is_asked_for", cuts),
        claim("terminal::a_step_stands_in_the_column_of_who_acts", lanes),
        claim("terminal::a_lasso_is_drawn", lasso),
        claim("terminal::where_it_diverges_both_answers_stand_and_are_marked", both),
        claim("terminal::calls_that_overlap_are_bars", bars),
        claim("terminal::one_actor_can_be_followed", only),
        claim("terminal::ascii_is_ascii", ascii),
        claim("terminal::the_command_that_replays_it_can_be_copied_at_any_width", replay),
        claim("terminal::the_picture_of_it_is_what_it_prints", picture),
        claim("terminal::what_would_steer_a_terminal_is_shown", steering),
    ]
}

/// Some of the traces that are kept: all kinds of them, and of all protocols.
fn kept() -> Vec<Trace> {
    fn below(folder: PathBuf, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("readable").path();
            if path.is_dir() { below(path, files) } else { files.push(path) }
        }
    }
    let mut files = Vec::new();
    below(root().join("traces"), &mut files);
    files.sort();
    assert!(files.len() > 500, "{}", files.len());
    files.iter().step_by(9).map(|file| Trace::read(file).unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn named(name: &str) -> Trace {
    let file = root().join("traces").join(format!("{name}.json"));
    Trace::read(&file).unwrap_or_else(|error| panic!("{error}"))
}

fn shown(trace: &Trace, change: impl FnOnce(&mut Show)) -> String {
    let mut show = Show::default();
    change(&mut show);
    anstream::adapter::strip_str(&view::trace_as(trace, &show)).to_string()
}

/// `trace show`, as the README shows it. `COUNTERPART_UPDATE=1` draws it anew.
fn picture() {
    let trace = named("rate_limiter/crates_in_every_window--tower-0.5.3");
    let mut show = Show::default();
    (show.width, show.replay) = (Some(110), true);
    let fresh =
        anstyle_svg::Term::new().fg_color(AnsiColor::BrightWhite.into()).render_svg(&view::trace_as(&trace, &show));
    let file = root().join("tests/seen/pictures/terminal.svg");
    if std::env::var_os("COUNTERPART_UPDATE").is_some() {
        write_whole(&file, fresh.as_bytes()).expect("it can be written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == fresh, "{} is not what is printed: draw it anew with COUNTERPART_UPDATE=1", file.display());
}

/// All letters but blanks and those that draw.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !"│●○─▶◀╭╰".contains(*letter)).collect()
}

fn toy(steps: &[(&str, &str, &str, &str)]) -> Trace {
    let step = |(actor, action, output, implementation): &(&str, &str, &str, &str)| Step {
        actor: (*actor).into(),
        action: (*action).into(),
        input: (*action).into(),
        output: (*output).into(),
        implementation: (*implementation).into(),
        state: json!({}),
    };
    Trace {
        case: "toy/terminal".into(),
        evidence: Evidence::Subject { name: "implementation".into(), mode: "tour".into() },
        verdict: "diverges".into(),
        parameters: Default::default(),
        because: "it is so".into(),
        replay: "counterpart replay traces/toy/terminal--implementation.json".into(),
        steps: std::iter::once(Step { state: json!({}), ..Step::default() }).chain(steps.iter().map(step)).collect(),
        loop_start: None,
        extra: Default::default(),
    }
}

fn widths() {
    let wide =
        toy(&[("客户端 0", "写入 { 键: \"値値値値値値値値値値値値値値値値値値値値値値値値\" }", "完成", "完成")]);
    for trace in kept().iter().chain([&wide]) {
        for width in [20, 41, 80, 132] {
            for full in [false, true] {
                let text = shown(trace, |show| {
                    (show.width, show.full, show.replay) = (Some(width), full, true);
                });
                for line in text.lines() {
                    let columns = unicode_width::UnicodeWidthStr::width(line);
                    assert!(columns <= width, "{}: {columns} columns of {width}: {line}", trace.case);
                }
            }
        }
    }
}

fn cuts() {
    for trace in kept() {
        let whole = shown(&trace, |_| {});
        assert!(!whole.contains('…'), "{whole}");
        // All the letters are there, in the same order, whatever the width.
        for width in [44, 80] {
            let wrapped = shown(&trace, |show| (show.width, show.full) = (Some(width), true));
            let without_bars = |text: &str| letters(text.split_once("\n  step ").map_or(text, |(_, steps)| steps));
            assert_eq!(without_bars(&wrapped), without_bars(&whole), "{} at {width}", trace.case);
        }
        let cut = shown(&trace, |show| show.width = Some(100));
        for (line, all) in cut.lines().rev().zip(whole.lines().rev()) {
            // What comes after the steps is prose, and wrapped.
            if trace.loop_start.is_none() && line.contains('…') {
                // As narrow as the words can stand; of what is left of them a few blanks are counted too little.
                let close =
                    all.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
                assert!(close.chars().count() + 8 > 100, "cut without need: {line}\n{all}");
            }
        }
    }
}

fn line_of<'a>(text: &'a str, start: &str) -> &'a str {
    let line = text.lines().find(|line| line.trim_start().starts_with(start));
    line.unwrap_or_else(|| panic!("no line begins with {start:?}:\n{text}"))
}

fn lanes() {
    let trace = toy(&[
        ("p2", "Receive { from: 0 }", "", ""),
        ("p1", "Receive { from: 2 }", "", ""),
        ("clock", "Tick", "Done", "Done"),
        ("p1", "Step", "Done", "Other"),
    ]);
    let text = shown(&trace, |_| {});
    let drawn = |start: &str| line_of(&text, start).chars().skip(8).take(7).collect::<String>();
    assert_eq!(drawn("1 "), "○───▶ │", "{text}");
    assert_eq!(drawn("2 "), "│ ◀─○ │", "{text}");
    assert_eq!(drawn("3 "), "│ │ │ ●", "{text}");
    assert_eq!(drawn("✗    4"), "│ ● │ │", "{text}");
    for (above, name) in [("", "p0"), ("│ ", "p1"), ("│ │ ", "p2"), ("│ │ │ ", "clock")] {
        assert!(text.lines().any(|line| line == format!("        {above}{name}")), "{name}: {text}");
    }
}

fn lasso() {
    let trace = named("flp/bivalent_for_ever--some-process-decides");
    let start = trace.loop_start.expect("a lasso");
    let text = shown(&trace, |_| {});
    for index in 0..=trace.len() {
        let wanted = match index {
            _ if index == start => "╭▶",
            _ if index == trace.len() => "╰─",
            _ if index > start => "│ ",
            _ => "  ",
        };
        let drawn: String = line_of(&text, &format!("{index} ")).chars().skip(8).take(2).collect();
        assert_eq!(drawn, wanted, "step {index}: {text}");
    }
    assert!(text.contains(&format!("and again from step {start}, for ever; fair under \"nobody stops\"")), "{text}");
}

fn both() {
    let text = shown(&named("circuit_breaker/failsafe_but_for_unlimited_probes--failsafe-1.3.0"), |_| {});
    let last = line_of(&text, "✗   13");
    assert!(last.contains("Rejected") && last.contains("≠ Admitted"), "{text}");
    assert_eq!(text.matches('≠').count(), 1, "{text}");
    assert!(text.starts_with("✗ failsafe 1.3.0 diverges from "), "{text}");
    assert!(text.contains("  because the implementation answers Admitted, the model allows Rejected"), "{text}");
}

fn bars() {
    let trace = named("circuit_breaker/defects_between_threads--moves_gate_late");
    let text = shown(&trace, |_| {});
    let drawn: Vec<&str> = text.lines().filter(|line| line.contains('├') || line.contains("3   4")).collect();
    assert_eq!(
        drawn,
        ["            3   4   5   6   7   8", "  thread 1  ├───────────┤   ├───┤✗", "  thread 0      ├───┤",],
        "{text}"
    );
    let narrow = shown(&trace, |show| show.width = Some(24));
    assert_eq!(narrow.lines().filter(|line| line.starts_with("  thread 0")).count(), 3, "in pieces: {narrow}");
}

fn only() {
    let trace = toy(&[
        ("p2", "Receive { from: 0 }", "", ""),
        ("clock", "Tick", "Done", "Done"),
        ("clock", "Tick", "Done", "Done"),
        ("p0", "Step", "Done", "Other"),
        ("clock", "Tick", "Done", "Done"),
    ]);
    let text = shown(&trace, |show| show.only = Some("p0".into()));
    let steps: Vec<&str> = text.lines().skip_while(|line| !line.contains("  step")).skip(1).collect();
    let starts = ["   0", "   1", "⋮  2 steps of others", "   4", "⋮  1 step of others"];
    assert_eq!(steps.len(), starts.len(), "{text}");
    assert!(steps.iter().zip(starts).all(|(line, start)| line.contains(start)), "{text}");
}

fn ascii() {
    let foreign = toy(&[("p1", "Receive { from: 0, word: \"שלום\" }", "Done", "D…")]);
    let kept = kept();
    let lassos = kept.iter().filter(|trace| trace.loop_start.is_some());
    for trace in lassos.chain(&kept[..20]).chain([&foreign]) {
        let text = shown(trace, |show| (show.ascii, show.width) = (true, Some(60)));
        assert!(text.is_ascii(), "{text}");
    }
    let text = shown(&foreign, |show| show.ascii = true);
    assert!(text.contains("\\u{5e9}") && text.contains("o->") && text.contains("!= D"), "{text}");
}

fn replay() {
    let trace = toy(&[("p0", "Step", "Done", "Other")]);
    assert!(!shown(&trace, |_| {}).contains("replay"));
    let whole = shown(&trace, |show| show.replay = true);
    assert!(whole.ends_with(&format!("replay it with\n    {}\n", trace.replay)), "{whole}");
    for width in [20, 30, 62] {
        let text = shown(&trace, |show| (show.width, show.replay) = (Some(width), true));
        let (_, command) = text.split_once("replay it with\n").expect("it is there");
        // As a shell reads it.
        assert_eq!(command.replace("\\\n", "").trim(), trace.replay, "{text}");
    }
}

fn steering() {
    let trace = toy(&[("\u{1b}[31mp0", "Step\r\u{7}", "\u{202e}Done", "\u{2066}x")]);
    let text = view::trace_as(&trace, &Show::default());
    let words = anstream::adapter::strip_str(&text).to_string();
    assert!(!words.chars().any(|letter| letter != '\n' && letter.is_control()), "{words:?}");
    assert!(!words.contains(['\u{202e}', '\u{2066}']), "{words:?}");
    assert!(words.contains("\\u{1b}[31mp0") && words.contains("\\u{202e}Done"), "{words}");
}
