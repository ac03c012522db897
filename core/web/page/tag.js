/** One tag: its value now, its curve, why it is what it is, and the last messages of its station. */
import { h, icon, name as parts, setText } from "./dom.js";
import { ask, live } from "./live.js";
import { OUTPUTS, NUMERIC, REASONS, clock, kindOf, span, stateOf, value } from "./words.js";
import { setState } from "./table.js";
import { Plot } from "./plot.js";
import { explainTag } from "./explain.js";
import { messageRow } from "./payload.js";
import { writeForm } from "./write.js";

const AGAIN = 5000;           // milliseconds between two questions for what does not come by itself
const PLOT_AGAIN = { hour: 10000, day: 60000, week: 300000 };

function section(id, title) {
  const body = h("div");
  return { node: h("section.panel", { "aria-labelledby": id }, h("h2", { id, text: title }), body), body };
}

export function tag(box, params, name) {
  const path = h("a.back", { href: "#/tags", text: "Tags" });
  const title = h("h1", { tabindex: -1 }, parts(name));
  const description = h("p.dim");
  const now = h("output.now", { "aria-label": "Value" }), unit = h("span.unit");
  const state = h("span"), reason = h("span.reason"), age = h("span.age");
  const kind = h("p.kind.dim");
  const card = h("section.panel.value-card", { "aria-label": "Value now" }, h("p.big", now, unit),
    h("p.states", state, reason, age), kind);
  const explained = section("t-why", "Why");
  const last = section("t-last", "Last messages of its station");
  const head = h("div.head", h("nav.crumbs", { "aria-label": "Way back" }, path), title, description);
  const missing = h("p.panel.empty", { hidden: true, text: `There is no tag ${name} now.` });
  box.append(head, missing, card);

  let plot = null, form = null, asked = 0, seen = "", closed = false, plotted = 0, built = false, answer = "";

  function build(one) {
    built = true;
    if (NUMERIC.test(one.type)) {
      plot = new Plot(one);
      plotted = performance.now();
      box.append(plot.node);
    }
    box.append(explained.node, last.node);
  }

  function writable(one) {
    if (form || !OUTPUTS.test(one.type) || one.address === "OUT_TOPIC" || one.address === "ACK_ID") return;
    if (live.info.write !== true) return;
    form = section("t-write", "Write");
    form.body.append(writeForm(one));
    card.after(form.node);
  }

  async function more() {
    asked = performance.now();
    try {
      const doc = await ask("explain?tag=" + encodeURIComponent(name));
      if (closed) return;
      // what is selected stays selected while nothing new came
      const text = JSON.stringify(doc, (_, v) => (typeof v === "bigint" ? String(v) : v));
      if (text !== answer) explained.body.replaceChildren(...explainTag(doc));
      answer = text;
    } catch (error) {
      explained.body.replaceChildren(h("p.dim", `No answer: ${error.message}`));
    }
    try {
      const found = (await ask(`messages?match=${encodeURIComponent(name)}&limit=10`)).reverse();
      if (closed) return;
      const key = found.map((m) => `${m.line}${m.number}`).join();
      if (key === last.key) return;
      last.key = key;
      last.body.replaceChildren(found.length ? h("ul.mini", found.map(messageRow))
        : h("p.dim", "None was recorded."));
    } catch (error) {
      last.body.replaceChildren(h("p.dim", `No answer: ${error.message}`));
    }
  }

  return {
    update() {
      const one = live.tags.get(name);
      missing.hidden = one !== undefined || live.version === 0;
      card.hidden = one === undefined;
      if (!one) return;
      if (!built) build(one);
      writable(one);
      setText(age, Number.isFinite(one.time) ? `${span((live.now() - one.time) / 1000)} ago` : "never");
      const stamp = `${one.time}|${one.status}|${one.reason}|${one.unit}|${one.value ?? one.base64}|${one.address}`;
      if (stamp !== seen) {
        seen = stamp;
        asked = Math.min(asked, performance.now() - AGAIN + 700);
        setText(now, value(one));
        if (unit.textContent !== one.unit) plotted = -Infinity;
        setText(unit, one.unit);
        setState(state, stateOf(one), icon);
        setText(reason, one.reason ? `${one.reason}: ${REASONS[one.reason] ?? ""}` : "");
        setText(description, one.description);
        description.hidden = one.description === "";
        const time = Number.isFinite(one.time) ? `, ${clock(one.time, { date: true, milli: true })}` : "";
        setText(kind, `${one.type}, ${one.address || "filled by decode"}${time}`);
        card.className = `panel value-card is-${kindOf(one)}`;
      }
      if (performance.now() - asked > AGAIN && live.state === "live" && !document.hidden) more();
      if (plot && live.state === "live" && performance.now() - plotted > PLOT_AGAIN[plot.range]) {
        plotted = performance.now();
        plot.load();
      }
    },
    close() { closed = true; plot?.close(); },
  };
}
