/** The messages that came, newest first: live or paused, each with its payload and its way. */
import { h, icon, keyed, setAttribute, setText } from "./dom.js";
import { ask, live } from "./live.js";
import { clock, many, visible } from "./words.js";
import { explainMessage } from "./explain.js";
import { flagsOf, payloadBlock, payloadLine, payloadOf } from "./payload.js";

const EVERY = 1000, LIMIT = 200;
const LONGEST = 5000;         // characters that a question can carry

function keyOf(m) { return `${m.line}\n${m.number}`; }

function makeRow(open) {
  return (m) => {
    const payload = payloadOf(m);
    const button = h("button.message", { onclick: () => open(m) },
      h("span.num", clock(m.time * 1000, { milli: true })), h("span.topic", visible(m.topic)),
      h("span", { class: "to" + (m.station ? "" : " grade-1") }, m.station ? m.station : [icon("warn"), h("span", "no station")]),
      h("span.line1", payloadLine(payload)));
    return h("li", button);
  };
}

export function messages(box, params) {
  let text = params.get("match") ?? "", paused = false, asking = false, asked = 0, found = [], chosen = null, closed = false;
  let only = false;
  const field = h("input", { type: "search", id: "match", value: text, placeholder: "Topic filter, line, station or tag",
    autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/",
    "aria-label": "Show messages of a topic filter, a line, a station or a tag",
    oninput: () => { text = field.value; again(); } });
  const pause = h("button.pause", { onclick: () => { paused = !paused; state(); draw(); again(); } });
  const lost = h("button", { "aria-pressed": "false", text: "No station", title: "Only messages that no station takes",
    onclick: () => { only = !only; setAttribute(lost, "aria-pressed", String(only)); draw(); } });
  const told = h("p.told", { role: "status" });
  const rows = h("ul.message-list", { "aria-label": "Messages, newest first" });
  const detail = h("section.detail.panel", { "aria-label": "The chosen message", tabindex: -1 },
    h("p.dim", "Choose a message to read its payload, and where it went and why."));
  box.append(h("div.bar", h("h1", { tabindex: -1, text: "Messages" }), field, h("div.choice", lost), pause, told),
    h("div.split", rows, detail));

  function state() {
    pause.replaceChildren(icon(paused ? "play" : "pause"), h("span", paused ? "Go on" : "Pause"));
    setAttribute(pause, "aria-pressed", String(paused));
  }

  function again() { asked = 0; tick(); }

  function draw() {
    const shown = only ? found.filter((m) => !m.station) : found;
    keyed(rows, shown, keyOf, makeRow(open), (node, m) => setAttribute(node.firstChild, "aria-current", chosen === keyOf(m) || null));
    setText(told, found.wrong ? `Not understood: ${found.wrong}` : shown.length === 0
      ? "No message yet." : `${paused ? "Paused: the" : "The"} last ${many(shown.length)}`);
    told.classList.toggle("is-wrong", Boolean(found.wrong));
  }

  async function tick() {
    if (paused || asking || document.hidden || performance.now() - asked < EVERY) return;
    asking = true;
    asked = performance.now();
    const wanted = text.trim();
    try {
      const answer = await ask(`messages?limit=${LIMIT}${wanted ? `&match=${encodeURIComponent(wanted)}` : ""}`);
      if (!closed && !paused) found = answer.slice(-LIMIT).sort((a, b) => b.time - a.time || b.number - a.number);
    } catch (error) {
      if (error.status === 400) found = Object.assign([], { wrong: error.message });
    }
    asking = false;
    if (closed) return;
    draw();
    if (wanted !== text.trim()) again();
  }

  function shut() {
    box.classList.remove("is-open");
    rows.querySelector("[aria-current]")?.focus();
  }

  async function open(m) {
    chosen = keyOf(m);
    draw();
    const payload = payloadOf(m), where = h("div", h("p.dim", "…"));
    detail.replaceChildren(h("button.shut.quiet", { text: "Close", onclick: shut }), h("h2.topic-title", visible(m.topic)),
      h("p.note", `line ${m.line}, ${clock(m.time * 1000, { date: true, milli: true })}, ${flagsOf(m, payload)}`),
      payloadBlock(payload), h("h3", "Where it goes and why"), where);
    box.classList.add("is-open");
    if (matchMedia("(max-width: 900px)").matches) detail.focus();
    if (payload.text === null || m.topic.length + payload.text.length > LONGEST) {
      where.replaceChildren(h("p", m.station ? ["Taken by ", h("b", m.station), ". "] : "No station takes it. ",
        h("span.dim", "Only texts of less than 5 kB are explained here; at the prompt: "),
        h("code", `messages("${m.topic.replace(/["\\]/g, "\\$&")}")`)));
      return;
    }
    try {
      const doc = await ask(`explain?topic=${encodeURIComponent(m.topic)}&payload=${encodeURIComponent(payload.text)}`);
      if (chosen === keyOf(m)) where.replaceChildren(...explainMessage(doc, m.line));
    } catch (error) {
      where.replaceChildren(h("p.dim", `No answer: ${error.message}`));
    }
  }

  state();
  draw();
  const timer = setInterval(tick, 250);
  tick();
  return {
    update() { if (live.state === "lost") setText(told, "connection lost"); },
    params(query) { text = field.value = query.get("match") ?? ""; again(); },
    close() { closed = true; clearInterval(timer); },
  };
}
