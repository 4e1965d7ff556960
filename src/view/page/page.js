"use strict";
// A trace as a page. All that is shown is in the element `trace`; nothing is asked of anybody.
// Words of a trace only ever become text nodes: nothing in them is read as markup.

const data = JSON.parse(document.getElementById("trace").textContent);
const steps = data.steps;
const end = steps.length - 1;
const $ = (id) => document.getElementById(id);

/** An element; attributes that are null or false are left out, children are elements or text. */
function make(name, attributes, ...children) {
  const drawn = ["svg", "g", "line", "rect", "circle", "text", "title"].includes(name);
  const element = drawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Words of the trace: their direction is their own. */
const words = (text, attributes) => make("bdi", attributes, text);

/** A value on one line, as the terminal shows it. */
function short(value) {
  if (Array.isArray(value)) return `[${value.map(short).join(" ")}]`;
  if (value && typeof value === "object") {
    return `{${Object.entries(value).map(([name, field]) => `${name} ${short(field)}`).join(", ")}}`;
  }
  return String(value);
}

const isPlain = (value) => value === null || typeof value !== "object";
const isEmpty = (value) => value === undefined || value === null || value === "" || value === 0;

/** What differs, as [place, before, after]; of a first state what is not empty. */
function changes(before, after, place = "", found = []) {
  if (before === after) return found;
  if (!isPlain(after) && Array.isArray(after) === Array.isArray(before ?? after)) {
    if (Array.isArray(after) && (before === undefined || before.length !== after.length)) {
      if (short(before ?? "") !== short(after)) found.push([place, before, after]);
      return found;
    }
    if (before === undefined || !isPlain(before)) {
      const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after)]);
      for (const name of names) {
        const inner = Array.isArray(after) ? `${place}[${name}]` : place ? `${place}.${name}` : name;
        if (name in after) changes(before?.[name], after[name], inner, found);
        else found.push([inner, before[name], undefined]);
      }
      return found;
    }
  }
  if (before !== undefined || !isEmpty(after)) found.push([place, before, after]);
  return found;
}

const deltas = new Array(steps.length);
const delta = (index) => (deltas[index] ??= changes(index ? steps[index - 1].state : undefined, steps[index].state));
const told = (step) => step.action || step.input;
const isBroken = (index) =>
  index === end && (data.verdict === "diverges" || (data.verdict === "violated" && data.kind === "always"));
const inLoop = (index) => data.loop !== null && index > data.loop;
const isApart = (step) => step.implementation !== "" && step.output !== "" && step.implementation !== step.output;

// The head of the page.

function head() {
  const mark = { violated: ["✗", "bad"], diverges: ["✗", "bad"], holds: ["✓", "good"] }[data.verdict] ?? ["•", "dim"];
  const asked = data.kind.replaceAll("_", " ");
  const verdict = { violated: "is violated", diverges: "diverges", holds: "holds" }[data.verdict] ?? "";
  $("case").textContent = data.case;
  $("headline").append(make("span", { class: mark[1], "aria-hidden": "true" }, `${mark[0]} `),
    ...(data.subject === null && !data.name ? [words(data.verdict || "a trace")] :
      data.subject === null ? [`${asked} “`, words(data.name), `” ${verdict}`] : [words(data.name), ` ${verdict} (${data.mode})`]));
  if (data.because) $("because").append(make("strong", null, "because "), words(data.because));
  const facts = [...Object.entries(data.parameters), ["replay", data.replay]];
  for (const [name, value] of facts.filter((fact) => fact[1])) {
    $("facts").append(make("dt", null, words(name)), make("dd", { class: name === "replay" ? "code" : null }, words(value)));
  }
}

// The sequence diagram: lanes, and a drawing for each step.

const lanes = [...data.lanes];
const answers = steps.some((step) => step.input !== "");
if (answers) lanes.push(data.answers);
const begins = new Set(data.moments ? [] : data.spans.map((span) => span.begin));
const ends = new Set(data.moments ? [] : data.spans.map((span) => span.end));
const middle = (lane) => `${((lane + 0.5) * 100) / lanes.length}%`;

