/**
 * What the page knows of the plant: all tags by the event stream, status(), and whether the connection stands. The stream is read with
 * fetch: EventSource does not show the comment that comes each 5 s and tells that it lives.
 */
import { parse } from "./exact.js";
import { keepPoint } from "./dom.js";
import { level } from "./words.js";

const SILENCE = 7500;         // milliseconds without a byte of the stream until it counts as lost; a comment comes each 5 s

export class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

function leave() {
  location.replace("/login" + location.hash);
  return new Promise(() => {});
}

/** GET (or POST with `body`) of /api/v1/…: the parsed answer. Raises Refused with the server's words. */
export async function ask(path, { body, timeout = 8000 } = {}) {
  const answer = await fetch("/api/v1/" + path, {
    method: body === undefined ? "GET" : "POST", body, cache: "no-store", redirect: "error",
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    signal: AbortSignal.timeout(timeout),
  });
  if (answer.status === 401) return leave();
  const date = Date.parse(answer.headers.get("Date"));
  if (Number.isFinite(date)) live.noteClock(date);
  const text = await answer.text();
  let read;
  try { read = parse(text); } catch { /* told below */ }
  if (!answer.ok || read === undefined) throw new Refused(answer.status, read?.error ?? `the server answered ${answer.status}`);
  return read;
}

class Live extends EventTarget {
  tags = new Map();           // by full name
  status = null;              // the last answer of status
  problems = [];
  state = "connecting";       // "live", "lost"
  heard = 0;                  // performance.now() of the last byte of the stream
  lostAt = 0;                 // performance.now()
  lastAt = 0;                 // Date.now() of the last byte
  version = 0;                // changes when tags come or go
  info = {};                  // the answer of /api/v1/
  skew = 0;                   // the server's clock minus ours, milliseconds
  #eventId = "";
  #retry = 500;
  #abort = null;
  #statusTimer = 0;

  start() {
    this.#run();
    this.#pollStatus();
    ask("").then((info) => { this.info = info; this.#tell("info"); }).catch(() => {});
    setInterval(() => this.#check(), 500);
  }

  /** The server's time, in milliseconds since 1970. */
  now() { return Date.now() + this.skew; }

  noteClock(date) {
    const skew = date + 500 - Date.now();
    this.skew = Math.abs(skew) > 2500 ? skew : 0;
  }

  /** Ask for status() soon: something happened that it may tell more of. */
  hurry(ms = 300) {
    clearTimeout(this.#statusTimer);
    this.#statusTimer = setTimeout(() => this.#pollStatus(), ms);
  }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  #check() {
    if (this.state === "live" && performance.now() - this.heard > SILENCE) this.#abort?.abort();
    this.#tell("tick");
  }

  #setState(state) {
    if (state === this.state) return;
    if (state === "lost") this.lostAt = this.heard || performance.now();
    this.state = state;
    this.#tell("state");
  }

  async #run() {
    for (;;) {
      try { await this.#stream(); } catch (error) { if (error instanceof Refused) this.refused = error.message; }
      this.#setState("lost");
      await new Promise((done) => setTimeout(done, this.#retry));
      this.#retry = Math.min(this.#retry * 2, 4000);
    }
  }

  async #stream() {
    this.#abort = new AbortController();
    const late = setTimeout(() => this.#abort.abort(), SILENCE);
    const headers = { Accept: "text/event-stream" };
    if (this.#eventId !== "") headers["Last-Event-ID"] = this.#eventId;
    const answer = await fetch("/api/v1/events", { headers, cache: "no-store", signal: this.#abort.signal, redirect: "error" });
    clearTimeout(late);
    if (answer.status === 401) await leave();
    if (!answer.ok) {
      if (answer.status === 503) throw new Refused(503, "tagline already serves as many pages as it may");
      throw new Refused(answer.status, `the server answered ${answer.status}`);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    this.#heardNow();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#heardNow();
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) this.#event(block);
    }
  }

  #heardNow() {
    this.heard = performance.now();
    this.lastAt = Date.now();
    this.#retry = 500;
    this.refused = undefined;
    if (this.state !== "live") {
      this.#setState("live");
      this.hurry(50);
    }
  }

  #event(block) {
    let name = "message", id = null;
    const data = [];
    for (const line of block.split(/\r?\n/)) {
      const at = line.indexOf(":");
      if (at <= 0) continue;
      const field = line.slice(0, at), text = line.slice(at + 1).replace(/^ /, "");
      if (field === "event") name = text;
      else if (field === "data") data.push(text);
      else if (field === "id") id = text;
    }
    if (id !== null) this.#eventId = id;
    if (data.length === 0) return;
    const news = parse(data.join("\n"));
    if (name === "snapshot") this.#snapshot(news);
    else if (name === "values") this.#values(news);
  }

  #snapshot(values) {
    const names = new Set(values.map((v) => v.tag));
    for (const name of this.tags.keys()) if (!names.has(name)) this.tags.delete(name);
    this.#values(values);
    this.version += 1;
    this.#describe();
  }

  /** Units, descriptions and addresses are no news: they are asked for with each snapshot. */
  async #describe() {
    try {
      for (const one of await ask("tags", { timeout: 60000 })) {
        const tag = this.tags.get(one.tag);
        if (!tag) continue;
        tag.unit = one.unit ?? "";
        tag.description = one.description ?? "";
        tag.address = one.address ?? "";
      }
      this.#tell("values");
    } catch { /* the next snapshot asks again */ }
  }

  #values(values) {
    let worse = false, came = false;
    for (const v of values) {
      let tag = this.tags.get(v.tag);
      if (!tag) {
        const first = v.tag.indexOf("."), last = v.tag.lastIndexOf(".");
        tag = { name: v.tag, line: v.tag.slice(0, first), station: v.tag.slice(first + 1, last), short: v.tag.slice(last + 1),
          unit: "", description: "", address: "", curve: [] };
        this.tags.set(v.tag, tag);
        came = true;
      }
      if (tag.status !== v.status) worse = true;
      tag.type = v.type;
      tag.value = v.value;
      tag.base64 = v.base64;
      tag.status = v.status;
      tag.reason = v.reason ?? "";
      tag.time = v.time ? Date.parse(v.time) : NaN;
      if (v.unit !== undefined) tag.unit = v.unit;
      if (v.status !== "unset" && !(tag.curve.at(-2) >= tag.time)) keepPoint(tag.curve, tag.time, level(tag));
    }
    if (came) this.version += 1;
    if (worse) this.hurry(700);
    this.#tell("values");
  }

  async #pollStatus() {
    clearTimeout(this.#statusTimer);
    try {
      if (!document.hidden || !this.status) {
        this.status = await ask("status");
        this.problems = this.status.problems;
        this.#tell("status");
      }
    } catch { /* the stream tells whether the connection is lost */ }
    this.#statusTimer = setTimeout(() => this.#pollStatus(), this.wanted ?? 5000);
  }
}

export const live = new Live();
