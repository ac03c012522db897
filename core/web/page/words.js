/** Values, times and reasons in words. */
import { bytes } from "./exact.js";

export const REASONS = {
  missing: "the message does not have it",
  json: "the payload is not JSON (or not CBOR, not MessagePack)",
  type: "what came is not of the tag's type",
  range: "outside its range",
  decoder: "decode raised an error, or gave something that the tag cannot hold",
  "station-will": "the device's will came: it is gone",
  disconnected: "the line has been without a connection for too long",
  "no-data": "the device has been silent for too long",
  off: "the station is switched off",
  time: "the time mask cannot read the text",
};

/** Of stations, the worst first: the icon, how bad (0 fine, 1 to look at, 2 wrong), the word. */
export const STATIONS = {
  StHardErr: ["bad", 2, "device fault"], StComErr: ["warn", 2, "no communication"], StWait: ["wait", 1, "waiting"],
  StSimul: ["simulated", 1, "simulated"], StOn: ["on", 0, "on"], StOff: ["off", 1, "switched off"],
};
const TAGS = { valid: ["on", 0, "valid"], invalid: ["bad", 2, "invalid"], unset: ["none", 1, "unset"], off: ["off", 1, "off"] };

/** "valid", "invalid", "unset", or "off": what somebody switched off is invalid, and nothing is wrong with it. */
export function kindOf(tag) { return tag.reason === "off" ? "off" : tag.status; }

export function stateOf(tag) { return TAGS[kindOf(tag)] ?? TAGS.unset; }
const QI = ["Off", "On", "Trans", "Err", "Oscillate"];
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Blanks at an end of a text: nobody would see them. */
const ENDS = /^ +| +$/g;

/** A text with what cannot be seen, or would turn the text around, as \xNN. */
export function visible(text) {
  return text.replace(CONTROL, (c) => {
    const code = c.charCodeAt(0);
    return code === 10 ? "↵" : code === 9 ? "⇥" : code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}

export function number(value) {
  if (typeof value === "bigint" || Number.isInteger(value)) return String(value);
  const text = String(value);
  return text.length > 12 ? String(Number(value.toPrecision(10))) : text;
}

export function hex(data, most = 16) {
  const shown = [...data.subarray(0, most)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  return data.length > most ? `${shown} … (${data.length} bytes)` : shown;
}

const two = (n) => String(n).padStart(2, "0");

/** A duration of TiR: 26:03:04.5 */
export function duration(seconds) {
  const sign = seconds < 0 ? "-" : "", s = Math.abs(seconds);
  const whole = Math.floor(s), part = Math.round((s - whole) * 1000);
  const tail = part ? `.${String(part).padStart(3, "0").replace(/0+$/, "")}` : "";
  return `${sign}${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${tail}`;
}

/** Milliseconds since 1970 as local time: "14:03:12", with the date when it is not today's. */
export function clock(ms, { date = false, milli = false } = {}) {
  if (!Number.isFinite(ms)) return "–";
  const d = new Date(ms), today = new Date();
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
    + (milli ? `.${String(d.getMilliseconds()).padStart(3, "0")}` : "");
  if (!date && d.toDateString() === today.toDateString()) return time;
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
}

/** Seconds in two words at most: "12 s", "3 min 5 s", "2 h 4 min", "4 d 2 h". */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 600) return `${Math.floor(s / 60)} min${s % 60 ? ` ${s % 60} s` : ""}`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h${Math.floor(s / 60) % 60 ? ` ${Math.floor(s / 60) % 60} min` : ""}`;
  const days = Math.floor(s / 86400), hours = Math.floor(s / 3600) % 24;
  return days > 99 ? `${days} d` : `${days} d${hours ? ` ${hours} h` : ""}`;
}

export function plural(n, word) { return n === 1 ? `1 ${word}` : `${many(n)} ${word}s`; }

export function many(n) { return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ","); }

export function size(n) {
  if (n < 10000) return `${many(n)} B`;
  if (n < 1e6) return `${(n / 1e3).toFixed(1)} kB`;
  return n < 1e9 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(2)} GB`;
}

/** A tag's value as one line of text, without its unit; "–" when it has none. */
export function value(tag) {
  if (typeof tag.base64 === "string") return hex(bytes(tag.base64));
  const v = tag.value;
  if (v === null || v === undefined) return "–";
  switch (tag.type) {
    case "Qi": return `${v} ${QI[v] ?? ""}`;
    case "TiA": case "ToA": return clock(Date.parse(v), { milli: !String(v).endsWith(".000Z") });
    case "TiR": case "ToR": return typeof v === "number" ? duration(v) : String(v);
    case "TxtI": case "TxtO": return v === "" ? "(empty)" : visible(String(v).slice(0, 300)).replace(ENDS, (s) => "␣".repeat(s.length));
    default: return typeof v === "number" ? number(v) : visible(String(v));
  }
}

/** What a curve draws of a value; null where there is none. */
export function level(tag) {
  if (tag.status !== "valid") return null;
  if (tag.value === true) return 1;
  if (tag.value === false) return 0;
  return typeof tag.value === "number" ? tag.value : typeof tag.value === "bigint" ? Number(tag.value) : null;
}

export const STEPS = new Set(["Di", "Do", "Qi"]);
export const NUMERIC = /^[ACDQ]|R$/, OUTPUTS = /^.o|O$/;     // of types
