// A feature against one axis, a curve for each of some values of another; further axes are held where the sliders are.

hh.MOST_CURVES = 12;
hh.MOST_PLACES = 500; // along a curve, of at most four points each

hh.CurvesView = class extends hh.View {
  constructor(explorer) {
    super(explorer, "Curves", "the feature against an axis; arrows move, Enter opens the neuron, Shift selects");
    this.x = this.neurons.along.factor.scattered ? this.neurons.gridAxes[0] : this.neurons.along;
    this.colour = this.#others().find((axis) => !axis.factor.scattered) ?? this.#others()[0] ?? null;
    this.#control();
  }

  #others() {
    const others = this.neurons.factors.filter((factor) => factor !== this.x.factor && factor.length > 1);
    return others.flatMap(({ axes }) => axes);
  }

  #control() {
    this.controls.replaceChildren();
    const { gridAxes } = this.neurons;
    if (gridAxes.length > 1) this.offer("along", gridAxes, this.x, (axis) => this.#choose(axis, this.colour));
    const others = this.#others();
    if (!others.length) return;
    this.offer("colour", others, this.colour ?? "", (axis) => this.#choose(this.x, axis), [["", "none"]]);
  }

  #choose(x, colour) {
    this.x = x;
    this.colour = colour && colour.factor !== x.factor ? colour : null;
    this.#control();
    this.rebuild();
  }

  compose() {
    const { x, host, inks, selection } = this;
    const y = this.explorer.feature;
    const figure = hh.figure(host, {
      x: { ...hh.padded(x), label: x.short, logarithmic: x.logarithmic },
      y: { ...hh.padded(y, 0.06), label: y.short, categories: y.categories },
      height: 320,
      on: {
        box: ({ x0, x1, y0, y1 }) => selection.set([[x, x0, x1], [y, y0, y1]]),
        tap: (atX, atY) => this.#tap(atX, atY),
      },
    });
    this.sources = ["behind", "front", "points", "gaps", "chosen"].map(() => new Bokeh.ColumnDataSource());
    const [behind, front, points, gaps, chosen] = this.sources;
    figure.multi_line({ field: "xs" }, { field: "ys" }, { source: behind, line_color: inks.muted, line_width: 1 });
    const line_color = { field: "colour" };
    figure.multi_line({ field: "xs" }, { field: "ys" }, { source: front, line_color, line_width: 1.5 });
    const place = [{ field: "x" }, { field: "y" }];
    figure.scatter(...place, { source: points, size: 3.5, line_color: null, fill_color: line_color });
    figure.scatter(...place, { source: gaps, marker: { field: "marker" }, size: 6, line_color, line_alpha: 0.8 });
    figure.scatter(...place, {
      source: chosen, level: "overlay", size: 11, fill_color: null, line_color: inks.chosen, line_width: 2.5,
    });
    if (this.colour) hh.colourBar(figure, this.colour, inks, hh.lineShades(inks));
    return figure;
  }

  draw() {
    const { neuron, feature: y } = this.explorer;
    const chosen = this.sources.at(-1);
    chosen.data = { x: [this.x.values[neuron]], y: [y.values[neuron]] };
    const slices = this.#slices();
    const differs = this.differs(slices.map(({ first }) => first).join());
    if (differs) this.#drawCurves(slices.map((slice) => this.#curve(slice)), y);
    this.outline(this.x, y);
  }

  #drawCurves(curves, y) {
    const { selection } = this;
    const known = (i) => (selection.mask[i] ? y.values[i] : NaN);
    const few = curves.reduce((sum, { rows }) => sum + rows.length, 0) <= hh.MOST_POINTS;
    const shown = curves.map((curve) => ({ ...curve, y: curve.rows.map(known) }));
    const [behind, front, points, gaps] = this.sources;
    const lines = (list) => {
      const drawn = list.map((curve) => hh.unjoined(...(few ? [curve.x, curve.y] : hh.sparse(curve.x, curve.y))));
      return { xs: drawn.map(([xs]) => xs), ys: drawn.map(([, ys]) => ys), colour: list.map((curve) => curve.colour) };
    };
    behind.data = lines(selection.active && !y.categories ? curves : []);
    front.data = lines(y.categories ? [] : shown);
    const dots = few || y.categories ? shown : [];
    points.data = hh.fewRows({
      x: dots.flatMap((curve) => curve.x), y: dots.flatMap((curve) => curve.y),
      colour: dots.flatMap((curve) => curve.rows.map(() => curve.colour)),
    });
    gaps.data = this.#gaps(curves);
  }

  /** Points without a value, at the foot of the figure: a cross if the neuron failed, else a dash. */
  #gaps(curves) {
    const { values } = this.explorer.feature;
    const { start, end } = this.figure.y_range;
    const foot = start + 0.03 * (end - start);
    const list = [];
    for (const { x, rows, colour } of curves) {
      rows.forEach((i, k) => Number.isNaN(values[i]) && list.push({ i, x: x[k], colour }));
    }
    this.say(list.length > 0 && "At the foot: a dash without a value, a cross for a neuron that failed.");
    return hh.fewRows({
      x: list.map(({ x }) => x), y: list.map(() => foot), colour: list.map(({ colour }) => colour),
      marker: list.map(({ i }) => (this.neurons.failed[i] ? "x" : "dash")),
    });
  }

  /** What is drawn: {first: the neuron at the first index of the axis, colour}, also through the chosen neuron. */
  #slices() {
    const { neurons, explorer, x, colour, inks } = this;
    const [at, by] = [x.factor, colour?.factor].map((factor) => neurons.factors.indexOf(factor));
    const chosen = colour ? hh.spread(colour.factor.order, hh.MOST_CURVES, explorer.position[by]) : [0];
    return chosen.map((level) => {
      const position = explorer.position.with(at, 0);
      if (colour) position[by] = level;
      const shade = colour ? hh.css(hh.colourOf(colour, colour.levels[level], hh.lineShades(inks))) : inks.accent;
      return { first: neurons.at(position), colour: shade };
    });
  }

  /** A curve as {x, y, colour, rows: neurons along it}. */
  #curve({ first, colour }) {
    const { order, levels, factor } = this.x;
    const rows = order.map((k) => first + k * factor.stride);
    return { x: order.map((k) => levels[k]), y: rows.map((i) => this.explorer.feature.values[i]), colour, rows };
  }

  #tap(atX, atY) {
    const y = this.explorer.feature;
    const points = this.#slices().flatMap((slice) => this.#curve(slice).rows);
    this.explorer.choose(hh.nearest(points, [this.x, atX], [y, atY]));
  }

  walk(dx, dy, shift) {
    if (this.colour) this.walkAlong([this.x, this.colour], [dx, dy], shift);
    else this.walkAlong([this.x], [dx || dy], shift);
  }
};

