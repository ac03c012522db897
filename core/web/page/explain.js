/** What `explain` found, in words: where a message goes, which stations were tried, what each tag becomes and why. */
import { h, icon } from "./dom.js";
import { bytes } from "./exact.js";
import { clock, hex, number, plural, visible } from "./words.js";
import { tagLink } from "./tags.js";

function raw(item, key = "raw") {
  if (typeof item[key] === "string") return visible(item[key].length > 60 ? item[key].slice(0, 58) + "…" : item[key]);
  const base64 = item[key + "_base64"];
  return base64 === undefined ? "" : hex(bytes(base64));
}

function shown(v, unit) {
  if (v === null || v === undefined) return "–";
  if (typeof v === "object") return hex(bytes(v.base64 ?? ""));
  const text = typeof v === "string" ? `"${visible(v.length > 80 ? v.slice(0, 78) + "…" : v)}"` : number(v);
  return unit ? `${text} ${unit}` : text;
}

const STEPS = {
  convert: (s) => s.code !== "ok" ? `${s.from} is not readable as ${s.to} (${s.code})` : s.lost === "rounded" ? "digits are lost: rounded"
    : s.lost ? "more than 64 bits hold: the nearest that they do" : "",
  "no-match": () => "the expression does not match",
  "not-utf8": () => "the payload is not UTF-8, which RE= needs",
  limit: () => "given up: the expression takes too many steps",
  linear: (s) => `${number(s.from)} × ${number(s.k)} ${s.q < 0 ? "−" : "+"} ${number(Math.abs(s.q))} = ${number(s.to)}`,
  range: (s) => `${number(s.from)} is outside ${number(s.min)} to ${number(s.max)}`,
  clamp: (s) => `${number(s.from)} is outside ${number(s.min)} to ${number(s.max)}: ${number(s.to)}`,
  discard: (s) => `${number(s.from)} is outside ${number(s.min)} to ${number(s.max)}`,
  deadband: (s) => `${number(s.from)} is within ${number(s.deadband)} of ${number(s.kept)}`,
  default: () => "not there: the default", keep: () => "not there",
};

function near(n) {
  const where = n.at ? raw(n, "at") : "the document", start = `no '${raw(n, "lacks")}' in ${where}`;
  if (n.type === "array") return `${start}, which has ${plural(n.count, "item")}`;
  if (n.type !== "object") return `${start}, which is ${n.type === "number" || n.type === "string" ? "a " : ""}${n.type}`;
  if (n.count === 0) return `${start}, which is empty`;
  const more = n.count > n.has.length ? `, ${n.count - n.has.length} more` : "";
  return `${start}, which has: ${n.has.map(visible).join(", ")}${more}`;
}

/** Where a document cannot be read, what was expected there, and what would cure it. */
export function unreadable(j) {
  const where = j.byte !== undefined ? `byte ${j.byte}` : `line ${j.line}, column ${j.column}`;
  const cure = j.cure ? `, got ${j.got}: prepare = "${j.cure}" takes care of it` : "";
  return `${where}: expected ${j.expected}${cure}`;
}

/** Why a tag became what it did. */
export function why(t) {
  const words = (t.steps ?? []).map((s) => STEPS[s.step]?.(s)).filter(Boolean);
  if (t.will) return "its station's will";
  if (t.decode?.error) return visible(t.decode.error.split("\n")[0]);
  if (t.json && t.json.code !== "ok") return `${t.json.byte !== undefined ? "unreadable" : "not JSON"}: ${unreadable(t.json)}`;
  if (t.near) return [near(t.near), ...words.map((w) => w.replace(/^not there:? ?/, "")).filter(Boolean)].join(", ");
  return words.join(", ");
}

function become(t) { return shown(t.value, t.unit); }

const OUTCOMES = {
  new: become, default: become, same: (t) => `${become(t)}, as before`, deadband: (t) => `${become(t)}, as before`,
  kept: () => "keeps its value", discarded: () => "discarded, keeps its value", output: () => "filled by writes",
  "no-decode": () => "no address, and the station has no decode", "not-returned": () => "decode gave nothing for it",
  "not-json": () => "not read: the station's payload_type is not JSON",
};

function outcome(t) {
  const of = t.status === "invalid" ? undefined : OUTCOMES[t.code];
  return of ? h("span", of(t)) : h("span.state.grade-2", icon("bad"), `invalid: ${t.reason ?? t.code}`);
}

