/** What is wrong first, in words, with the remedy; then the lines, the stations, and where values are kept. */
import { h, icon, keepPoint, name, keyed, setText, setAttribute, spark } from "./dom.js";
import { ask, live } from "./live.js";
import { STATIONS, kindOf, many, plural, size, span, visible } from "./words.js";
import { setState } from "./table.js";
import { tagLink } from "./tags.js";

const CHIPS = 8, SHOWN = 60, STATIONS_AGAIN = 10000;
const rates = new Map();      // by line: messages a second; kept while other views are shown

live.addEventListener("status", () => {
  for (const line of live.status.lines) {
    const curve = rates.get(line.name) ?? [];
    keepPoint(curve, live.now(), line.received_per_s ?? 0);
    rates.set(line.name, curve);
  }
});

/** Entries that say the same of several tags become one. */
export function grouped(entries) {
  const groups = new Map();
  for (const one of entries) {
    const key = [one.code, one.line, one.text, one.tag ? "" : `${one.station}\n${one.remedy}`].join("\n");
    const group = groups.get(key) ?? { ...one, key, tags: [] };
    if (one.tag) group.tags.push(one.tag);
    if (group.station !== one.station) group.station = undefined;
    groups.set(key, group);
  }
  return [...groups.values()];
}

function chip(href, text) { return h("li", h("a", { href }, name(text))); }

/** What is wrong with tags is told by a tag's own page; other remedies are words. */
function entry(group, shape) {
  const { tags, line, station } = group;
  const remedy = tags.length ? "open a tag to see what came, and why it does not fit:" : group.remedy;
  const chips = tags.slice(0, CHIPS).map((name) => chip(tagLink(name), name));
  if (tags.length > CHIPS) {
    const query = new URLSearchParams({ only: "invalid", filter: (station ?? line ?? "") + "." });
    chips.push(chip("#/tags?" + query, `and ${many(tags.length - CHIPS)} more`));
  }
  return h("li.entry", icon(shape), h("div",
    h("p.what", h("b", station ?? (line ? `line ${line}` : "tagline")), " ", h("span", visible(group.text))),
    remedy && h("p.remedy", icon("arrow"), h("span.away", "Remedy: "), h("span", visible(remedy))),
    chips.length > 0 && h("ul.chips", chips)));
}

function panel(title, ...children) {
  const id = "t-" + title.toLowerCase();
  return h("section.panel", { "aria-labelledby": id }, h("h2", { id, text: title }), children);
}

function figure(title) {
  const number = h("dd"), note = h("dd.note"), node = h("div.figure", h("dt", title), number, note);
  return { node, set(text, fine, wrong) {
    setText(number, text);
    setText(note, wrong || fine);
    node.className = `figure grade-${wrong ? 2 : 0}`;
  } };
}

function lineState(line) {
  const all = line.stations ?? {}, sum = Object.values(all).reduce((a, b) => a + b, 0);
  if (line.state === "connected") return ["on", 0, "connected"];
  if (sum > 0 && (all.StOff ?? 0) + (all.StSimul ?? 0) === sum) return ["off", 1, "off: no station needs it"];
  return ["bad", 2, line.state === "waiting" ? "not connected" : `${line.state} …`];
}

const COLUMNS = [["state", "State"], ["to", "Broker"], ["since", "For"], ["messages", "Messages"], ["rate", "/s"], ["curve", "Trend"],
  ["stations", "Stations"]];

function makeLine(line) {
  const cells = Object.fromEntries(COLUMNS.map(([name]) => [name, h("td.c-" + name)]));
  const row = h("tr", h("th", { scope: "row", text: line.name }), Object.values(cells));
  Object.assign(row, { parts: cells, curve: spark(110, 22) });
  cells.state.append(h("span"));
  cells.curve.append(row.curve.node);
  return row;
}

function updateLine(row, line) {
  const p = row.parts, up = line.state === "connected";
  setState(p.state.firstChild, lineState(line), icon);
  setText(p.to, `${up ? line.peer : line.address || line.host}${line.transport ? ` (${line.transport})` : ""}`);
  setText(p.since, up ? span(line.connected_for) : line.retry_in !== undefined ? `next try in ${span(line.retry_in + 0.9)}` : "–");
  setText(p.messages, many(line.messages ?? 0));
  setText(p.rate, (line.received_per_s ?? 0).toFixed(1));
  row.curve.draw(rates.get(line.name) ?? [], false);
  const counts = Object.keys(STATIONS).filter((name) => line.stations?.[name]);
  setText(p.stations, counts.map((name) => `${many(line.stations[name])} ${STATIONS[name][2]}`).join(", ") || "none");
}

function updateStation(row, one) {
  const [state, name, note] = row.children;
  setState(state, STATIONS[one.status] ?? ["none", 1, one.status], icon);
  setText(name, one.station);
  setAttribute(name, "href", "#/tags?" + new URLSearchParams({ filter: one.station + "." }));
  setAttribute(name, "title", one.address);
  setText(note, one.stats ? plural(one.stats.messages, "message") : "");
}

/** Stations by the worst first; templates of named groups are no devices. */
function order(stations) {
  const names = Object.keys(STATIONS), rank = (s) => names.indexOf(s.status);
  return stations.filter((s) => s.stats?.instances === undefined)
    .sort((a, b) => rank(a) - rank(b) || a.station.localeCompare(b.station, "en", { numeric: true }));
}