function lanesHead() {
  if (lanes.length === 0) return;
  const box = $("lanes");
  lanes.forEach((lane, index) =>
    box.append(make("span", { class: answers && index === data.lanes.length ? "answers" : null }, words(lane))));
  box.style.gridTemplateColumns = `repeat(${lanes.length}, minmax(0, 1fr))`;
  const fit = () => {
    const room = $("sequence").clientWidth;
    const width = Math.min(lanes.length * 84, room * (room < 500 ? 0.38 : 0.46));
    $("sequence").style.setProperty("--lanes", `${Math.round(width)}px`);
    box.classList.toggle("tall", width / lanes.length < 52);
  };
  fit();
  addEventListener("resize", fit);
}

function drawing(step, index) {
  const svg = make("svg", { class: "drawing", "aria-hidden": "true", focusable: "false" });
  lanes.forEach((_, lane) => svg.append(make("line", { class: "life", x1: middle(lane), x2: middle(lane), y1: 0, y2: "100%" })));
  if (step.lane === null) return svg;
  const wrong = isBroken(index) ? " wrong" : "";
  const across = (from, to, y, kind) =>
    svg.append(make("line", { class: kind, x1: middle(from), x2: middle(to), y1: y, y2: y, "marker-end": "url(#head)" }));
  if (step.from !== null) {
    across(step.from, step.to, 15, `arrow${wrong}`);
  } else if (begins.has(index)) {
    across(step.lane, lanes.length - 1, 12, "arrow");
  } else if (ends.has(index)) {
    across(lanes.length - 1, step.lane, 12, `answer${wrong}`);
  } else if (step.input !== "") {
    across(step.lane, lanes.length - 1, 12, "arrow");
    if (step.output !== "" || step.implementation !== "") across(lanes.length - 1, step.lane, 24, `answer${wrong}`);
  }
  svg.append(make("circle", { class: `dot${wrong}`, cx: middle(step.from ?? step.lane), cy: step.from !== null ? 15 : 12, r: 4 }));
  return svg;
}

const rows = [];
const LAID_OUT_MAX = 300;

function row(step, index) {
  const news = delta(index).map(([place, , after]) => (place ? `${place} ${short(after ?? "gone")}` : short(after))).join(", ");
  const link = make("a", { href: `#step=${index}` },
    step.actor ? words(step.actor, { class: "who" }) : null, step.actor ? " " : null,
    words(index === 0 && !told(step) ? "(initially)" : told(step), { class: "what" }));
  const said = make("span", { class: "told" }, link);
  if (step.output) said.append(make("span", { class: "dim" }, " → "), words(step.output));
  if (step.implementation && (isApart(step) || !step.output)) {
    said.append(make("span", { class: isBroken(index) ? "bad" : "dim" }, isBroken(index) ? " ✗ implementation " : " ⇒ "),
      words(step.implementation, { class: isBroken(index) ? "bad" : null }));
  } else if (step.implementation) {
    said.append(make("span", { class: "good", title: "the implementation answers the same" }, " ="), make("span", { class: "unseen" }, " the implementation answers the same"));
  }
  if (news) said.append(make("span", { class: "news" }, words(news)));
  const classes = [inLoop(index) ? "in-loop" : "", isBroken(index) ? "breaks" : ""].filter(Boolean).join(" ");
  return make("li", { class: classes || null, "data-step": index },
    make("span", { class: "number" }, data.loop === index ? make("span", { class: "looped", title: "the loop begins here" }, "⟲ ") : null, String(index)),
    make("span", { class: "lane" }), said);
}

/** Draws the step of a row, once. Words are there at once, for whoever searches or listens; drawings when they are seen. */
function draw(item) {
  const lane = item.querySelector(".lane");
  if (lane.childElementCount === 0) lane.append(drawing(steps[item.dataset.step], Number(item.dataset.step)));
}