/** The columns of at most MOST_POINTS rows, evenly spread. */
hh.fewRows = (columns) => {
  const kept = hh.evenly(columns.x.length, hh.MOST_POINTS);
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, kept.map((k) => column[k])]));
};

/** A long line with few points that draws as all of them do: x and y. */
hh.sparse = (x, y) => {
  const places = Float64Array.from(y.keys());
  const kept = hh.thinned(places, Float64Array.from(y), 0, y.length, hh.MOST_PLACES);
  return [Array.from(kept.x, (k) => x[k]), [...kept.y]];
};

/** A line that does not join 0 to what is not, such as silence to firing: x and y with NaN in between. */
hh.unjoined = (x, y) => {
  const [xs, ys] = [[], []];
  y.forEach((value, k) => {
    if (k && (value === 0) !== (y[k - 1] === 0)) {
      xs.push(x[k]);
      ys.push(NaN);
    }
    xs.push(x[k]);
    ys.push(value);
  });
  return [xs, ys];
};

/** At most so many of a list, evenly spread with both ends, and `also` in any case. */
hh.spread = (list, most, also) => {
  const last = list.length - 1;
  if (last < most) return list;
  const few = Array.from({ length: most }, (_, k) => list[Math.round((k * last) / (most - 1))]);
  return few.includes(also) ? few : [...few, also];
};

/** The neuron nearest a place, by the extents of both quantities; one without a value lies at the edge. */
hh.nearest = (rows, ...targets) => {
  const scaled = targets.map(([variable, at]) => {
    const [low, high] = variable.extent;
    return { values: variable.values, at, size: high - low || 1 };
  });
  let [best, least] = [undefined, Infinity];
  for (const i of rows) {
    let distance = 0;
    for (const { values, at, size } of scaled) {
      const off = Number.isNaN(values[i]) ? 1 : (values[i] - at) / size;
      distance += off * off;
    }
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
};
