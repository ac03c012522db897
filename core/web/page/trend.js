/** Small curves begin with the last hour of the history. It is asked for once a tag, for those in sight, two at a time. */
import { keepPoint } from "./dom.js";
import { ask, live } from "./live.js";
import { NUMERIC, level } from "./words.js";

const AT_ONCE = 2, HOUR = 3600;
let wanted = [], asking = 0;

/** These are in sight now. */
export function fill(tags) {
  wanted = live.info.history ? tags : [];
  while (asking < AT_ONCE && next()) { /* as many as may be asked */ }
}

function next() {
  const tag = live.state === "live" && wanted.find((t) => !t.filled && NUMERIC.test(t.type) && t.status === "valid");
  if (!tag) return false;
  tag.filled = true;
  asking += 1;
  begin(tag).catch(() => { /* it has no curve before this page, then */ }).finally(() => { asking -= 1; fill(wanted); });
  return true;
}

async function begin(tag) {
  const from = Math.floor(live.now() / 1000) - HOUR;
  const rows = await ask(`history?tag=${encodeURIComponent(tag.name)}&from=${from}&every=60&as=last`);
  const curve = [], later = tag.curve;
  for (const row of rows) {
    const time = Number(row.time) * 1000;
    if (!(time >= later[0])) keepPoint(curve, time, level({ status: "valid", value: row.last ?? row.value }));
  }
  for (let at = 0; at < later.length; at += 2) keepPoint(curve, later[at], later[at + 1]);
  tag.curve = curve;
}