function list() {
  steps.forEach((step, index) => rows.push(row(step, index)));
  $("steps").classList.toggle("long", steps.length > LAID_OUT_MAX);
  $("steps").append(...rows);
  const near = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach((one) => draw(one.target)),
    { root: $("steps"), rootMargin: "800px 0px" });
  if (lanes.length) rows.forEach((item) => near.observe(item));
  addEventListener("beforeprint", () => lanes.length && rows.forEach(draw));
  if (data.loop !== null) {
    const fair = data.fairness ? `; fair under “${data.fairness}”` : "";
    $("steps").append(make("li", { class: "again" }, make("span", { class: "number looped", "aria-hidden": "true" }, "⟲"), make("span"),
      make("span", { class: "told" }, make("a", { href: `#step=${data.loop}` }, `and again from step ${data.loop}, for ever${fair}`))));
  }
  $("steps").addEventListener("click", (event) => {
    const hit = event.target.closest("li[data-step]");
    if (hit && !event.target.closest("a")) choose(Number(hit.dataset.step));
  });
}

// Bars of a history.

const LEFT = 110;
let column = 30;
let cursor = null;

function bars() {
  const spans = data.spans;
  if (spans.length === 0) return;
  $("history").hidden = false;
  const who = [...new Set(spans.map((span) => span.actor))];
  const last = Math.max(...spans.map((span) => span.end ?? span.begin)) + 1;
  const room = $("bars").clientWidth - LEFT - 24;
  column = Math.max(30, Math.min(170, room / (last - data.spans_from)));
  const x = (moment) => LEFT + (moment - data.spans_from) * column;
  const width = x(last) + 20, height = 20 + who.length * 34;
  const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${spans.length} calls of ${who.length} actors; the table below says the same` });
  who.forEach((actor, row) => {
    const y = 18 + row * 34;
    svg.append(make("line", { class: "row", x1: LEFT, x2: width, y1: y, y2: y }), make("text", { x: 2, y: y + 4 }, cut(actor, 17)));
  });
  for (const span of spans) {
    const y = 6 + who.indexOf(span.actor) * 34;
    const until = x(span.end ?? last) - x(span.begin);
    const all = `${span.call}${span.answer ? ` → ${span.answer}` : ""}`;
    const kind = `call${span.end === null ? " lost" : ""}${span.wrong ? " wrong" : ""}`;
    svg.append(make("g", { "data-step": span.step }, make("title", null, `${span.actor}: ${all}`),
      make("rect", { class: kind, x: x(span.begin), y, width: Math.max(until, 8), height: 24, rx: 3 }),
      make("text", { x: x(span.begin) + 4, y: y + 16 }, cut((span.wrong ? "✗ " : "") + all, Math.floor((until - 6) / 6)))));
  }
  cursor = make("line", { class: "now", y1: 0, y2: height });
  svg.append(cursor);
  $("bars").append(svg);
  $("bars").addEventListener("click", (event) => {
    const hit = event.target.closest("g[data-step]");
    if (hit) choose(Number(hit.dataset.step));
  });
  $("calls").append(make("thead", null, make("tr", null, ...["who", "call", "answer", "begins", "ends"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", null, ...spans.map((span) => make("tr", null, make("td", null, words(span.actor)), make("td", null, words(span.call)),
      make("td", null, words(span.answer)), make("td", null, String(span.begin)), make("td", null, span.end === null ? "never" : String(span.end))))));
}

/** Where a bar has no room for all of it; the whole stands in its title and in the table. */
function cut(text, letters) {
  const all = [...text];
  return all.length <= letters ? text : letters < 2 ? "" : `${all.slice(0, letters - 1).join("")}…`;
}

// Properties and fair sets by step.

const strips = [];

/** One character a step, drawn as runs of the same: `1` yes, `0` no, `?` not known; of fair sets `e` enabled, `t` taken. */
function strip(marks, looks, label) {
  const count = marks.length;
  const svg = make("svg", { class: "strip", viewBox: `0 0 ${count} 10`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  for (let from = 0, to; from < count; from = to) {
    for (to = from; to < count && marks[to] === marks[from]; to++);
    const [kind, y, height] = looks[marks[from]] ?? [];
    if (kind) svg.append(make("rect", { class: kind, x: from, y, width: to - from, height }));
  }
  const now = make("rect", { class: "now", x: 0, y: 0.5, width: 1, height: 9 });
  svg.append(now);
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    choose(Math.min(end, Math.floor(((event.clientX - box.left) / box.width) * count)));
  });
  strips.push(now);
  return svg;
}

/** `steps 0 to 3, 7` for where `mark` stands. */
function where(marks, mark) {
  const runs = [];
  for (let from = 0, to; from < marks.length; from = to) {
    for (to = from; to < marks.length && marks[to] === marks[from]; to++);
    if (marks[from] === mark) runs.push(to - from === 1 ? `${from}` : `${from} to ${to - 1}`);
  }
  return runs.length ? `steps ${runs.join(", ")}` : "no step";
}

const said = [];

function matrix() {
  if (!data.properties.length) return;
  $("judged").hidden = false;
  const body = make("tbody");
  for (const property of data.properties) {
    const always = property.kind === "always";
    const looks = { 1: ["yes", 3, 4], 0: always ? ["no", 0, 10] : ["off", 4.5, 1], "?": null };
    const cell = make("td", null, strip(property.met, looks,
      `${always ? "broken" : "met"} in ${where(property.met, always ? "0" : "1")}`));
    if (property.triggered) {
      cell.append(strip(property.triggered, { 1: ["key", 3, 4], 0: ["off", 4.5, 1] }, `asked for in ${where(property.triggered, "1")}`));
    }
    const now = make("div");
    cell.append(now);
    body.append(make("tr", { class: property.asked ? "asked" : null },
      make("th", { scope: "row" }, make("span", { class: "dim" }, `${property.kind.replaceAll("_", " ")} `), words(property.name)), cell));
    said.push((at) => now.replaceChildren(...judgement(property, always, at)));
  }
  for (const key of data.fair) {
    const looks = { t: ["key", 0, 10], e: ["key", 4, 2], 0: null, "?": null };
    const label = `enabled in ${where(key.marks.replaceAll("t", "e"), "e")}; taken in ${where(key.marks, "t")}`;
    body.append(make("tr", null, make("th", { scope: "row" }, make("span", { class: "dim" }, `${key.strength} fair `), words(key.actions)),
      make("td", null, strip(key.marks, looks, label))));
  }
  $("matrix").append(make("caption", { class: "unseen" }, "What holds in which step"), body);
  $("legend").append("A thin bar: it holds there. A full red bar: it is broken there. ",
    data.properties.some((property) => property.triggered) ? "A bar below: there it is asked for. " : "",
    data.fair.length ? "Of fair actions: thin where they are possible, full where one is taken. " : "", "Nothing: it is not known.");
}

function judgement(property, always, at) {
  const met = property.met[at];
  const triggered = property.triggered?.[at] === "1" ? " Asked for here." : "";
  if (met === "?" || met === undefined) return [make("span", { class: "dim" }, `step ${at}: not known`)];
  if (met === "1") return [make("span", { class: "good" }, "✓ "), always ? "holds" : "met", triggered];
  if (!always) return [make("span", { class: "dim" }, "– not here."), triggered];
  return [make("span", { class: "bad" }, "✗ broken"), property.because ? ": " : "", property.because ? words(property.because) : ""];
}

// The state of the chosen step.

let mode = "changed";

function detail(at) {
  const step = steps[at];
  const box = $("detail");
  if (mode === "changed") {
    const found = delta(at);
    const apart = isApart(step) || (isBroken(at) && hasOther) ? pair(step, at) : null;
    if (found.length === 0) return box.replaceChildren(apart ?? "", make("p", { class: "dim" }, "Nothing of the state changed."));
    const head = make("tr", null, ...["part", "before", "after"].map((name) => make("th", { scope: "col" }, name)));
    return box.replaceChildren(apart ?? "", make("table", null, make("thead", null, head), make("tbody", null, ...found.map(([place, before, after]) =>
      make("tr", null, make("td", null, words(place || "state")), make("td", null, make("del", null, before === undefined ? "" : words(short(before)))),
        make("td", null, make("ins", null, after === undefined ? "gone" : words(short(after)))))))));
  }
  if (mode === "all") return box.replaceChildren(tree(at ? steps[at - 1].state : undefined, step.state));
  box.replaceChildren(pair(step, at), make("p", { class: "dim" }, hasOther ? "The model’s state, beside which the implementation stands:" : "No implementation was run beside this trace. The model’s state:"),
    tree(at ? steps[at - 1].state : undefined, step.state));
}

const hasOther = steps.some((step) => step.implementation !== "");

/** What was asked and answered: the model beside the implementation. */
function pair(step, at) {
  const apart = isApart(step) || (isBroken(at) && hasOther);
  const rows = [["asked", step.input || "–", hasOther ? step.input || "–" : ""], ["answer", step.output || "–", hasOther ? step.implementation || "–" : ""]];
  const head = make("tr", null, make("td"), make("th", { scope: "col" }, "model"), make("th", { scope: "col" }, words(hasOther && data.subject || "implementation")));
  const body = rows.map(([name, model, other], index) => make("tr", { class: index && apart ? "apart" : null },
    make("th", { scope: "row" }, name, index && apart ? make("span", { class: "bad" }, " ≠") : ""), make("td", null, words(model)), make("td", null, words(other))));
  return make("table", { class: "pair" }, make("thead", null, head), make("tbody", null, ...body));
}

function tree(before, after) {
  if (isPlain(after)) return make("ul", { class: "tree" }, leaf("state", before, after));
  return make("ul", { class: "tree" }, ...Object.keys(after).map((name) => leaf(name, isPlain(before) ? undefined : before[name], after[name])));
}

function leaf(name, before, after) {
  const simple = isPlain(after) || Object.keys(after).length === 0 || short(after).length < 60;
  const fresh = before !== undefined && short(before) !== short(after);
  const item = make("li", { class: fresh ? "new" : null }, make("span", { class: "name" }, words(name), fresh ? make("span", { class: "unseen" }, " (new)") : null), " ");
  item.append(simple ? words(short(after), { class: "value" }) : tree(before, after));
  if (fresh && simple) item.append(make("span", { class: "dim" }, " was "), words(short(before), { class: "dim" }));
  return item;
}

// Choosing a step.

let chosen = -1;

function choose(wanted, options = {}) {
  const at = Math.max(0, Math.min(end, Math.trunc(wanted) || 0));
  if (at === chosen) return;
  rows[chosen]?.removeAttribute("aria-current");
  chosen = at;
  rows[at].setAttribute("aria-current", "step");
  if (options.scroll !== false) show(rows[at]);
  const step = steps[at];
  $("slider").value = at;
  $("place").textContent = `step ${at} of ${end}`;
  $("slider").setAttribute("aria-valuetext", `step ${at} of ${end}: ${step.actor} ${told(step) || "initially"}`);
  $("first").disabled = $("back").disabled = at === 0;
  $("last").disabled = at === end;
  $("on").disabled = at === end && data.loop === null;
  for (const now of strips) now.setAttribute("x", at);
  if (cursor) {
    const x = LEFT + ((data.moments ? data.moments[at] ?? 0 : at) - data.spans_from) * column;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
  }
  for (const say of said) say(at);
  detail(at);
  const answer = step.output ? `, answered ${step.output}` : "";
  const other = isApart(step) ? `, the implementation answered ${step.implementation}` : "";
  const broken = isBroken(at) ? (data.verdict === "diverges" ? ". Here it diverges" : ". Here it is broken") : "";
  $("live").textContent = `Step ${at} of ${end}: ${step.actor} ${told(step) || "initially"}${answer}${other}${broken}`;
  if (options.link !== false) history.replaceState(null, "", `#step=${at}`);
}

