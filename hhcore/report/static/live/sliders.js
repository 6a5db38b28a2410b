// Sliders of all quantities of a neuron: parameters, fields of the stimulus, treatments, stated initial values.

/** A number as short text; "" if it is infinite, as a number field has it. */
hh.text = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "");

/** The step of a slider: 1, 2 or 5 times a power of ten, some 200 of them from `low` to `high`. */
hh.niceStep = (low, high) => {
  const rough = (high - low) / 200;
  if (!(rough > 0) || !Number.isFinite(rough)) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return Number((power * [1, 2, 5, 10].find((k) => k * power >= rough * (1 - 1e-9))).toPrecision(3));
};

/** One quantity: its name, a slider, a number and its unit; `changed(value)` is called while it moves. */
hh.Slider = class {
  constructor(quantity, changed) {
    this.quantity = quantity;
    const { label, name, unit, whole, description } = quantity;
    const step = whole ? 1 : hh.niceStep(quantity.low, quantity.high);
    const ends = { min: Number(quantity.low), max: Number(quantity.high), step };
    this.range = hh.make("input", { type: "range", "aria-label": name, title: description || label, ...ends });
    this.number = hh.make("input", { type: "number", step: "any", "aria-label": `${name}, in ${unit || "1"}` });
    if (whole) this.number.placeholder = "all that fit";
    this.reset = hh.make("button", { type: "button", title: "back (double click, Esc)" }, "↺");
    this.reset.setAttribute("aria-label", `${name}: back`);
    const words = hh.make("span", { class: "name", title: description || label }, name);
    const shown = hh.make("span", { class: "unit" }, unit === "1" ? "" : unit);
    this.row = hh.make("div", { class: "slider" }, words, this.range, this.number, shown, this.reset);
    this.row.dataset.quantity = name;
    const back = () => changed(this.home);
    this.range.addEventListener("input", () => changed(Number(this.range.value)));
    this.number.addEventListener("input", () => this.typed(changed));
    this.number.addEventListener("change", () => this.show(this.value));
    this.reset.addEventListener("click", back);
    this.range.addEventListener("dblclick", back);
    words.addEventListener("dblclick", back);
    this.row.addEventListener("keydown", (event) => { if (event.key === "Escape") back(); });
  }

  typed(changed) {
    const value = this.number.valueAsNumber;
    if (!Number.isNaN(value)) changed(this.quantity.whole ? Math.round(value) : value);
  }

  /** Show a value; one outside of the slider's ends stands in the number alone. */
  show(value) {
    this.value = value;
    this.range.value = value === Infinity ? this.range.max : String(value);
    if (document.activeElement !== this.number || this.number.valueAsNumber !== value) this.number.value = hh.text(value);
    this.row.classList.toggle("changed", value !== this.home);
  }
};

/** All sliders, grouped; `changed(index, value)` is called while one moves. */
hh.Sliders = class {
  constructor(quantities, changed) {
    this.rows = quantities.map((quantity, k) => new hh.Slider(quantity, (value) => changed(k, value)));
    const first = this.rows.filter(({ quantity }) => quantity.swept || quantity.kind !== "parameter");
    const others = this.rows.filter((row) => !first.includes(row));
    this.element = hh.make("div", { class: "sliders" }, ...first.map(({ row }) => row));
    if (others.length) this.element.append(this.more(others));
  }

  /** The parameters that are not swept: a part for each component, and a search. */
  more(rows) {
    const groups = Map.groupBy(rows, ({ quantity }) => hh.component(quantity.name));
    const parts = [...groups].map(([component, members]) =>
      hh.make("details", { open: groups.size < 8 }, hh.make("summary", {}, component),
        ...members.map(({ row }) => row)));
    const search = hh.make("input", { type: "search", placeholder: "find a parameter", "aria-label": "find a parameter" });
    search.addEventListener("input", () => this.find(search.value.trim().toLowerCase(), rows, parts));
    const summary = hh.make("summary", {}, `all other parameters (${rows.length})`);
    return hh.make("details", { class: "more" }, summary, search, ...parts);
  }

  find(wanted, rows, parts) {
    for (const { row, quantity } of rows) {
      row.hidden = !`${quantity.name} ${quantity.label} ${quantity.description}`.toLowerCase().includes(wanted);
    }
    for (const part of parts) {
      part.hidden = !part.querySelector(".slider:not([hidden])");
      if (wanted) part.open = true;
    }
  }

  /** Show values, Float64Array (quantities); `home` are those to which a slider goes back. */
  show(values, home) {
    this.rows.forEach((row, k) => {
      if (row.home === home[k] && row.value === values[k]) return; // each write costs the page a look at its styles
      row.home = home[k];
      row.show(values[k]);
    });
  }
};

/** The component of a name: `sodium` of `sodium.g`. */
hh.component = (name) => name.slice(0, Math.max(name.lastIndexOf("."), 0)) || name;
