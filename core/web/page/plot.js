/** The curve of one tag: dygraphs draws; what is valid is a line, what is not is a gap, the least and the greatest are a band. */
import { h } from "./dom.js";
import { ask, live } from "./live.js";
import { STEPS, clock, number, plural } from "./words.js";

export const RANGES = [["hour", "1 hour", 3600], ["day", "1 day", 86400], ["week", "1 week", 604800]];
const MOST = 2400;            // values that are asked for as they are; more come as intervals
const EVERY = { hour: 10, day: 120, week: 900 };

let loading = null;

/** dygraphs is no module: it comes once, from the same place as the page. */
function dygraphs() {
  loading ??= new Promise((done, failed) => {
    const script = h("script", { src: "/page/dygraph.min.js" });
    script.onload = () => {
      // its legend sets styles in a way that the content security policy forbids; the plot has one of its own
      const { Dygraph } = globalThis;
      Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);
      done(Dygraph);
    };
    script.onerror = () => { loading = null; failed(new Error("the drawing library did not come")); };
    document.head.append(script);
  });
  return loading;
}

const stamp = (t) => (typeof t === "string" ? Date.parse(t) : Number(t) * 1000);

function numeric(v) {
  if (v === true) return 1;
  if (v === false) return 0;
  return v === null || v === undefined ? null : Number.isFinite(Number(v)) ? Number(v) : null;
}

/** A point: [time, least, level, greatest, and these three as they came]; what a curve cannot draw to the digit is still told so. */
function point(time, ...raw) {
  const drawn = raw.map(numeric);
  return drawn[1] === null ? [time, NaN, NaN, NaN] : [time, drawn[0] ?? drawn[1], drawn[1], drawn[2] ?? drawn[1], raw];
}

/** The points of a range; NaN is a gap. */
export async function points(tag, range, seconds) {
  const to = Math.ceil(live.now() / 1000) + 60, from = Math.floor(live.now() / 1000) - seconds;
  const base = `history?tag=${encodeURIComponent(tag.name)}&from=${from}&to=${to}`;
  const rows = await ask(`${base}&limit=${MOST}`, { timeout: 30000 });
  if (rows.length < MOST) {
    const found = rows.map((r) => {
      const v = r.status === "valid" || r.status === undefined ? r.value : null;
      return point(stamp(r.time), v, v, v);
    });
    return { from, found: held(found, tag), band: false };
  }
  const thin = await ask(`${base}&every=${EVERY[range]}&as=min,time_avg,max`, { timeout: 30000 });
  return { from, band: true, found: thin.map((r) => point(stamp(r.time), r.min, r.time_avg ?? r.value, r.max)) };
}

/** A value holds until the next: the last one is drawn as far as now. */
function held(found, tag) {
  const end = found[found.length - 1];
  if (end && tag.status === "valid" && live.now() > end[0] && live.state === "live") found.push([live.now(), ...end.slice(1)]);
  return found;
}

/** A number of the axis, in as many letters as it has room for. */
function label(v) {
  const plain = number(Number(v.toPrecision(6)));
  return plain.length > 8 ? v.toExponential(2) : plain;
}

/** One of the three of a point: an integer to its last digit. */
function told(p, at) {
  const raw = p[4]?.[at - 1];
  return typeof raw === "bigint" || Number.isInteger(raw) ? String(raw) : number(Number(Number(p[at]).toPrecision(8)));
}

/** Why there is nothing older. */
function without() {
  return live.status?.outlets?.some((o) => o.kind === "postgres") ? "the history is in PostgreSQL, which is not read from here"
    : "the config has no history";
}

/** The plot's part of a tag's page. */
export class Plot {
  constructor(tag) {
    this.tag = tag;
    this.range = "hour";
    this.buttons = new Map();
    const choice = h("div.choice", { role: "group", "aria-label": "Time range" });
    for (const [name, title] of RANGES) {
      const button = h("button", { text: title, "aria-pressed": String(name === this.range),
        onclick: () => this.choose(name) });
      this.buttons.set(name, button);
      choice.append(button);
    }
    this.csv = h("a.quiet", { download: `${tag.name}.csv`, text: "CSV" });
    this.box = h("div.plot", { role: "img" });
    this.note = h("p.note.plot-note", { role: "status" });
    this.cross = h("p.note.cross", { "aria-hidden": "true", text: "\u00a0" });
    this.node = h("section.panel", { "aria-labelledby": "t-curve" }, h("div.bar",
      h("h2", { id: "t-curve", text: "Curve" }), choice, this.csv), this.cross, this.box, this.note);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.onchange = () => this.load();
    this.choose(this.range);
  }

