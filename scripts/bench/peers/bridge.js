// scripts/bench/peers/bridge.js KIND LISTEN TARGET [CERT KEY]: takes one client after another on the
// loopback port LISTEN and passes bytes on to TARGET and back; KIND is tls, ws or wss. What the load
// source writes at once leaves at once: many messages in a record or frame while it floods, one
// while it sends at a rate. The package ws is installed by scripts/bench/run.
"use strict";
const fs = require("fs"), http = require("http"), https = require("https"), net = require("net");
const tls = require("tls");
const [kind, listen, target, cert, key] = process.argv.slice(2);
const secure = cert ? { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } : {};

function ended () {} // the other side hears of it by its own end

function join (client) {
  const source = net.connect({ host: "127.0.0.1", port: +target, noDelay: true });
  source.on("error", ended).on("close", () => client.destroy());
  client.on("error", ended).on("close", () => source.destroy());
  client.pipe(source).pipe(client);
}

function webSocket (server) {
  const { WebSocketServer, createWebSocketStream } = require("ws");
  new WebSocketServer({ server, perMessageDeflate: false, handleProtocols: () => "mqtt" })
    .on("connection", (socket) => join(createWebSocketStream(socket)));
  return server;
}

const makers = {
  tls: () => tls.createServer({ ...secure, noDelay: true }, join),
  ws: () => webSocket(http.createServer({ noDelay: true })),
  wss: () => webSocket(https.createServer({ ...secure, noDelay: true })),
};
makers[kind]().listen(+listen, "127.0.0.1", () => console.log("ready"));
