/** The page: its header, which view the address asks for, and what is said when the connection is lost. */
import { h, icon, setText, setAttribute } from "./dom.js";
import { live } from "./live.js";
import { clock, span } from "./words.js";
import { grouped, overview } from "./overview.js";
import { tags } from "./tags.js";
import { tag } from "./tag.js";
import { messages } from "./messages.js";

const VIEWS = [
  { path: /^\/?$/, name: "Overview", icon: "overview", href: "#/", open: overview },
  { path: /^\/tags$/, name: "Tags", icon: "tags", href: "#/tags", open: tags },
  { path: /^\/tag\/(.+)$/, name: "Tag", of: "Tags", open: tag },
  { path: /^\/messages$/, name: "Messages", icon: "messages", href: "#/messages", open: messages },
];

const main = document.getElementById("main");
const links = new Map();
const badge = h("span.badge", { hidden: true });
let view = null, address = null, title = "";

function buildNav() {
  const nav = document.getElementById("nav");
  for (const one of VIEWS.filter((v) => v.href)) {
    const link = h("a", { href: one.href }, icon(one.icon), h("span", one.name));
    if (one.name === "Overview") link.append(badge);
    links.set(one.name, link);
    nav.append(link);
  }
}

/** #/tags?only=invalid as its path and its parameters. */
function route() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  let plain = path;
  try { plain = decodeURIComponent(path); } catch { /* as it is */ }
  for (const one of VIEWS) {
    const match = one.path.exec(plain);
    if (match) return { one, name: match[1], params: new URLSearchParams(query), key: `${one.name}\n${match[1]}` };
  }
  return { one: VIEWS[0], params: new URLSearchParams(), key: "" };
}

function show(first) {
  const found = route();
  for (const [name, link] of links) setAttribute(link, "aria-current", name === (found.one.of ?? found.one.name) ? "page" : null);
  if (view && address === found.key) {
    view.params?.(found.params);
    return;
  }
  view?.close?.();
  address = found.key;
  const box = h("div", { class: "view view-" + found.one.name.toLowerCase() });
  main.replaceChildren(box);
  main.removeAttribute("aria-busy");
  live.wanted = found.one.name === "Overview" ? 2500 : 6000;
  view = found.one.open(box, found.params, found.name);
  view.update?.();
  title = found.name ?? found.one.name;
  head();
  scrollTo(0, 0);
  // who uses a keyboard or a screen reader begins at the heading of what has come
  if (!first) box.querySelector("h1")?.focus({ preventScroll: true });
}

let waiting = false;
/** One update a frame, however much came; none while nobody looks. */
function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; view?.update?.(); });
}

function head() {
  const count = grouped(live.problems).length;
  badge.replaceChildren(String(count), h("span.away", count === 1 ? " problem" : " problems"));
  badge.hidden = count === 0;
  document.title = `${count ? `(${count}) ` : ""}${title}: tagline`;
  const file = live.status?.config?.file;
  setText(document.getElementById("instance"), file ? file.split("/").pop().replace(/\.lua$/, "") : "");
}

const link = document.getElementById("link"), lost = document.getElementById("lost");
const lostText = h("span"), lostSince = h("span", { "aria-hidden": "true" });
const STATES = { live: ["on", "live"], lost: ["bad", "connection lost"], connecting: ["wait", "connecting …"] };

function connection() {
  const [shape, words] = STATES[live.state], away = live.state === "lost";
  document.body.classList.toggle("is-lost", away);
  link.className = "link is-" + live.state;
  link.replaceChildren(icon(shape), h("span", words));
  lost.hidden = !away;
  lost.replaceChildren(...(away ? [icon(shape), h("div", h("b", words + " "), lostSince, lostText)] : []));
  lostWords();
}

/** The seconds are for eyes: a screen reader hears the sentence once. */
function lostWords() {
  if (live.state !== "lost") return;
  const since = live.lastAt ? clock(live.lastAt) : "";
  setText(lostSince, span((performance.now() - live.lostAt) / 1000) + " ago");
  setText(lostText, live.refused ? `: ${live.refused}; trying again`
    : since ? `: what you see is from ${since}; trying again by itself` : ": trying again by itself");
}

buildNav();
live.addEventListener("values", soon);
live.addEventListener("status", () => { head(); soon(); });
live.addEventListener("info", soon);
live.addEventListener("state", () => { connection(); soon(); });
let ticks = 0;
live.addEventListener("tick", () => { lostWords(); if (ticks++ % 2 === 0) soon(); });
addEventListener("hashchange", () => show(false));
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const field = main.querySelector("input[type=search]");
  if (field) { event.preventDefault(); field.focus(); field.select(); }
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
connection();
show(true);
live.start();
