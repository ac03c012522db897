/** All tags: filter, sort, only those that are not valid; 10,000 rows and more. */
import { h, icon, setText, setAttribute, spark } from "./dom.js";
import { live } from "./live.js";
import { REASONS, STEPS, clock, kindOf, many, span, stateOf, value } from "./words.js";
import { VirtualTable, setState } from "./table.js";
import { fill } from "./trend.js";

const COLUMNS = [
  { name: "name", title: "Tag", class: "c-name" },
  { name: "value", title: "Value", class: "c-value" },
  { name: "unit", title: "Unit", class: "c-unit" },
  { name: "status", title: "Status", class: "c-status" },
  { name: "reason", title: "Reason", class: "c-reason" },
  { name: "age", title: "Age", class: "c-age" },
  { name: "curve", title: "Trend", class: "c-curve", sort: false },
];
const ORDER = { invalid: 0, unset: 1, valid: 2, off: 3 };
const RESORT = 2000;          // milliseconds: rows that change their place more often cannot be read

export function tagLink(name) { return "#/tag/" + encodeURIComponent(name); }

function make() {
  const curve = spark(96, 22), path = h("span.path"), leaf = h("span.leaf"), cell = { role: "cell" };
  const link = h("a", path, leaf);
  const cells = {
    name: h("th.c-name", { scope: "row", role: "rowheader" }, link), value: h("td.c-value", cell), unit: h("td.c-unit", cell),
    status: h("td.c-status", cell, h("span")), reason: h("td.c-reason", cell), age: h("td.c-age", cell),
    curve: h("td.c-curve", cell, curve.node),
  };
  return Object.assign(h("tr", { role: "row" }, Object.values(cells)), { parts: cells, link, path, leaf, curve, tag: null, seen: null });
}

function name(row, tag) {
  row.tag = tag;
  setText(row.path, `${tag.line}.${tag.station}.`);
  setText(row.leaf, tag.short);
  setAttribute(row.link, "href", tagLink(tag.name));
  setAttribute(row.link, "title", tag.name);
}

function age(tag) { return Number.isFinite(tag.time) ? span((live.now() - tag.time) / 1000) : "–"; }

function update(row, tag) {
  const cells = row.parts;
  setText(cells.age, age(tag));
  if (row.tag !== tag) name(row, tag);
  const stamp = `${tag.name}|${tag.curve.length}|${tag.time}|${tag.status}|${tag.reason}|${tag.unit}|${tag.value ?? tag.base64}`;
  if (row.seen === stamp) return;
  row.seen = stamp;
  setText(cells.value, value(tag));
  setText(cells.unit, tag.unit);
  setAttribute(cells.value, "data-unit", tag.unit && " " + tag.unit);
  setState(cells.status.firstChild, stateOf(tag), icon);
  setAttribute(cells.status, "data-reason", tag.reason && tag.reason !== "off" ? ": " + tag.reason : null);
  const why = tag.reason ? `${tag.reason}: ${REASONS[tag.reason] ?? "?"}` : "";
  setText(cells.reason, why);
  setAttribute(cells.reason, "title", why || null);
  setAttribute(cells.age, "title", Number.isFinite(tag.time) ? clock(tag.time, { date: true, milli: true }) : null);
  setAttribute(row, "class", `is-${kindOf(tag)}`);
  row.curve.draw(tag.curve, STEPS.has(tag.type));
}

const collator = new Intl.Collator("en", { numeric: true });

function comparer(by, direction) {
  const turn = direction === "descending" ? -1 : 1;
  const name = (a, b) => collator.compare(a.name, b.name);
  const of = {
    name,
    value: (a, b) => compareValues(a.value, b.value),
    unit: (a, b) => collator.compare(a.unit, b.unit),
    status: (a, b) => ORDER[kindOf(a)] - ORDER[kindOf(b)],
    reason: (a, b) => (a.reason === "") - (b.reason === "") || collator.compare(a.reason, b.reason),
    age: (a, b) => (Number.isFinite(b.time) ? b.time : -1) - (Number.isFinite(a.time) ? a.time : -1),
  }[by] ?? name;
  return (a, b) => turn * of(a, b) || name(a, b);
}

