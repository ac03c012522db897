/**
 * A table of any number of rows of one height, of which only those in sight are elements, and used again as they go. Each is laid out
 * apart, so that a frame of scrolling costs only the new ones. It is read as a real table: roles, headings, aria-rowcount and
 * aria-rowindex. Up, Down, Page, Home and End move through the rows.
 */
import { h, setAttribute, setText } from "./dom.js";

const OVERSCAN = 6;

/**
 * columns: { name, title, class, sort: false to leave out }; make() gives a row, update(row, item) fills it, key(item) names it;
 * sorted(name, direction) is called when a heading is pressed.
 */
export class VirtualTable {
  constructor({ label, columns, make, update, key, sorted }) {
    Object.assign(this, { make, update, key, sorted, items: [], columns, shown: new Map(), from: 0, to: 0 });
    this.body = h("tbody", { role: "rowgroup" });
    this.headings = new Map();
    const head = h("tr", { role: "row", "aria-rowindex": 1 }, columns.map((column) => this.#heading(column)));
    this.table = h("table.rows", { role: "table" }, h("caption.away", label), h("thead", { role: "rowgroup" }, head), this.body);
    this.node = h("div.scroller", { tabindex: 0, role: "region", "aria-label": label }, this.table);
    this.node.addEventListener("scroll", () => this.#later(), { passive: true });
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.sizes = new ResizeObserver(() => { this.height = 0; this.draw(); });
    this.sizes.observe(this.node);
    this.height = 0;
  }

  close() { this.sizes.disconnect(); }

  #heading(column) {
    const cell = h("th", { scope: "col", role: "columnheader", class: column.class });
    cell.append(column.sort === false ? column.title
      : h("button.sort", { text: column.title, onclick: () => this.sorted(column.name, this.turned(column.name)) }));
    this.headings.set(column.name, cell);
    return cell;
  }

  turned(name) { return this.by === name && this.direction === "ascending" ? "descending" : "ascending"; }

  set(items, by, direction) {
    this.items = items;
    this.by = by;
    this.direction = direction;
    for (const [name, cell] of this.headings) setAttribute(cell, "aria-sort", name === by ? direction : null);
    setAttribute(this.table, "aria-rowcount", items.length + 1);
    this.draw();
  }

  #later() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => { this.drawing = false; this.draw(false); });
  }

  #measure() {
    if (this.height) return;
    this.height = parseFloat(getComputedStyle(this.table).getPropertyValue("--row")) || 34;
    this.room = this.node.clientHeight || 600;
  }

  /** `all`: rows that were in sight are brought up to date, too. */
  draw(all = true) {
    this.#measure();
    const count = this.items.length, top = this.node.scrollTop;
    const from = Math.max(0, Math.min(Math.floor(top / this.height) - OVERSCAN, count - 1));
    const to = Math.min(count, Math.ceil((top + this.room) / this.height) + OVERSCAN);
    if (!all && from === this.from && to === this.to) return;
    Object.assign(this, { from, to });
    const tall = count * this.height + "px";
    if (this.body.style.height !== tall) this.body.style.height = tall;
    this.body.style.paddingTop = from * this.height + "px";
    const held = document.activeElement?.closest?.("tr"), heldKey = this.body.contains(held) ? held.rowKey : null;
    const items = this.items.slice(from, to), old = this.shown, now = new Map();
    for (const item of items) {
      const key = this.key(item);
      now.set(key, old.get(key));
      old.delete(key);
    }
    const free = new Set(old.values()); // in the order of the document
    if (heldKey !== null && !now.has(heldKey)) this.node.focus({ preventScroll: true });
    this.shown = now;
    let place = this.body.firstChild;
    items.forEach((item, index) => {
      const key = this.key(item), known = now.get(key);
      while (known && free.has(place)) place = place.nextSibling;
      const row = known ?? (free.has(place) ? place : free.values().next().value) ?? this.make();
      free.delete(row);
      now.set(key, row);
      row.rowKey = key;
      this.#put(row, from + index);
      if (all || !known) this.update(row, item);
      if (row === place) place = place.nextSibling;
      else this.body.insertBefore(row, place);
    });
    free.forEach((row) => row.remove());
  }

  #put(row, at) {
    if (row.at === at) return;
    row.at = at;
    row.setAttribute("aria-rowindex", at + 2);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("thead")) return;
    const page = Math.max(1, Math.floor(this.room / this.height) - 2);
    const held = this.body.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
    const at = held ? held.at : this.from - 1;
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.items.length - 1 };
    if (!(event.key in move) || this.items.length === 0) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.items.length - 1, move[event.key])));
  }

  /** Bring row `at` into sight and give its link the focus. */
  focus(at) {
    const row = this.height, head = this.table.tHead.offsetHeight;
    const top = at * row, room = this.node.clientHeight - head;
    if (top < this.node.scrollTop) this.node.scrollTop = top;
    else if (top + row > this.node.scrollTop + room) this.node.scrollTop = top + row - room;
    this.draw();
    this.shown.get(this.key(this.items[at]))?.querySelector("a,button")?.focus({ preventScroll: true });
  }
}

/** A state by an icon, a word and a colour. */
export function setState(cell, [shape, grade, word], icon) {
  if (cell.shape !== shape) {
    cell.shape = shape;
    cell.className = `state grade-${grade}`;
    cell.replaceChildren(icon(shape), h("span"));
  }
  setText(cell.lastChild, word);
}
