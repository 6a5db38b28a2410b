// What all views of an explorer share: a place with controls, a figure, its box, and keys.

/** A labelled list to choose from. options : [[value, text], ...] */
hh.choice = (label, options, value, changed) => {
  const list = hh.make("select", { onchange: () => changed(list.value) });
  for (const [key, text] of options) list.append(hh.make("option", { value: key, selected: key === value }, text));
  return hh.make("label", {}, hh.make("span", {}, label), list);
};

hh.View = class {
  /** words : what the view shows, for readers of screens */
  constructor(explorer, title, words) {
    Object.assign(this, { explorer, neurons: explorer.neurons, selection: explorer.selection });
    this.controls = hh.make("div", { className: "controls" });
    this.host = hh.make("div", { className: "figure", tabIndex: 0, role: "group", "aria-label": `${title}: ${words}` });
    this.host.addEventListener("keydown", (event) => this.#key(event));
    this.note = hh.make("p", { className: "note" });
    const parts = [hh.make("h4", {}, title), this.controls, this.host, this.note];
    this.element = hh.make("section", { className: "view" }, ...parts);
    explorer.grid.append(this.element);
    this.seen = true;
    hh.onSeen(this.element, (seen) => {
      this.seen = seen;
      if (seen) explorer.draw();
    });
  }

  /** Make the figure again, for other quantities or colours: one after the other, of those that wait the newest. */
  rebuild() {
    this.stale = true; // what is to be drawn is not what the figure is made for
    const build = () => this.stale && this.#build();
    this.built = this.built ? this.built.then(build, build) : Promise.resolve().then(build);
    return this.built;
  }

  async #build() {
    this.inks = hh.look(this.host);
    const before = this.figure;
    const figure = this.compose();
    this.box = new Bokeh.BoxAnnotation({
      visible: false, fill_color: this.inks.accent, fill_alpha: 0.06, line_color: this.inks.accent, line_dash: "dashed",
    });
    figure.add_layout(this.box);
    this.figure = figure;
    this.stale = false;
    this.changes = undefined;
    this.draw();
    await hh.showFigure(this.host, figure, before);
  }

  /** Whether the selection has changed since this was asked, or the figure is new: else only the chosen neuron has. */
  get selects() {
    const before = this.changes;
    this.changes = this.selection.changes;
    return this.changes !== before;
  }

  /** Whether what a view draws is another than when this was asked, as a text tells, or the selection is. */
  differs(slice) {
    const before = this.slice;
    this.slice = slice;
    return this.selects || slice !== before;
  }

  /** Show the ranges of both quantities as a box; an end without limit is the edge of the figure. */
  outline(x, y) {
    const [across, up] = [this.selection.ranges.get(x), this.selection.ranges.get(y)];
    const { x_range, y_range } = this.figure;
    const end = (limit, edge) => (Number.isFinite(limit) ? limit : edge);
    this.box.setv({
      visible: Boolean(across || up),
      left: end(across?.low, x_range.start), right: end(across?.high, x_range.end),
      bottom: end(up?.low, y_range.start), top: end(up?.high, y_range.end),
    });
  }

  /** Sentences under the figure, or elements. */
  say(...parts) {
    this.note.replaceChildren(...parts.filter(Boolean).flatMap((part) => [part, " "]));
  }

  /** The colours of a variable that has words for values. */
  legend({ categories }) {
    return (categories ?? []).map((word, code) => this.key(hh.categorical[code % hh.categorical.length], word));
  }

  /** A square of a colour, and what it stands for. */
  key(colour, word) {
    const square = hh.make("span", { style: `color: ${hh.css(colour)}`, "aria-hidden": true }, "■");
    return hh.make("span", {}, square, ` ${word} `);
  }

  /** A choice of quantities among the controls. */
  offer(label, variables, value, changed, extra = []) {
    const options = [...extra, ...variables.map((variable) => [variable.column, variable.label])];
    const column = typeof value === "string" ? value : value.column;
    this.controls.append(hh.choice(label, options, column, (chosen) => changed(this.neurons.find(chosen) ?? chosen)));
  }

  #key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (step) this.walk(...step, event.shiftKey);
    else if (event.key === "Enter") this.explorer.open();
    else if (event.key === "Escape") this.selection.clear();
    else return;
    event.preventDefault();
  }

  /** By default arrows go through the selected neurons. */
  walk(dx, dy) {
    this.explorer.next(dx || dy);
  }

  /** Go along axes, and with shift select what lies between here and where shift was pressed first. */
  walkAlong(axes, steps, shift) {
    const { explorer } = this;
    this.anchor = shift ? (this.anchor ?? explorer.position) : undefined;
    const position = [...explorer.position];
    axes.forEach((axis, k) => {
      const at = this.neurons.factors.indexOf(axis.factor);
      position[at] = axis.factor.step(position[at], steps[k]);
    });
    explorer.move(position);
    if (shift) this.selection.set(axes.map((axis) => this.#between(axis)));
  }

  #between(axis) {
    const at = this.neurons.factors.indexOf(axis.factor);
    return [axis, axis.levels[this.anchor[at]], axis.levels[this.explorer.position[at]]];
  }
};