/** Numbers first, by size; then texts; then what has no value. */
function compareValues(a, b) {
  const rank = (v) => (v === null || v === undefined ? 2 : typeof v === "string" ? 1 : 0);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) === 1) return collator.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The words of the filter, each of which must stand in the name, the unit, the description or the reason; * is anything. */
export function matcher(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).map((word) =>
    word.includes("*") ? new RegExp(word.split("*").map((w) => w.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*")) : word);
  if (words.length === 0) return () => true;
  return (tag) => {
    const all = `${tag.name} ${tag.unit} ${tag.type} ${tag.description} ${tag.reason}`.toLowerCase();
    return words.every((word) => (typeof word === "string" ? all.includes(word) : word.test(all)));
  };
}

const ONLY = { all: "All", invalid: "Invalid", unset: "Unset" };

export function tags(box, params) {
  let text = params.get("filter") ?? "", only = params.get("only") ?? "all", by = params.get("sort") ?? "name";
  let direction = params.get("dir") ?? "ascending", seen = -1, sortedAt = 0, shown = [];
  if (!ONLY[only]) only = "all";

  const field = h("input", { type: "search", id: "filter", placeholder: "Filter", value: text, autocomplete: "off", spellcheck: "false",
    "aria-label": "Filter by name, unit, type or reason", "aria-keyshortcuts": "/",
    oninput: () => { text = field.value; changed(); } });
  const buttons = new Map();
  const choice = h("div.choice", { role: "group", "aria-label": "Which tags" });
  for (const [name, title] of Object.entries(ONLY)) {
    const count = h("span.count");
    const button = h("button", { onclick: () => { only = name; changed(); } }, h("span", title), count);
    buttons.set(name, { button, count });
    choice.append(button);
  }
  const told = h("p.told", { role: "status" });
  const empty = h("p.empty", { hidden: true });
  const table = new VirtualTable({ label: "Tags", columns: COLUMNS, make, update, key: (tag) => tag.name,
    sorted: (name, turn) => { by = name; direction = turn; changed(); } });
  box.append(h("div.bar", h("h1", { tabindex: -1, text: "Tags" }), field, choice, told), empty, table.node);

  function keep() {
    const query = new URLSearchParams();
    if (text) query.set("filter", text);
    if (only !== "all") query.set("only", only);
    if (by !== "name") query.set("sort", by);
    if (direction !== "ascending") query.set("dir", direction);
    const tail = query.toString();
    history.replaceState(null, "", "#/tags" + (tail ? "?" + tail : ""));
  }

  function changed() { keep(); select(); table.node.scrollTop = 0; table.draw(); }

  function select() {
    seen = live.version;
    sortedAt = performance.now();
    const fits = matcher(text), counts = { all: 0, invalid: 0, unset: 0 };
    shown = [];
    for (const tag of live.tags.values()) {
      if (!fits(tag)) continue;
      counts.all += 1;
      const kind = kindOf(tag);
      if (kind in counts) counts[kind] += 1;
      if (only === "all" || kind === only) shown.push(tag);
    }
    shown.sort(comparer(by, direction));
    for (const [name, { button, count }] of buttons) {
      setAttribute(button, "aria-pressed", String(name === only));
      setText(count, many(counts[name]));
    }
    setText(told, shown.length === live.tags.size ? `${many(shown.length)} tags` : `${many(shown.length)} of ${many(live.tags.size)} tags`);
    empty.hidden = shown.length > 0;
    setText(empty, live.state === "connecting" ? "Loading …" : live.tags.size === 0 ? "There are no tags yet."
      : only === "invalid" && !text ? "No tag is invalid." : "No tag fits.");
    table.set(shown, by, direction);
  }

  select();
  return {
    update() {
      // the order changes only now and then, and not under a pointer or a focus that is about to choose a row
      const due = performance.now() - sortedAt > RESORT && !table.body.matches(":hover, :focus-within");
      if (seen !== live.version || due) select();
      else table.draw();
      fill(table.items.slice(table.from, table.to));
    },
    params(query) {
      text = field.value = query.get("filter") ?? "";
      only = ONLY[query.get("only")] ? query.get("only") : "all";
      by = query.get("sort") ?? "name";
      direction = query.get("dir") ?? "ascending";
      select();
    },
    close() { table.close(); },
  };
}
