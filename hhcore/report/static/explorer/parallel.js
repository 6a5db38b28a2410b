// Parallel coordinates: a line for each of some neurons through an upright axis for each quantity.

hh.MOST_LINES = 300;
hh.LANE = 85; // width of an axis with its numbers [px]
hh.NOWHERE = -0.13; // the height of what has no value

hh.ParallelView = class extends hh.View {
  constructor(explorer) {
    super(explorer, "Parallel coordinates", "a line for each neuron; arrows go through the selected neurons");
    this.element.classList.add("wide");
    this.variables = this.#start();
    const boxes = this.neurons.variables.map((variable) => this.#tick(variable));
    const ticks = hh.make("div", { className: "ticks" }, ...boxes);
    this.controls.append(hh.make("details", {}, hh.make("summary", {}, "Quantities"), ticks));
  }

  /** Axes with several values, the headline, and a few more features that differ, as many as there is room for. */
  #start() {
    const { axes, variables, headline } = this.neurons;
    const room = Math.min(Math.max(Math.floor(this.explorer.element.clientWidth / hh.LANE), 4), 11);
    const free = axes.filter((axis) => axis.factor.length > 1).slice(0, room - 1);
    const differs = ({ extent: [low, high] }) => low < high;
    const features = variables.filter((one) => !one.factor && one !== headline && differs(one));
    const wanted = headline.factor ? [] : [headline];
    return [...free, ...wanted, ...features].slice(0, Math.max(room - 3, Math.min(room, free.length + 3)));
  }

  #tick(variable) {
    const change = ({ target }) => {
      const chosen = new Set(this.variables);
      if (target.checked) chosen.add(variable);
      else chosen.delete(variable);
      this.variables = this.neurons.variables.filter((one) => chosen.has(one));
      this.rebuild();
    };
    const box = hh.make("input", { type: "checkbox", checked: this.variables.includes(variable), onchange: change });
    return hh.make("label", {}, box, variable.label);
  }

  compose() {
    const { variables, inks } = this;
    const ticks = variables.map((variable, k) => [k, variable.short]);
    const figure = hh.figure(this.host, {
      x: { start: -0.4, end: variables.length - 0.6, ticks },
      y: { start: -0.2, end: 1.1, ticks: [[hh.NOWHERE, "no value"]] },
      height: 360,
      on: { box: (box) => this.#brush(box), tap: (atX, atY) => this.#tap(atX, atY) },
    });
    const [[axis], [grid]] = [figure.xaxis, figure.xgrid];
    axis.major_label_orientation = 0.5;
    figure.min_border_left = 75; // for the first label, which leans to the left
    grid.grid_line_color = inks.muted;
    this.sources = ["behind", "front", "chosen", "ranges", "ends"].map(() => new Bokeh.ColumnDataSource());
    const [behind, front, chosen, ranges, ends] = this.sources;
    const lines = [{ field: "xs" }, { field: "ys" }];
    figure.multi_line(...lines, { source: behind, line_color: inks.muted, line_alpha: 0.3 });
    figure.multi_line(...lines, { source: front, line_color: { field: "colour" }, line_alpha: 0.7 });
    figure.multi_line(...lines, { source: chosen, level: "overlay", line_color: inks.chosen, line_width: 3 });
    figure.segment({ field: "x" }, { field: "low" }, { field: "x" }, { field: "high" }, {
      source: ranges, line_color: inks.accent, line_width: 9, line_alpha: 0.5,
    });
    figure.text({ field: "x" }, { field: "y" }, { field: "text" }, {
      source: ends, text_color: inks.text, text_font_size: "11px", text_align: "center",
      text_baseline: { field: "side" },
    });
    ends.data = this.#ends();
    return figure;
  }

  draw() {
    const { neurons, selection, explorer } = this;
    const [behind, front, chosen, ranges] = this.sources;
    chosen.data = this.#lines([explorer.neuron]);
    if (!this.selects) return;
    const drawn = hh.some(selection, hh.MOST_LINES);
    behind.data = this.#lines(selection.active ? hh.evenly(neurons.count, hh.MOST_LINES) : []);
    front.data = this.#lines(drawn);
    ranges.data = this.#ranges();
    this.drawn = drawn;
    const all = `${selection.count.toLocaleString("en")} ${selection.active ? "selected neurons" : "neurons"}`;
    this.say(drawn.length < selection.count && `${drawn.length} of ${all} are drawn.`);
  }

  #height(variable, value) {
    return Number.isNaN(value) ? hh.NOWHERE : variable.share(value);
  }

  #lines(rows) {
    const { feature } = this.explorer;
    const xs = this.variables.map((_, k) => k);
    return {
      xs: rows.map(() => xs),
      ys: rows.map((i) => this.variables.map((variable) => this.#height(variable, variable.values[i]))),
      colour: rows.map((i) => hh.lineColour(feature, feature.values[i], this.inks)),
    };
  }

  #ranges() {
    const { ranges } = this.selection;
    const limited = [...this.variables.entries()].filter(([, variable]) => ranges.has(variable));
    const height = (variable, bound, end) => (Number.isFinite(bound) ? this.#height(variable, bound) : end);
    return {
      x: limited.map(([k]) => k),
      low: limited.map(([, variable]) => height(variable, ranges.get(variable).low, 0)),
      high: limited.map(([, variable]) => height(variable, ranges.get(variable).high, 1)),
    };
  }

  /** The smallest and the largest value of each axis, as texts. */
  #ends() {
    const text = (variable, value) => (variable.categories ? variable.write(value) : hh.short(value));
    return {
      x: this.variables.flatMap((_, k) => [k, k]),
      y: this.variables.flatMap(() => [-0.015, 1.015]),
      text: this.variables.flatMap((variable) => variable.extent.map((value) => text(variable, value))),
      side: this.variables.flatMap(() => ["top", "bottom"]),
    };
  }

  /** A box limits the quantities whose axes it crosses, or else the nearest one. */
  #brush({ x0, x1, y0, y1 }) {
    const crossed = this.variables.filter((_, k) => x0 <= k && k <= x1);
    const nearest = this.variables[Math.min(Math.max(Math.round((x0 + x1) / 2), 0), this.variables.length - 1)];
    const limited = crossed.length ? crossed : [nearest];
    this.selection.set(limited.map((variable) => [variable, variable.valueAt(y0), variable.valueAt(y1)]));
  }

  #tap(atX, atY) {
    const k = Math.min(Math.max(Math.round(atX), 0), this.variables.length - 1);
    const off = (i) => Math.abs(this.#height(this.variables[k], this.variables[k].values[i]) - atY);
    if (this.drawn.length) this.explorer.choose(this.drawn.reduce((best, i) => (off(i) < off(best) ? i : best)));
  }
};

/** At most so many numbers from 0 to count, evenly spread but for a jitter that no grid resonates with. */
hh.evenly = (count, most) => {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  const places = Array.from({ length: most }, (_, k) => k + ((k * 0.6180339887) % 1));
  return [...new Set(places.map((place) => Math.floor((place * count) / most)))];
};

/** At most so many of the selected neurons, evenly spread among them. */
hh.some = ({ mask, count }, most) => {
  const wanted = hh.evenly(count, most);
  const rows = [];
  let [seen, next] = [0, 0];
  for (let i = 0; i < mask.length && next < wanted.length; i++) {
    if (!mask[i]) continue;
    if (seen++ === wanted[next]) {
      rows.push(i);
      next++;
    }
  }
  return rows;
};
