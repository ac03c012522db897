// scripts/bench/peers/decoders.js KIND PORT: what a Node script does with the streams of
// streams.lua: MQTT.js, JSON.parse or sparkplug-payload, a decoder of the device's bytes, and the
// values kept by name. The packages are installed by scripts/bench/run, never kept here.
"use strict";
const mqtt = require("mqtt");
const kind = process.argv[2];
const values = new Map();

function keep (device, fields) {
  let known = values.get(device);
  if (!known) values.set(device, known = {});
  for (const name in fields) {
    if (known[name] !== fields[name]) known[name] = fields[name];
  }
}

const s16 = (b, i) => b.readInt16BE(i), u16 = (b, i) => b.readUInt16BE(i);

// The entries that the stream has, the way that decoders of makers are written.
function elsys (bytes) {
  const out = {};
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case 0x01: out.temperature = s16(bytes, i + 1) / 10; i += 2; break;
      case 0x02: out.humidity = bytes[i + 1]; i += 1; break;
      case 0x04: out.light = u16(bytes, i + 1); i += 2; break;
      case 0x05: out.motion = bytes[i + 1]; i += 1; break;
      case 0x06: out.co2 = u16(bytes, i + 1); i += 2; break;
      case 0x07: out.vdd = u16(bytes, i + 1); i += 2; break;
      case 0x0C: out.externalTemperature = s16(bytes, i + 1) / 10; i += 2; break;
      default: return out;
    }
  }
  return out;
}

function am107 (bytes) {
  const out = {};
  for (let i = 0; i < bytes.length;) {
    const channel = bytes[i++], type = bytes[i++];
    if (channel === 0x01 && type === 0x75) { out.battery = bytes[i]; i += 1; }
    else if (channel === 0x03 && type === 0x67) { out.temperature = bytes.readInt16LE(i) / 10; i += 2; }
    else if (channel === 0x04 && type === 0x68) { out.humidity = bytes[i] / 2; i += 1; }
    else if (channel === 0x05 && type === 0x6A) { out.activity = bytes.readUInt16LE(i); i += 2; }
    else if (channel === 0x06 && type === 0x65) {
      out.illumination = bytes.readUInt16LE(i);
      out.infrared_and_visible = bytes.readUInt16LE(i + 2);
      out.infrared = bytes.readUInt16LE(i + 4);
      i += 6;
    }
    else if (channel === 0x07 && type === 0x7D) { out.co2 = bytes.readUInt16LE(i); i += 2; }
    else if (channel === 0x08 && type === 0x7D) { out.tvoc = bytes.readUInt16LE(i); i += 2; }
    else if (channel === 0x09 && type === 0x73) { out.pressure = bytes.readUInt16LE(i) / 10; i += 2; }
    else break;
  }
  return out;
}

function best (list) {
  let found = null;
  for (const one of list) if (!found || one.rssi > found.rssi) found = one;
  return found;
}

const readers = {
  things_stack (payload) {
    const m = JSON.parse(payload.toString()), up = m.uplink_message, heard = best(up.rx_metadata);
    const fields = elsys(Buffer.from(up.frm_payload, "base64"));
    fields.rssi = heard.rssi;
    fields.snr = heard.snr;
    fields.at = Date.parse(m.received_at);
    keep(m.end_device_ids.device_id, fields);
  },
  chirpstack (payload) {
    const m = JSON.parse(payload.toString()), heard = best(m.rxInfo);
    const fields = am107(Buffer.from(m.data, "base64"));
    fields.rssi = heard.rssi;
    fields.snr = heard.snr;
    fields.at = Date.parse(m.time);
    keep(m.deviceInfo.devEui, fields);
  },
  cayenne (payload, topic) {
    keep(topic, { temperature_1: s16(payload, 2) / 10, humidity_2: payload[6] / 2,
      analog_in_3: s16(payload, 9) / 100, pressure_4: s16(payload, 13) / 10 });
  },
};

if (kind === "sparkplug") {
  const sparkplug = require("sparkplug-payload").get("spBv1.0");
  const names = new Map();
  readers.sparkplug = (payload, topic) => {
    const m = sparkplug.decodePayload(payload), birth = topic.includes("BIRTH"), fields = {};
    for (const metric of m.metrics) {
      const alias = Number(metric.alias);
      if (birth) names.set(alias, metric.name);
      else fields[names.get(alias)] = metric.value;
    }
    keep("plant", fields);
  };
}

const client = mqtt.connect({ host: "127.0.0.1", port: +process.argv[3], clean: true });
client.on("connect", () => client.subscribe("#", { qos: 1 }));
client.on("message", (topic, payload) => {
  if (payload.length > 0) readers[kind](payload, topic);
});
