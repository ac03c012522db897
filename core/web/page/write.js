/** A setpoint is written from here, after a question; only where the config has `write = true`. */
import { h, icon } from "./dom.js";
import { ask } from "./live.js";
import { clock, value } from "./words.js";

/** The JSON text of what was entered for a tag of this type; raises an Error in words. Integers are never read as numbers. */
export function written(type, text) {
  const plain = text.trim();
  switch (type) {
    case "Co":
      if (!/^[+-]?\d{1,19}$/.test(plain)) throw new Error("a whole number is expected, such as 42");
      return plain.replace(/^\+/, "").replace(/^(-?)0+(?=\d)/, "$1");
    case "Ao": case "ToR":
      if (plain === "" || !Number.isFinite(Number(plain.replace(",", ".")))) throw new Error("a number is expected, such as 21.5");
      return JSON.stringify(Number(plain.replace(",", ".")));
    case "Do": return plain === "true" ? "true" : "false";
    default: return JSON.stringify(text);
  }
}

/** The form. `tag`: its place in live.tags. */
export function writeForm(tag) {
  const field = tag.type === "Do"
    ? h("select", { id: "new-value" }, h("option", { value: "true", text: "true" }), h("option", { value: "false", text: "false" }))
    : h("input", { id: "new-value", autocomplete: "off", spellcheck: "false",
      inputmode: tag.type === "Ao" || tag.type === "ToR" ? "decimal" : tag.type === "Co" ? "numeric" : undefined });
  const said = h("p.said", { role: "status" });
  const unit = h("span.unit", tag.unit);
  const button = h("button.main", { type: "submit", text: "Write …" });
  const form = h("form.write", h("label", { for: "new-value", text: "New value" }), field, unit, button, said);

  const tell = (shape, text) => said.replaceChildren(icon(shape), h("span", { text }));

  async function send(body, shown) {
    button.disabled = true;
    tell("wait", `writing ${shown} …`);
    try {
      await ask("tags/" + encodeURIComponent(tag.name), { body: `{"value":${body}}`, timeout: 120000 });
      tell("good", `${shown} was written at ${clock(Date.now())} and confirmed.`);
    } catch (error) {
      tell("bad", `Not written: ${error.message}`);
    }
    button.disabled = false;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let body;
    try { body = written(tag.type, field.value); } catch (error) { tell("bad", error.message); field.focus(); return; }
    const shown = `${body.replace(/^"(.*)"$/s, "$1")}${tag.unit ? " " + tag.unit : ""}`;
    if (await sure(tag, shown)) await send(body, shown);
  });
  return form;
}

/** Asks once more. Escape and the button that has the focus say no. */
function sure(tag, shown) {
  return new Promise((done) => {
    const no = h("button", { text: "Cancel", autofocus: true, onclick: () => box.close("no") });
    const yes = h("button.main.danger", { text: "Write", onclick: () => box.close("yes") });
    const box = h("dialog.sure", { "aria-labelledby": "sure-title" }, h("h2", { id: "sure-title", text: "Write to the plant?" }),
      h("dl.told-list", h("dt", "Tag"), h("dd", tag.name), h("dt", "Now"),
        h("dd", `${value(tag)}${tag.unit ? " " + tag.unit : ""}`), h("dt", "New"), h("dd", h("b", shown))),
      h("p.dim", "It goes to the device at once, and the log names this computer."), h("p.buttons", no, yes));
    box.addEventListener("close", () => { box.remove(); done(box.returnValue === "yes"); });
    document.body.append(box);
    box.showModal();
  });
}
