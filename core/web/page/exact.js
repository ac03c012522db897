/** JSON as it was written: integers of 64 bits stay exact, and a document is indented without being read as numbers. */

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = "\u0001integer";

/** Parse a JSON text. An integer that a number cannot hold becomes a BigInt. */
export function parse(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const marked = text.replace(TOKEN, (token) =>
    token.length > 15 && /^-?\d+$/.test(token) ? `{"\\u0001integer":"${token}"}` : token);
  return JSON.parse(marked, (_, value) => {
    if (typeof value !== "object" || value === null || !(MARK in value)) return value;
    const number = Number(value[MARK]);
    return Number.isSafeInteger(number) ? number : BigInt(value[MARK]);
  });
}

const PIECE = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/g;

/**
 * A JSON text as pieces { kind, text } with line breaks and indentation; numbers and texts as they were written.
 * Null when it is no JSON document. `kind`: "key", "text", "number", "word", "mark".
 */
export function pretty(source) {
  try { JSON.parse(source); } catch { return null; }
  const out = [];
  let depth = 0, open = false;
  const add = (kind, text) => out.push({ kind, text });
  const line = () => add("mark", "\n" + "  ".repeat(depth));
  const tokens = source.match(PIECE) ?? [];
  tokens.forEach((token, at) => {
    const closing = token === "}" || token === "]";
    if (closing) depth -= 1;
    if (closing && !open) line();
    if (!closing && open) line();
    open = token === "{" || token === "[";
    if (open) depth += 1;
    const key = token[0] === '"' && tokens[at + 1] === ":";
    if (token === ":") add("mark", ": ");
    else if (key) add("key", token);
    else if (token[0] === '"') add("text", token);
    else if (/^[-\d]/.test(token)) add("number", token);
    else add(/^[tfn]/.test(token) ? "word" : "mark", token);
    if (token === ",") line();
  });
  return out;
}

/** The bytes of a Base64 text. */
export function bytes(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** 16 bytes a line: offset, hex, and what of it is ASCII; at most `most` bytes. */
export function dump(data, most = 1024) {
  const lines = [];
  for (let at = 0; at < Math.min(data.length, most); at += 16) {
    const part = [...data.subarray(at, Math.min(at + 16, most))];
    const hex = part.map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  if (data.length > most) lines.push(`… ${data.length - most} bytes more`);
  return lines.join("\n");
}