function table(label, titles, rows) {
  return h("div.wide", { tabindex: 0, role: "region", "aria-label": label }, h("table.facts-table", h("caption.away", label),
    h("thead", h("tr", titles.map((t) => h("th", { scope: "col", text: t })))),
    h("tbody", rows.map((cells) => h("tr", cells.map((c, at) => h("td", { "data-label": titles[at] }, c)))))));
}

/** explain(tag): the last messages that could feed it, newest first. */
export function explainTag(doc) {
  const error = doc.line_error ? `: ${visible(doc.line_error)}` : "", address = h("code", raw(doc, "station_address") || "–");
  const parts = [h("p", "Its station takes ", address, ` and is ${doc.station_status}; its line is ${doc.line_status}${error}.`)];
  if (doc.recorder_bytes === 0) {
    parts.push(h("p", "The line records no messages (recorder = 0)."));
  } else if (doc.messages?.length && doc.messages.every((m) => m.code === "output")) {
    parts.push(h("p", "It is an output: writes fill it, messages do not."));
  } else if (doc.messages?.length) {
    const rows = doc.messages.slice(0, 8).map((m) => [clock(Date.parse(m.received), { milli: true }),
      [outcome(m), m.number === doc.set_by && h("span.tag-note", "set it")], why(m), h("code", raw(m)), h("code", visible(m.topic))]);
    parts.push(table("The last messages that could feed it, newest first", ["Received", "Became", "Why", "What came", "Topic"], rows));
  } else {
    parts.push(h("p", doc.recorded
      ? `None of the ${plural(doc.recorded, "recorded message")} of the line is for its station.`
      : "No message has come on its line yet."));
    const others = (doc.others ?? []).map((o) => [h("code", visible(o.topic)), `${o.count}×`,
      o.station ? `goes to ${o.station}` : "goes nowhere", o.why ?? ""]);
    if (others.length) parts.push(table("Other topics", ["Topic", "Count", "Where", "Why not here"], others));
  }
  return parts;
}

const CODES = { "no-filter": "no topic filter of this line lets it in", "no-station": "no station takes it: acknowledged and counted" };

function tried(t) {
  return h("li", icon(t.matched ? "arrow" : "none"), h("b", t.station), " ", h("code", raw(t, "address")), " ", h("span.dim", t.why));
}

function when(t) {
  const from = { ok: `from ${t.field}`, decode: "from decode" }[t.code] ?? "of arrival";
  return `${clock(Date.parse(t.value), { milli: true })}, ${from}`;
}

function ofLine(l) {
  const filter = (l.filters ?? []).find((f) => f.takes), facts = [];
  const say = (given, term, ...what) => given && facts.push(h("dt", term), h("dd", what));
  say(true, "Filter", filter ? [h("code", filter.filter), " lets it in"] : "none of the line's filters lets it in");
  const more = l.tried_more && h("li.dim", `${l.tried_more} more that do not match`);
  say(l.tried?.length, "Stations", h("ul.tried", l.tried?.map(tried), more));
  say(l.station, "Taken by", h("b", l.station), ` (${l.station_status ?? "made at its first message"}), read as ${l.payload_type}`);
  const p = l.prepare, d = l.decode;
  say(p, "Prepare", p?.code === "ok" ? `${raw(p, "before")} → ${raw(p, "after") || "unchanged"}` : p?.code);
  say(l.json && l.json.code !== "ok", "Payload", h("span.state.grade-2", icon("bad"), `unreadable: ${l.json ? unreadable(l.json) : ""}`));
  say(d, "Decode", d?.error ? visible(d.error) : d?.code === "ok" ? "ran" : d?.code);
  say(l.timestamp, "Time", l.timestamp && when(l.timestamp));
  say(CODES[l.code], "So", CODES[l.code]);
  const rows = (l.tags ?? []).map((t) => [h("a", { href: tagLink(t.tag), text: t.name }), outcome(t), h("code", raw(t)), why(t),
    h("code", t.address || "(decode)")]);
  return [h("dl.told-list", facts),
    rows.length > 0 && table(`Tags of ${l.station}`, ["Tag", "Becomes", "What came", "Why", "Address"], rows)];
}

/** explain(topic, payload): of each line that could have it. */
export function explainMessage(doc, line) {
  const lines = doc.lines.filter((l) => !line || l.line === line);
  return lines.map((l) => h("div", lines.length > 1 && h("h4", `Line ${l.line}`), ofLine(l)));
}
