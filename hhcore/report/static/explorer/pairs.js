// The distribution of one quantity, or one against another: points if they are few, else how many lie in each pixel.

hh.MOST_POINTS = 3000;
hh.BINS = 60;
hh.NUMBER = "number of neurons";

hh.PairsView = class extends hh.View {
  /** y : a variable, or hh.NUMBER for a histogram */
  constructor(explorer, title, x, y) {
    super(explorer, title, "a histogram, or one quantity against another; arrows go through the selected neurons");
    Object.assign(this, { x, y });
    const again = (part) => (variable) => {
      this[part] = variable;
      this.rebuild();
    };
    this.offer("x", this.neurons.variables, this.x, again("x"));
    this.offer("y", this.neurons.variables, this.y, again("y"), [[hh.NUMBER, hh.NUMBER]]);
  }

  get counts() {
    return this.y === hh.NUMBER;
  }

  get few() {
    return this.neurons.count <= hh.MOST_POINTS;
  }

  compose() {
    const { x, y, counts, selection } = this;
    this.bins = counts ? hh.bins(x) : null;
    const most = counts ? hh.extent(hh.tally(this.bins.of, this.bins.count))[1] : 0;
    this.upright = counts
      ? { start: 0, end: 1.05 * most || 1, label: hh.NUMBER }
      : { ...hh.padded(y), label: y.short, categories: y.categories };
    const figure = hh.figure(this.host, {
      x: { ...(counts ? this.bins.range : hh.padded(x)), label: x.short, categories: x.categories },
      y: this.upright,
      height: 320,
      on: {
        box: ({ x0, x1, y0, y1 }) => selection.set(counts ? [[x, x0, x1]] : [[x, x0, x1], [y, y0, y1]]),
        tap: (atX, atY) => this.#tap(atX, atY),
      },
    });
    this.sources = ["all", "selected", "chosen"].map(() => new Bokeh.ColumnDataSource());
    (counts ? this.#bars : this.few ? this.#points : this.#pixels).call(this, figure);
    this.#mark(figure);
    return figure;
  }

  #bars(figure) {
    const looks = [this.inks.muted, this.inks.accent];
    looks.forEach((fill_color, k) => figure.quad({
      left: { field: "left" }, right: { field: "right" }, top: { field: "top" }, bottom: 0,
      source: this.sources[k], fill_color, line_color: null,
    }));
  }

  #points(figure) {
    const [all, selected] = this.sources;
    const place = [{ field: "x" }, { field: "y" }];
    figure.scatter(...place, { source: all, size: 5, fill_color: this.inks.muted, line_color: null });
    figure.scatter(...place, { source: selected, size: 6, fill_color: { field: "colour" }, line_color: null });
    const { feature } = this.explorer;
    if (!feature.categories) hh.colourBar(figure, feature, this.inks, hh.lineShades(this.inks));
  }

  #pixels(figure) {
    const [width, height] = [150, 100];
    const [across, up] = [hh.binned(this.x, width), hh.binned(this.y, height)];
    this.pixels = { width, height, across: across.range, up: up.range };
    this.pixels.of = Int32Array.from(across.of, (k, i) => (k < 0 || up.of[i] < 0 ? -1 : up.of[i] * width + k));
    const fields = Object.fromEntries(["x", "y", "dw", "dh"].map((field) => [field, { field }]));
    figure.image_rgba({ image: { field: "image" }, ...fields, source: this.sources[0] });
  }

  #mark(figure) {
    const { chosen } = this.inks;
    const place = [{ field: "x" }, { field: "y" }];
    const look = { source: this.sources[2], level: "overlay", size: 11, fill_color: null, line_color: chosen, line_width: 2.5 };
    figure.scatter(...place, { ...look, marker: this.counts ? "inverted_triangle" : "circle" });
  }

  draw() {
    const { x, y, counts, explorer: { neuron } } = this;
    if (this.selects) (counts ? this.#drawBars : this.few ? this.#drawPoints : this.#drawPixels).call(this);
    this.sources[2].data = { x: [x.values[neuron]], y: [counts ? 0.97 * this.upright.end : y.values[neuron]] };
    this.outline(x, y);
  }

  #drawBars() {
    const { of, count, left, right } = this.bins;
    const { mask, active } = this.selection;
    this.sources[0].data = active ? { left, right, top: hh.tally(of, count) } : { left: [], right: [], top: [] };
    this.sources[1].data = { left, right, top: hh.tally(of, count, mask) };
  }

  #drawPoints() {
    const { x, y, explorer: { feature }, selection: { mask } } = this;
    const rows = Array.from(mask, (_, i) => i);
    const points = (list) => ({ x: list.map((i) => x.values[i]), y: list.map((i) => y.values[i]) });
    const selected = rows.filter((i) => mask[i]);
    const colour = selected.map((i) => hh.lineColour(feature, feature.values[i], this.inks));
    this.sources[0].data = points(rows.filter((i) => !mask[i]));
    this.sources[1].data = { ...points(selected), colour };
  }

  #drawPixels() {
    const { width, height, of, across, up } = this.pixels;
    const all = hh.tally(of, width * height);
    const selected = hh.tally(of, width * height, this.selection.mask);
    const most = Math.log1p(hh.extent(all)[1]);
    const [from, to] = hh.lineShades(this.inks);
    const image = new hh.Picture(width, height);
    const grey = this.inks.dark ? [90, 90, 90] : [205, 205, 205];
    all.forEach((count, k) => {
      if (selected[k]) image.paint(k, hh.viridis(from + ((to - from) * Math.log1p(selected[k])) / most));
      else if (count) image.paint(k, grey);
    });
    this.sources[0].data = image.over(across, up);
  }

  #tap(atX, atY) {
    const rows = this.selection.mask.keys();
    const targets = this.counts ? [[this.x, atX]] : [[this.x, atX], [this.y, atY]];
    this.explorer.choose(hh.nearest(rows, ...targets));
  }
};

/** Bins of a histogram: one for each whole number or word if they are few, else equal ones. */
hh.bins = (variable) => {
  const [low, high] = variable.extent;
  const single = (variable.whole || variable.categories) && high - low < hh.BINS;
  if (single) return hh.binned(variable, high - low + 1, low - 0.5, high + 0.5);
  return hh.binned(variable, Math.min(Math.max(Math.ceil(2 * Math.sqrt(variable.values.length)), 8), hh.BINS));
};

/** Equal bins over a range: the borders of each, and the bin of each neuron, -1 without a value. */
hh.binned = (variable, count, start, end) => {
  const range = start === undefined ? hh.padded(variable, 0.005) : { start, end };
  const width = (range.end - range.start) / count;
  const of = new Int32Array(variable.values.length);
  for (let i = 0; i < of.length; i++) {
    const value = variable.values[i];
    of[i] = Number.isNaN(value) ? -1 : Math.min(Math.floor((value - range.start) / width), count - 1);
  }
  const left = Array.from({ length: count }, (_, k) => range.start + k * width);
  return { of, count, range, left, right: left.map((border) => border + width) };
};

/** How many neurons are in each of `count` bins; with a mask, of those selected. */
hh.tally = (of, count, mask) => {
  const tally = new Uint32Array(count);
  for (let i = 0; i < of.length; i++) if (of[i] >= 0 && (!mask || mask[i])) tally[of[i]]++;
  return tally;
};
