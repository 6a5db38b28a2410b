// Time courses of one neuron in panels that share the time axis: spikes, potential, gates, currents, stimulus.

hh.lines = ["solid", "dashed", "dotted", "dashed"]; // in a legend, of these:
hh.dashes = ["solid", [6, 3], [2, 2], [8, 3, 2, 3]];

[hh.manySpikes, hh.firstSpikes] = [12, 10]; // more than 12 merge into a band; a run then opens on its first 10

/** Which dash a curve has: colours that come again have another one. */
hh.dashOf = ({ hue, dash }) => (dash + Math.floor(hue / hh.hues.light.length)) % hh.dashes.length;

/** A curve of a panel: `of(path)` is its values, `hue` counts the colours, `dash` the curves of one colour. */
hh.curvesOf = (live) => {
  const hues = [...new Set([...live.currents, ...live.states.filter(({ role }) => role === "gate")]
    .map(({ name }) => hh.component(name)))];
  const counts = new Map();
  const look = (name, kind) => {
    const component = hh.component(name);
    const key = `${kind} ${component}`;
    counts.set(key, (counts.get(key) ?? -1) + 1);
    return { hue: Math.max(hues.indexOf(component), 0), dash: counts.get(key) };
  };
  const states = live.states.map((state, k) => ({ ...state, of: (path) => path.states[k] }));
  const curves = (role) => states.filter((s) => s.role === role).map((s) => ({ ...s, ...look(s.name, role) }));
  return {
    potential: curves("potential").map((curve) => ({ ...curve, hue: 5, dash: 0 })),
    gates: curves("gate"),
    others: [...curves("concentration"), ...curves("other")].map((curve, k) => ({ ...curve, hue: k, hidden: k > 0 })),
    currents: live.currents.map((c, k) => ({ ...c, ...look(c.name, "current"), of: (path) => path.currents[k] })),
    stimulus: [{ ...live.stimulus, name: live.stimulus.label, hue: 5, dash: 0, of: (path) => path.stimulus }],
  };
};

/** What an axis holds of a membrane potential, unless one looks closer [mV]: what stays small looks small. */
hh.usualPotentials = [-80, 40];

