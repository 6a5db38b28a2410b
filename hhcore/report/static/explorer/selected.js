// The selection: how many neurons, above the views; its ranges and its query, below them.

hh.SelectionPanel = class {
  constructor(explorer) {
    Object.assign(this, { explorer, neurons: explorer.neurons, selection: explorer.selection, dialect: "pandas" });
    this.count = hh.make("output", { className: "count", "aria-live": "polite" });
    this.reset = hh.make("button", { type: "button", onclick: () => this.selection.clear() }, "Reset");
    this.ranges = hh.make("ul", { className: "ranges" });
    this.code = hh.make("code");
    const tabs = Object.keys(hh.dialects).map((name) => this.#tab(name));
    this.tabs = hh.make("div", { className: "tabs", role: "tablist" }, ...tabs);
    this.copied = hh.make("button", { type: "button", className: "copy", onclick: () => this.#copy() }, "Copy");
    const query = hh.make("details", { className: "query" }, hh.make("summary", {}, "Query that selects them"),
      hh.make("div", { className: "dialects" }, this.tabs, this.copied), hh.make("pre", { tabIndex: 0 }, this.code));
    // What grows with the selection lies below the views, which must not move under a box that is being drawn.
    this.head = hh.make("div", { className: "selected" }, this.count, this.reset);
    const parts = [hh.make("h4", {}, "Selection"), this.#adder(), this.ranges, query, this.#help()];
    this.element = hh.make("div", { className: "selection" }, ...parts);
  }

  #help() {
    const arrows = "Keys in a view: arrows move the chosen neuron, and with Shift they select on from it.";
    return hh.make("p", { className: "note" }, `${arrows} Enter opens the neuron, Escape resets the selection.`);
  }

  #tab(name) {
    const click = () => {
      this.dialect = name;
      this.draw();
    };
    return hh.make("button", { type: "button", role: "tab", onclick: click }, name);
  }

  /** A list that adds a range of a quantity, for hands at a keyboard. */
  #adder() {
    const options = [["", "of a quantity …"], ...this.neurons.variables.map(({ column, label }) => [column, label])];
    const choice = hh.choice("Add a range", options, "", (column) => {
      const variable = this.neurons.find(column);
      choice.querySelector("select").value = "";
      this.selection.set([[variable, ...variable.extent]]);
    });
    return choice;
  }

  draw() {
    const { count, neurons, selection } = this;
    const share = (100 * selection.count) / neurons.count;
    const all = neurons.count.toLocaleString("en");
    const part = `${selection.count.toLocaleString("en")} of ${all} neurons selected (${share.toPrecision(3)} %)`;
    count.textContent = selection.active ? part : `${all} neurons; drag a box in any view to select some`;
    this.reset.disabled = !selection.active;
    this.#drawRanges();
    for (const tab of this.tabs.children) tab.setAttribute("aria-selected", tab.textContent === this.dialect);
    this.code.textContent = hh.queries(selection.ranges, neurons.data.file)[this.dialect];
  }

  #drawRanges() {
    const { ranges } = this.selection;
    const shown = new Map([...this.ranges.children].map((item) => [item.variable, item]));
    for (const [variable, item] of shown) if (!ranges.has(variable)) item.remove();
    for (const [variable, range] of ranges) {
      if (!shown.has(variable)) this.ranges.append(this.#range(variable));
      const item = [...this.ranges.children].find((one) => one.variable === variable);
      for (const end of ["low", "high"]) {
        const bound = Number.isFinite(range[end]) ? range[end] : "";
        if (item[end] !== document.activeElement) item[end].value = bound;
      }
    }
  }

  #range(variable) {
    const change = () => {
      const bound = (input, none) => (input.value === "" ? none : Number(input.value));
      this.selection.set([[variable, bound(item.low, -Infinity), bound(item.high, Infinity)]]);
    };
    const look = { type: "number", step: "any", placeholder: "any", onchange: change };
    const end = (word) => hh.make("input", { ...look, "aria-label": `${variable.label}, ${word}` });
    const forget = { type: "button", onclick: () => this.selection.clear(variable) };
    const drop = hh.make("button", { ...forget, "aria-label": `Forget the range of ${variable.label}` }, "×");
    const [low, high, name] = [end("from"), end("to"), hh.make("span", {}, variable.label)];
    const item = hh.make("li", { title: variable.definition }, name, low, "to", high, drop);
    return Object.assign(item, { variable, low, high });
  }

  async #copy() {
    const { copied, code } = this;
    getSelection().selectAllChildren(code); // for hands at a keyboard, if nothing else works
    const written = navigator.clipboard?.writeText(code.textContent).then(() => true, () => false); // not in all files
    const done = (await written) || document.execCommand("copy");
    copied.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copied.textContent = "Copy"), 1500);
  }
};
