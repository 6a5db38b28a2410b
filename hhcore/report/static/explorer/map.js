// A feature over any two axes as colours; further axes are held where the sliders are.

hh.PIXELS = 400; // along an axis whose values are not evenly spaced, or too many
hh.MOST_CELLS = 1000; // along an axis with a pixel for each value

hh.MapView = class extends hh.View {
  constructor(explorer) {
    super(explorer, "Map", "the feature over two axes; arrows move, Enter opens the neuron, Shift selects");
    [this.x, this.y] = this.#start();
    this.#control();
  }

  #start() {
    const { gridAxes, along } = this.neurons;
    const x = along.factor.scattered ? gridAxes[0] : along;
    return [x, gridAxes.find((axis) => axis.factor !== x.factor)];
  }

  #control() {
    this.controls.replaceChildren();
    const { gridAxes } = this.neurons;
    this.offer("x", gridAxes, this.x, (axis) => this.#choose(axis, axis.factor === this.y.factor ? this.x : this.y));
    this.offer("y", gridAxes, this.y, (axis) => this.#choose(axis.factor === this.x.factor ? this.y : this.x, axis));
  }

  #choose(x, y) {
    [this.x, this.y] = [x, y];
    this.#control();
    this.rebuild();
  }

  compose() {
    const { x, y, inks, selection } = this;
    [this.across, this.up] = [x, y].map(hh.cells);
    const figure = hh.figure(this.host, {
      x: { ...this.across.range, label: x.short, logarithmic: x.logarithmic },
      y: { ...this.up.range, label: y.short, logarithmic: y.logarithmic },
      height: 320,
      on: {
        box: ({ x0, x1, y0, y1 }) => selection.set([[x, x0, x1], [y, y0, y1]]),
        tap: (atX, atY) => this.#tap(atX, atY),
      },
    });
    const { across: { range: wide }, up: { range: high } } = this;
    figure.quad({
      left: wide.start, right: wide.end, bottom: high.start, top: high.end, fill_color: null, line_color: null,
      hatch_pattern: "/", hatch_color: inks.muted, hatch_scale: 8, // seen where no cell is painted: no value
    });
    this.sources = ["picture", "failed", "chosen"].map(() => new Bokeh.ColumnDataSource());
    const [picture, failed, chosen] = this.sources;
    const fields = Object.fromEntries(["x", "y", "dw", "dh"].map((field) => [field, { field }]));
    figure.image_rgba({ image: { field: "image" }, ...fields, source: picture });
    const place = [{ field: "x" }, { field: "y" }];
    figure.scatter(...place, { source: failed, marker: "x", size: 7, line_color: inks.text, line_width: 2 });
    figure.scatter(...place, {
      source: chosen, level: "overlay", marker: "square", size: 11, fill_color: null,
      line_color: inks.chosen, line_width: 2.5,
    });
    for (const grid of [...figure.xgrid, ...figure.ygrid]) grid.visible = false;
    if (!this.explorer.feature.categories) hh.colourBar(figure, this.explorer.feature, inks);
    return figure;
  }

  draw() {
    const { x, y, explorer: { neuron } } = this;
    this.sources.at(-1).data = { x: [x.values[neuron]], y: [y.values[neuron]] };
    if (this.differs(String(this.#cell()(0, 0)))) this.#drawCells();
    this.outline(x, y);
  }

  #drawCells() {
    const { across, up, explorer: { feature } } = this;
    const [picture, failed] = this.sources;
    const image = new hh.Picture(across.pixels.length, up.pixels.length);
    const at = this.#cell();
    up.pixels.forEach((k, row) => across.pixels.forEach((j, column) => {
      const i = at(j, k);
      if (!Number.isNaN(feature.values[i])) image.paint(row * across.pixels.length + column, this.#shade(i));
    }));
    picture.data = image.over(across.range, up.range);
    const lost = this.#failed(at);
    const none = feature.none && this.key(hh.nothing(this.inks), `0, ${feature.none}`);
    this.say(...this.legend(feature), none, image.gaps && "Hatched: no value.", lost.x.length && "Crosses: failed.");
    failed.data = lost;
  }

  #shade(i) {
    const { feature } = this.explorer;
    const value = feature.values[i];
    const colour = feature.none && value === 0 ? hh.nothing(this.inks) : hh.colourOf(feature, value);
    return this.selection.mask[i] ? colour : hh.paled(colour, this.inks.dark);
  }

  /** A function from an index of both axes to a neuron, the others being where the sliders are. */
  #cell() {
    const { factors } = this.neurons;
    const [across, up] = [this.x.factor, this.y.factor];
    const first = this.neurons.at(
      this.explorer.position.with(factors.indexOf(across), 0).with(factors.indexOf(up), 0),
    );
    return (j, k) => first + j * across.stride + k * up.stride;
  }

  /** Where neurons of the map failed. */
  #failed(at) {
    const { x, y, neurons: { failed } } = this;
    const list = [];
    for (let k = 0; k < y.levels.length; k++) {
      for (let j = 0; j < x.levels.length; j++) if (failed[at(j, k)]) list.push([x.levels[j], y.levels[k]]);
    }
    return hh.fewRows({ x: list.map(([atX]) => atX), y: list.map(([, atY]) => atY) });
  }

  #tap(atX, atY) {
    this.explorer.choose(this.#cell()(this.across.nearest(atX), this.up.nearest(atY)));
  }

  walk(dx, dy, shift) {
    this.walkAlong([this.x, this.y], [dx, dy], shift);
  }
};

/** Cells around the values of an axis: their range, the index of a value for each pixel, and that nearest a place. */
hh.cells = ({ levels, order, logarithmic }) => {
  const [there, back] = logarithmic ? [Math.log, Math.exp] : [Number, Number];
  const centres = order.map((k) => there(levels[k]));
  const gaps = centres.slice(1).map((centre, k) => centre - centres[k]);
  const [first, last] = [(gaps[0] ?? 1) / 2, (gaps.at(-1) ?? 1) / 2];
  const [start, end] = [centres[0] - first, centres.at(-1) + last];
  const borders = centres.slice(1).map((centre, k) => (centre + centres[k]) / 2);
  const cell = (place) => order[hh.firstFrom(borders, place)];
  const even = gaps.every((gap) => Math.abs(gap - gaps[0]) < 1e-6 * gaps[0]);
  const count = even && order.length <= hh.MOST_CELLS ? order.length : hh.PIXELS;
  const pixels = Array.from({ length: count }, (_, k) => cell(start + ((k + 0.5) * (end - start)) / count));
  return { range: { start: back(start), end: back(end) }, pixels, nearest: (at) => cell(there(at)) };
};