/** One panel: its curves in one plot, and above it what they are; buttons show and hide them if there are several. */
hh.Panel = class {
  /** usual : values that the y axis always holds */
  constructor(title, curves, height, range, usual = []) {
    this.usual = usual;
    const units = new Set(curves.map((curve) => curve.unit));
    this.plot = hh.plot({ height, x_range: range, y_range: [0, 1] });
    this.plot.left[0].formatter.power_limit_low = -4;
    this.plot.left[0].ticker.desired_num_ticks = Math.ceil(height / 35);
    this.plot.xaxis.visible = false;
    this.lines = curves.map((curve) => this.line(curve));
    this.holder = hh.make("div", { class: "plot" });
    const heading = hh.make("strong", {}, hh.withUnit(title, units.size === 1 ? curves[0].unit : ""));
    this.element = hh.make("div", { class: "panel" }, hh.make("div", { class: "legend" }, heading), this.holder);
    if (curves.length > 1) this.element.firstChild.append(...this.keysOf());
  }

  /** Show the time axis, which the last panel does for all. */
  showTime(unit) {
    this.plot.xaxis.visible = true;
    this.plot.xaxis.axis_label = hh.plain(hh.withUnit("time", unit));
    this.plot.height += 42;
  }

  line(curve) {
    const source = hh.rows();
    const renderer = this.plot.line({ field: "x" }, { field: "y" }, {
      source, line_width: 1.5, line_dash: hh.dashes[hh.dashOf(curve)],
      line_join: "round", visible: !curve.hidden,
    });
    return { curve, source, renderer };
  }

  keysOf() {
    this.keys = this.lines.map(({ curve, renderer }) => {
      const swatch = hh.make("span", { class: "swatch" });
      const key = hh.make("button", { type: "button", title: curve.label }, swatch, curve.name);
      const show = () => key.setAttribute("aria-pressed", String(renderer.visible));
      key.addEventListener("click", () => { renderer.visible = !renderer.visible; show(); this.fit(); });
      show();
      return key;
    });
    return this.keys;
  }

  paint(look) {
    hh.paint(this.plot, look);
    const hues = hh.hues[look.dark ? "dark" : "light"];
    this.lines.forEach(({ curve, renderer }, k) => {
      const colour = hues[curve.hue % hues.length];
      renderer.glyph.line_color = colour;
      this.keys?.[k].firstChild.style.setProperty("border-top", `3px ${hh.lines[hh.dashOf(curve)]} ${colour}`);
    });
  }

  /** Draw what is seen of a path, from one time to another. */
  draw(path, from, to) {
    const pixels = Math.max(this.holder.clientWidth - 82, 200);
    for (const { curve, source } of this.lines) source.data = hh.thinned(path.time, curve.of(path), from, to, pixels);
    this.fit();
  }

  /**
   * The y axis holds what is seen, and at least a hundredth of its size: rest is flat, not a picture of rounding. It
   * stays where it is while that fills most of it, so that axes are still while a slider moves.
   */
  fit() {
    const seen = this.lines.filter(({ renderer }) => renderer.visible).map(({ source }) => source.data.y);
    let [low, high] = [Infinity, -Infinity];
    for (const y of seen) {
      for (const value of y.filter(Number.isFinite)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    if (low > high) return;
    [low, high] = [Math.min(low, ...this.usual), Math.max(high, ...this.usual)];
    const span = Math.max(high - low, 0.01 * Math.max(Math.abs(low), Math.abs(high))) || 1;
    const { start, end } = this.plot.y_range;
    if (this.fitted && low >= start && high <= end && span > 0.6 * (end - start)) return;
    this.fitted = true;
    const middle = (low + high) / 2;
    this.plot.y_range.setv({ start: middle - 0.55 * span, end: middle + 0.55 * span });
  }
};

/** The panels of a neuron. `draw` shows a result; spikes of a stored run stand above those of the result. */
hh.Panels = class {
  /** kept : whether the page has the spike times of the stored run */
  constructor(live, kept) {
    Object.assign(this, { live, kept });
    this.range = new Bokeh.Range1d({ start: 0, end: live.duration });
    const curves = hh.curvesOf(live);
    this.raster = this.spikes();
    const panels = [["membrane potential", "potential", 210], ["gates", "gates", 130], ["other states", "others", 120],
      ["currents", "currents", 150], [live.stimulus.label, "stimulus", 70]];
    if (live.clamp) panels.pop(); // the command is the potential
    const voltage = curves.potential[0].unit.endsWith("V"); // there are models without units
    this.usual = voltage ? hh.usualPotentials.map((value) => value / live.mV) : [];
    this.panels = panels.filter(([, kind]) => curves[kind].length)
      .map(([title, kind, height]) => new hh.Panel(title, curves[kind], height, this.range, kind === "stimulus" ? [0] : []));
    this.potential = this.panels[0];
    this.panels.at(-1).showTime(live.time_unit);
    const plots = this.panels.map(({ element }) => element);
    this.element = hh.make("div", { class: "panels" }, this.part(), this.rasterHolder, ...plots);
    this.range.change.connect(() => this.seen());
  }

  /** Words on the part of the run that is seen, and a button for all of it. */
  part() {
    this.partWords = hh.make("span", {});
    const all = hh.make("button", { type: "button" }, "whole run");
    all.addEventListener("click", () => this.range.reset());
    this.partShown = hh.make("p", { class: "hint part", hidden: true }, this.partWords, " ", all);
    return this.partShown;
  }

  /** See all of a run, or its beginning if it has many spikes. */
  open({ spikes_ms: spikes }) {
    const { duration, ms } = this.live;
    const between = (spikes[hh.firstSpikes - 1] + spikes[hh.firstSpikes]) / 2 / ms;
    this.range.setv({ start: 0, end: spikes.length > hh.manySpikes ? Number(between.toPrecision(3)) : duration });
  }

  get whole() {
    return this.range.start <= 0 && this.range.end >= this.live.duration;
  }

  /** Say which part of the run is seen. */
  showPart() {
    this.partShown.hidden = this.whole;
    if (this.whole) return;
    const { start, end } = this.range;
    const [from, to, of] = [start, end, this.live.duration].map((time) => Number(time.toPrecision(3)).toLocaleString("en"));
    const part = start > 0 ? `${from} to ${to}` : `the first ${to}`;
    this.partWords.textContent = `${part} of ${of} ${this.live.time_unit}; drag to zoom, double click for all`;
  }

  /** The spikes: a row of this page, and one of the stored run, of which a page may have no more than a digest. */
  spikes() {
    const names = this.kept ? ["here", "stored run"] : ["spikes"];
    const plot = hh.plot({ height: this.kept ? 52 : 34, x_range: this.range, y_range: [-0.6, names.length - 0.4] });
    plot.yaxis.ticker = new Bokeh.FixedTicker({ ticks: names.map((_, k) => k) });
    plot.yaxis.major_label_overrides = new Map(names.map((name, k) => [k, name]));
    plot.xaxis.visible = false;
    plot.ygrid.visible = false;
    this.marks = names.map(() => hh.rows());
    this.ticks = this.marks.map((source) => plot.scatter({ field: "x" }, { field: "y" },
      { source, marker: "dash", angle: Math.PI / 2, size: 13, line_width: 1.4 }));
    this.rasterHolder = hh.make("div", { class: "plot raster", hidden: this.live.clamp });
    return plot;
  }

  async embed() {
    this.threshold = new Bokeh.Span({
      location: Number(this.live.threshold), dimension: "width", line_dash: [4, 3], line_width: 1,
      visible: !this.live.clamp,
    });
    this.potential.plot.add_layout(this.threshold);
    this.paint();
    hh.onLook(() => this.paint());
    await hh.embed([[this.raster, this.rasterHolder], ...this.panels.map(({ plot, holder }) => [plot, holder])]);
  }

  paint() {
    const look = hh.look(this.element);
    hh.paint(this.raster, look);
    for (const { glyph } of this.ticks) glyph.line_color = look.text;
    this.threshold.line_color = look.axis;
    for (const panel of this.panels) panel.paint(look);
  }

  /** Show a result of `simulate` with its path, and the spike times of the stored run, null if not known [ms]. */
  draw(result, stored) {
    this.result = result;
    const { ms } = this.live;
    [result.spikes_ms, stored ?? []].slice(0, this.marks.length).forEach((times, row) => {
      this.marks[row].data = { x: Float64Array.from(times, (t) => t / ms), y: new Float64Array(times.length).fill(row) };
    });
    this.seen();
  }

  /** Draw what is seen of the time. */
  seen() {
    this.showPart();
    if (!this.result?.path) return;
    this.potential.usual = this.range.start <= 0 ? this.usual : []; // later is looked at closely
    for (const panel of this.panels) panel.draw(this.result.path, this.range.start, this.range.end);
  }
};