function updateOutlet(row, o) {
  setState(row.firstChild, o.up ? ["on", 0, o.behind ? `${plural(o.behind, "value")} behind` : "up to date"]
    : ["bad", 2, `away for ${span(o.since)}${o.why ? `: ${visible(o.why)}` : ""}`], icon);
  setText(row.lastChild, [`${many(o.stored)} values stored`, o.rejected && `${many(o.rejected)} rejected`,
    o.dropped && `${many(o.dropped)} dropped`, o.too_old && `${many(o.too_old)} older than keep`].filter(Boolean).join(", "));
}

function facts(s) {
  return `tagline ${s.version}, process ${s.pid}, running for ${span(s.uptime)}, ${s.config.file} ${s.config.hash.slice(0, 8)}`
    + (s.spool ? `, spool ${size(s.spool.bytes)} of ${size(s.spool.max)}` : "");
}

export function overview(box) {
  const verdict = h("h1.verdict", { tabindex: -1 }), sentence = h("p.sentence");
  const figures = ["Lines", "Stations", "Tags", "Messages/s"].map(figure);
  const problems = h("ul.is-problems", { "aria-label": "Problems" }), remarks = h("ul.is-remarks");
  const summary = h("summary"), more = h("details.panel.remarks", summary, remarks);
  const lines = h("tbody"), titles = [["name", "Line"], ...COLUMNS];
  const head = h("thead", h("tr", titles.map(([name, title]) => h("th.c-" + name, { scope: "col", text: title }))));
  const stations = h("ul.stations"), outlets = h("ul.outlets"), last = h("p.facts.dim");
  const all = h("button.quiet", { hidden: true, onclick: () => { shown = 2000; drawStations(); } });
  const stationPanel = panel("Stations", stations, all), outletPanel = panel("Outlets", outlets);
  box.append(h("div.top-row", h("div", { role: "status" }, verdict, sentence), h("dl.figures", figures.map((f) => f.node))), problems,
    panel("Lines", h("div.wide", h("table.lines", head, lines))), stationPanel, outletPanel, more, last);

  let found = [], shown = SHOWN, asked = -Infinity, seen = null, said = "";

  function drawStations() {
    keyed(stations, found.slice(0, shown), (s) => s.station, () => h("li.station", h("span"), h("a"), h("span.note")), updateStation);
    stationPanel.hidden = found.length === 0;
    all.hidden = found.length <= shown;
    setText(all, `Show all ${many(found.length)}`);
  }

  /** The list is long in a large plant: it is asked for now and then. */
  async function askStations() {
    if (performance.now() - asked < STATIONS_AGAIN * (found.length > 500 ? 6 : 1)) return;
    asked = performance.now();
    try {
      found = order(await ask("stations"));
      drawStations();
    } catch { asked = -Infinity; }
  }

  function says() {
    const count = grouped(live.problems).length, lost = live.state === "lost";
    const shape = lost || !live.status ? "none" : count ? "bad" : "good";
    const text = !live.status ? "Loading …" : lost ? "Not known" : count ? `${plural(count, "thing")} to look at` : "Nothing is wrong";
    if (said === text + shape) return;
    said = text + shape;
    verdict.className = `verdict is-${shape}`;
    verdict.replaceChildren(icon(shape), h("span", text));
  }

  function numbers() {
    const each = live.status.lines, [ofLines, ofStations, ofTags, ofRate] = figures;
    const count = (...names) => each.reduce((sum, l) => sum + names.reduce((n, name) => n + (l.stations?.[name] ?? 0), 0), 0);
    const down = each.filter((l) => lineState(l)[1] === 2).length, bad = count("StComErr", "StHardErr");
    ofLines.set(`${each.length - down}/${each.length}`, "connected", down && `${down} not connected`);
    ofStations.set(`${many(count("StOn"))}/${many(count(...Object.keys(STATIONS)))}`, "on", bad && `${many(bad)} silent or faulty`);
    let valid = 0, invalid = 0;
    for (const tag of live.tags.values()) {
      const kind = kindOf(tag);
      if (kind === "valid") valid += 1;
      else if (kind === "invalid") invalid += 1;
    }
    ofTags.set(`${many(valid)}/${many(live.tags.size)}`, "valid", invalid && `${many(invalid)} invalid`);
    const rate = each.reduce((sum, l) => sum + (l.received_per_s ?? 0), 0);
    ofRate.set(rate < 100 ? rate.toFixed(1) : many(Math.round(rate)), "received");
  }

  return {
    update() {
      says();
      if (!live.status) return;
      numbers();
      if (seen === live.status) return;
      seen = live.status;
      const key = (g) => g.key + g.tags.join(), notes = grouped(seen.remarks), kept = seen.outlets ?? [];
      keyed(problems, grouped(live.problems), key, (g) => entry(g, "bad"));
      keyed(remarks, notes, key, (g) => entry(g, "warn"));
      more.hidden = notes.length === 0;
      setText(summary, plural(notes.length, "remark"));
      setText(sentence, live.problems.length ? "With its place, and what to do about it." : "All lines, stations and tags work.");
      keyed(lines, seen.lines, (l) => l.name, makeLine, updateLine);
      outletPanel.hidden = kept.length === 0;
      keyed(outlets, kept, (o) => o.name, (o) => h("li", h("span"), h("b", o.name), h("span.note")), updateOutlet);
      setText(last, facts(seen));
      askStations();
    },
  };
}