  choose(name) {
    this.range = name;
    for (const [other, button] of this.buttons) button.setAttribute("aria-pressed", String(other === name));
    const [, , seconds] = RANGES.find(([n]) => n === name);
    this.seconds = seconds;
    const query = new URLSearchParams({ tag: this.tag.name, from: Math.floor(live.now() / 1000) - seconds, format: "csv" });
    this.csv.href = "/api/v1/history?" + query;
    this.load();
  }

  async load() {
    const turn = this.turn = (this.turn ?? 0) + 1;
    try {
      const [Dygraph, data] = await Promise.all([dygraphs(), this.data()]);
      if (turn !== this.turn || this.closed) return;
      this.draw(Dygraph, data);
    } catch (error) {
      if (turn !== this.turn || this.closed) return;
      this.note.textContent = `No curve: ${error.message}`;
    }
  }

  /** From the history; where there is none, what came since the page was opened. */
  async data() {
    this.kept = live.info.history !== false;
    if (this.kept) return points(this.tag, this.range, this.seconds);
    const to = live.now() / 1000, found = [], curve = this.tag.curve;
    for (let at = 0; at < curve.length; at += 2) found.push(point(curve[at], curve[at + 1], curve[at + 1], curve[at + 1]));
    return { from: to - this.seconds, found: held(found, this.tag), band: false };
  }

  draw(Dygraph, { from, found, band }) {
    const good = found.filter((p) => Number.isFinite(p[2]));
    this.points = found;
    this.box.hidden = good.length === 0;
    this.csv.hidden = !this.kept;
    if (good.length === 0) {
      this.note.textContent = this.kept ? "No valid value in this time." : `It begins with the next value: ${without()}.`;
      return;
    }
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue(name).trim();
    const rows = found.map((p) => [new Date(p[0]), [p[1], p[2], p[3]]]);
    const step = STEPS.has(this.tag.type);
    const options = {
      labels: ["time", "value"], customBars: true, legend: "never", stepPlot: step, connectSeparatedPoints: false,
      colors: [colour("--curve")], strokeWidth: 1.6, fillAlpha: 0.22, drawPoints: good.length < 120, pointSize: 2,
      dateWindow: this.window(from * 1000, good[0][0]), gridLineColor: colour("--rule"), axisLineColor: colour("--rule"),
      highlightCircleSize: 4, includeZero: false, xRangePad: 4, yRangePad: 10, animatedZooms: false,
      axes: { x: { pixelsPerLabel: 90 }, y: { axisLabelWidth: 62, axisLabelFormatter: label } },
      highlightCallback: (_, x, highlighted) => this.point(x, highlighted), unhighlightCallback: () => this.point(null),
    };
    if (step) options.valueRange = this.tag.type === "Qi" ? [-0.3, 4.3] : [-0.15, 1.15];
    if (this.graph) { this.graph.destroy(); this.graph = null; }
    this.graph = new Dygraph(this.box, rows, options);
    const end = (at, better) => told(good.reduce((best, p) => (better(p[at], best[at]) ? p : best)), at);
    const low = end(1, (a, b) => a < b), high = end(3, (a, b) => a > b), last = told(good[good.length - 1], 2);
    const unit = this.tag.unit ? ` ${this.tag.unit}` : "";
    const words = `least ${low}${unit}, greatest ${high}${unit}, last ${last}${unit}`;
    this.box.setAttribute("aria-label", `Curve of ${this.tag.name}: ${words}`);
    this.box.dataset.points = String(good.length);
    this.note.textContent = `${words}; ${plural(good.length, band ? "interval" : "point")}`
      + (this.kept ? band ? ", the band is least to greatest" : "" : `; since this page was opened: ${without()}`);
  }

  /** From the begin of the range until now; when most of it was before anything came, from there. */
  window(from, first) {
    const now = live.now(), begin = first > from + (now - from) * 0.6 ? first - Math.max((now - first) * 0.04, 1000) : from;
    return [begin, now];
  }

  point(x, highlighted) {
    if (x === null) { this.cross.textContent = "\u00a0"; return; }
    const found = this.points.find((p) => p[0] === x) ?? [x, NaN, highlighted?.[0]?.yval, NaN];
    const unit = this.tag.unit ? ` ${this.tag.unit}` : "";
    const spread = found[1] !== found[3] && Number.isFinite(found[1]) ? ` (${told(found, 1)} to ${told(found, 3)})` : "";
    this.cross.textContent = `${clock(x, { milli: false })}   ${told(found, 2)}${unit}${spread}`;
  }

  close() {
    this.closed = true;
    this.dark.onchange = null;
    this.graph?.destroy();
  }
}
