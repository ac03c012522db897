/** Payloads as a person reads them: JSON indented and as it was written, text as text, other bytes as a dump. */
import { h } from "./dom.js";
import { bytes, dump, pretty } from "./exact.js";
import { clock, hex, size, visible } from "./words.js";

/** { text, data, length }: text is null where the bytes are none. */
export function payloadOf(message) {
  const p = message.payload;
  if (p !== null && typeof p === "object") {
    const data = bytes(p.base64 ?? "");
    return { text: null, data, length: data.length };
  }
  const text = String(p ?? "");
  return { text, data: null, length: new TextEncoder().encode(text).length };
}

/** What kind it is, in a word. */
function formOf({ text }) {
  if (text === null) return "binary";
  if (text === "") return "empty";
  try { JSON.parse(text); return "JSON"; } catch { return "text"; }
}

export function payloadBlock(payload) {
  const block = h("pre.payload", { tabindex: 0, "aria-label": "Payload" });
  if (payload.text === null) {
    block.textContent = dump(payload.data, 4096);
  } else if (payload.text === "") {
    block.append(h("i", "empty"));
  } else {
    const pieces = payload.text.length < 200000 ? pretty(payload.text) : null;
    if (pieces && pieces.length < 6000) {
      block.append(...pieces.map((p) => (p.kind === "mark" ? p.text : h("span.j-" + p.kind, visible(p.text)))));
    } else block.textContent = payload.text.slice(0, 200000).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (c) => visible(c));
  }
  return block;
}

/** One line of a payload. */
export function payloadLine(payload) {
  if (payload.text === null) return hex(payload.data, 24);
  return payload.text === "" ? "(empty)" : visible(payload.text.slice(0, 240));
}

/** QoS, flags, kind and size of a message in words. */
export function flagsOf(message, payload) {
  return [`QoS ${message.qos}`, message.retain && "retained", message.dup && "repeated", formOf(payload), size(payload.length)]
    .filter(Boolean).join(", ");
}

/** A message in a list: pressed, it opens to the whole payload. */
export function messageRow(message) {
  const payload = payloadOf(message), time = h("span.num", clock(message.time * 1000, { milli: true }));
  const details = h("details", h("summary", time, h("code.line1", payloadLine(payload))));
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    details.append(h("p.note", h("code", visible(message.topic)), ` ${flagsOf(message, payload)}`), payloadBlock(payload));
  });
  return h("li", details);
}
