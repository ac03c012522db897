/**
 * A table of any number of rows of one height, of which only those in sight are elements. It is a real table: its head and cells are
 * read as such, aria-rowcount and aria-rowindex tell how many there are. Up, Down, Page, Home and End move through the rows.
 */
import { h, keyed, setAttribute, setText } from "./dom.js";

const OVERSCAN = 8;

/**
 * columns: { name, title, class, sort: false to leave out }; make(item) gives a row, update(row, item) fills it, key(item) names it;
 * sorted(name, direction) is called when a heading is pressed.
 */
export class VirtualTable {
  constructor({ label, columns, make, update, key, sorted }) {
    Object.assign(this, { make, update, key, sorted, items: [], columns });
    this.body = h("tbody");
    [this.above, this.below] = [0, 1].map(() => h("tbody.space", { "aria-hidden": "true" }, h("tr", h("td"))));
    this.headings = new Map();
    const head = h("tr", { "aria-rowindex": 1 }, columns.map((column) => this.#heading(column)));
    this.table = h("table.rows", h("caption.away", label), h("thead", head), this.above, this.body, this.below);
    this.node = h("div.scroller", { tabindex: 0, role: "region", "aria-label": label }, this.table);
    this.node.addEventListener("scroll", () => this.#later(), { passive: true });
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.sizes = new ResizeObserver(() => { this.height = 0; this.#later(); });
    this.sizes.observe(this.node);
    this.height = 0;
  }

  close() { this.sizes.disconnect(); }

  #heading(column) {
    const cell = h("th", { scope: "col", class: column.class });
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
    requestAnimationFrame(() => { this.drawing = false; this.draw(); });
  }

  #rowHeight() {
    if (!this.height) this.height = parseFloat(getComputedStyle(this.table).getPropertyValue("--row")) || 34;
    return this.height;
  }

  draw() {
    const row = this.#rowHeight(), count = this.items.length;
    const room = this.node.clientHeight || 600;
    const from = Math.max(0, Math.min(Math.floor(this.node.scrollTop / row) - OVERSCAN, count - 1));
    const to = Math.min(count, Math.ceil((this.node.scrollTop + room) / row) + OVERSCAN);
    this.from = Math.max(0, from);
    this.#space(this.above, this.from * row);
    this.#space(this.below, (count - to) * row);
    const held = document.activeElement?.closest?.("tr");
    const heldKey = held && this.body.contains(held) ? held.rowKey : null;
    let index = this.from;
    keyed(this.body, this.items.slice(this.from, to), this.key, (item) => {
      const made = this.make(item);
      made.rowKey = this.key(item);
      return made;
    }, (node, item) => {
      setAttribute(node, "aria-rowindex", index + 2);
      index += 1;
      this.update(node, item);
    });
    // a row that had the focus and went out of sight leaves it to the table
    if (heldKey !== null && !this.body.contains(document.activeElement)) this.node.focus({ preventScroll: true });
  }

  #space(part, pixels) {
    if (part.pixels === pixels) return;
    part.pixels = pixels;
    part.hidden = pixels === 0;
    part.firstChild.firstChild.style.height = pixels + "px";
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("thead")) return;
    const page = Math.max(1, Math.floor(this.node.clientHeight / this.#rowHeight()) - 2);
    const held = this.body.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
    const at = held ? this.items.findIndex((item) => this.key(item) === held.rowKey) : this.from - 1;
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.items.length - 1 };
    if (!(event.key in move) || this.items.length === 0) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.items.length - 1, move[event.key])));
  }

  /** Bring row `at` into sight and give its link the focus. */
  focus(at) {
    const row = this.#rowHeight(), head = this.table.tHead.offsetHeight;
    const top = at * row, room = this.node.clientHeight - head;
    if (top < this.node.scrollTop) this.node.scrollTop = top;
    else if (top + row > this.node.scrollTop + room) this.node.scrollTop = top + row - room;
    this.draw();
    const key = this.key(this.items[at]);
    this.body.keyedNodes.get(key)?.querySelector("a,button")?.focus({ preventScroll: true });
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