/** Scrolls the list of steps, and never the page. */
function show(item, again = 2) {
  const box = $("steps");
  // What has never been in view is laid out once it is, and only then is its height known.
  if (again) requestAnimationFrame(() => rows[chosen] === item && show(item, again - 1));
  if (box.scrollHeight <= box.clientHeight) return;
  const top = item.offsetTop - box.offsetTop, height = item.offsetHeight;
  if (top < box.scrollTop + height) box.scrollTop = top - height;
  else if (top + 2 * height > box.scrollTop + box.clientHeight) box.scrollTop = top + 2 * height - box.clientHeight;
}

const isShown = (at) => !rows[at].hidden;

function move(by) {
  let at = chosen + by;
  if (by === 1 && at > end && data.loop !== null) return choose(Math.min(data.loop + 1, end));
  at = Math.max(0, Math.min(end, at));
  const one = Math.sign(by);
  while (at > 0 && at < end && !isShown(at)) at += one;
  if (isShown(at)) choose(at);
}

function filter() {
  const text = $("filter").value.toLowerCase();
  const actor = $("actor").value;
  let count = 0;
  steps.forEach((step, index) => {
    const all = [step.actor, told(step), step.output, step.implementation, ...delta(index).map((change) => `${change[0]} ${short(change[2] ?? "")}`)];
    const matches = (!actor || step.actor === actor) && (!text || all.join(" ").toLowerCase().includes(text));
    rows[index].hidden = !matches;
    count += matches ? 1 : 0;
  });
  $("shown").textContent = count === steps.length ? "" : `${count} of ${steps.length} shown`;
}

