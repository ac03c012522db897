/** Elements. Whatever a device or a broker said becomes text here and nothing else. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: h("p.note", { attribute: …, text: …, onclick: … }, children …). The attributes may be left out, and what is false,
 * null or undefined is.
 */
export function h(name, props, ...children) {
  const [kind, ...classes] = name.split("."), node = document.createElement(kind);
  if (kind === "button") node.type = kind;
  if (classes.length > 0) node.className = classes.join(" ");
  if (typeof props !== "object" || props === null || props instanceof Node || Array.isArray(props)) children.unshift(props);
  else for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === false || value === null) continue;
    if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

/** A full name that may break behind its points. */
export function name(text) { return text.split(/(?<=\.)/).flatMap((part) => [part, h("wbr")]); }

/** Set a text only when it changed: what is selected or read aloud stays. */
export function setText(node, text) {
  if (node.firstChild?.nodeType === 3 && node.childNodes.length === 1) {
    if (node.firstChild.data !== text) node.firstChild.data = text;
  } else if (node.textContent !== text || node.childNodes.length > 1) {
    node.textContent = text;
  }
}

export function setAttribute(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

/** Children of `parent` for `items`, by key(item): made once, brought up to date by update(node, item), moved where the order changed. */
export function keyed(parent, items, key, make, update) {
  const old = parent.keyedNodes ?? new Map();
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    let node = old.get(name);
    if (!node) node = make(item);
    old.delete(name);
    now.set(name, node);
    update?.(node, item);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  for (const node of old.values()) node.remove();
  parent.keyedNodes = now;
}

const SHAPES = {
  bad: ["M12 3.5 22 20.5H2z", "M12 9.5v5M12 17.3v.2"],
  warn: ["M12 2.5 21.5 12 12 21.5 2.5 12z", "M12 7.8v5M12 15.8v.2"],
  good: ["M12 2.8a9.2 9.2 0 1 0 .01 0z", "m7.8 12.3 2.9 2.9 5.5-6"],
  on: ["M12 8a4 4 0 1 0 .01 0z", ""],
  none: ["", "M12 7.5a4.5 4.5 0 1 0 .01 0z"],
  off: ["", "M12 4a8 8 0 1 0 .01 0zM6.5 6.5l11 11"],
  wait: ["", "M12 3.5a8.5 8.5 0 1 0 .01 0zM12 7.5V12l3 2"],
  simulated: ["", "M3 12c3-9 6-9 9 0s6 9 9 0"],
  overview: ["", "M4 5h7v6H4zM13 5h7v10h-7zM4 13h7v6H4zM13 17h7v2h-7z"],
  tags: ["", "M4 6h16M4 12h16M4 18h16"],
  messages: ["", "M4 5h16v11H10l-4 3.5V16H4z"],
  pause: ["", "M9 6v12M15 6v12"],
  play: ["", "M8 5.5v13l10.5-6.5z"],
  arrow: ["", "M5 12h13M13 6.5l5.5 5.5-5.5 5.5"],
};

function picture(kind, w, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${w} ${height}`);
  svg.setAttribute("class", kind);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** A picture of one of the names above, for eyes only: its meaning always stands beside it in words. */
export function icon(name) {
  const svg = picture(`icon i-${name}`, 24, 24);
  const [body, strokes] = SHAPES[name];
  for (const [d, kind] of [[body, "body"], [strokes, "stroke"]]) {
    if (!d) continue;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}

const CURVE = 90;             // points of a small curve

/**
 * Add a point to a small curve: times and numbers in turn, flat, for 10,000 of them are kept. No number: a gap. Of too many the one
 * goes whose neighbours are closest, so that all of the time stays; what is older than an hour goes first.
 */
export function keepPoint(points, time, number) {
  points.push(time, number ?? NaN);
  if (points.length <= 2 * CURVE) return;
  let least = Infinity, at = 0;
  if (time - points[0] < 3600000) {
    for (let i = 2; i < points.length - 2; i += 2) {
      const gap = points[i + 2] - points[i - 2];
      if (gap < least) { least = gap; at = i; }
    }
  }
  points.splice(at, 2);
}

/** A small curve; the box is w by h pixels. */
export function spark(w, height) {
  const svg = picture("spark", w, height), path = document.createElementNS(SVG, "path");
  svg.append(path);
  return { node: svg, draw: (points, step) => setAttribute(path, "d", curve(points, w, height, step)) };
}

function curve(points, w, height, step) {
  const count = points.length, numbers = points.filter((v, at) => at % 2 && !Number.isNaN(v));
  if (count < 4 || numbers.length === 0) return "";
  const low = Math.min(...numbers), high = Math.max(...numbers), from = points[0], span = points[count - 2] - from || 1;
  let d = "", gap = true;
  for (let at = 0; at < count; at += 2) {
    const v = points[at + 1], x = (1 + ((points[at] - from) / span) * (w - 2)).toFixed(1);
    const y = (high === low ? height / 2 : height - 2 - ((v - low) / (high - low)) * (height - 4)).toFixed(1);
    if (!Number.isNaN(v)) d += gap ? `M${x} ${y}` : step ? `H${x}V${y}` : `L${x} ${y}`;
    gap = Number.isNaN(v);
  }
  return d;
}
