// scripts/bench/peers/sparkplug_memory.js STREAM: sparkplug-payload's decode of the data messages of
// a stream, in memory: prints µs of processor time a metric.
"use strict";
const fs = require("fs");
const sparkplug = require("sparkplug-payload").get("spBv1.0");

const bytes = fs.readFileSync(process.argv[2]), list = [];
for (let at = 0; at < bytes.length;) {
  const topic = bytes.readUInt16BE(at), text = bytes.toString("latin1", at + 2, at + 2 + topic);
  const size = bytes.readUInt32BE(at + 2 + topic), from = at + 6 + topic;
  if (text.includes("DATA")) list.push(bytes.subarray(from, from + size));
  at = from + size;
}

function run (rounds) {
  let metrics = 0;
  const began = process.cpuUsage();
  for (let i = 0; i < rounds; i++)
    for (const payload of list) metrics += sparkplug.decodePayload(payload).metrics.length;
  const used = process.cpuUsage(began);
  return (used.user + used.system) / metrics;
}

run(2);
console.log(run(10).toFixed(4));