function setMode(name) {
  mode = name;
  document.querySelector(`input[name=mode][value=${name}]`).checked = true;
  detail(chosen);
}

function linked() {
  const asked = /(?:^#|&)step=(\d+)/.exec(location.hash);
  return asked ? Number(asked[1]) : null;
}

function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const field = event.target.closest("input, select, textarea");
  if (field?.id === "filter") {
    if (event.key === "Escape") { field.value = ""; filter(); field.blur(); }
    return;
  }
  const choices = field || event.target.closest(".scrolls");
  const moves = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1, PageDown: 10, PageUp: -10, Home: -steps.length, End: steps.length };
  const modes = { c: "changed", a: "all", b: "beside" };
  if (event.key in moves && !(choices && event.key.length > 1)) move(moves[event.key]);
  else if (event.key in modes && field?.tagName !== "SELECT") setMode(modes[event.key]);
  else if (event.key === "/") $("filter").focus();
  else return;
  event.preventDefault();
}

function picture() {
  if (!data.picture) return;
  $("picture").hidden = false;
  $("picture").append(make("div", { class: "scrolls", tabindex: "0", role: "group", "aria-label": "The model's own picture" },
    make("img", { src: data.picture, alt: "The steps as the model draws them; the list above says the same" })));
}

head();
lanesHead();
list();
bars();
matrix();
picture();
const actors = [...new Set(steps.map((step) => step.actor).filter(Boolean))];
$("actor").append(make("option", { value: "" }, "everybody"), ...actors.map((actor) => make("option", { value: actor }, actor)));
$("slider").max = end;
$("slider").addEventListener("input", (event) => choose(Number(event.target.value)));
$("first").addEventListener("click", () => choose(0));
$("back").addEventListener("click", () => move(-1));
$("on").addEventListener("click", () => move(1));
$("last").addEventListener("click", () => choose(end));
$("actor").addEventListener("change", filter);
$("filter").addEventListener("input", filter);
$("modes").addEventListener("change", (event) => setMode(event.target.value));
addEventListener("keydown", keys);
addEventListener("hashchange", () => { const at = linked(); if (at !== null) choose(at); });
choose(linked() ?? (isBroken(end) ? end : 0), { link: false });
document.documentElement.dataset.ready = "yes";
