// The F–I curve of the present setting, computed in a worker: coarse first, then finer.

hh.curveLevels = 6; // 2^6 + 1 amplitudes in the end
hh.curvePause = 150; // ms in which nothing moves before it is computed, so that it takes no time from a moving slider
hh.curvePatience = 6000; // ms; a curve that has taken this long is not made finer

/** Fractions from 0 to 1, the ends first, then halves, quarters, ...: a list for each level. */
hh.refinements = (levels) => {
  const found = [[0, 1]];
  for (let n = 2; n <= 2 ** levels; n *= 2) found.push(Array.from({ length: n / 2 }, (_, k) => (2 * k + 1) / n));
  return found;
};

/**
 * Firing rate [Hz] as in features.parquet: 1 over the mean interval between the spikes in the window; 0 without a
 * spike there, NaN with just one.
 * times : spike times, Float64Array [ms]; window : [start, stop] [ms], half-open
 */
hh.firingRate = (times, [start, stop]) => {
  const inside = times.filter((time) => time >= start && time < stop);
  if (inside.length < 2) return inside.length ? NaN : 0;
  let total = 0;
  for (let k = 1; k < inside.length; k++) total += inside[k] - inside[k - 1];
  return 1000 / (total / (inside.length - 1));
};

hh.Curve = class {
  /** index : that of the amplitude among the quantities; chosen(value) is called by a click into the curve. */
  constructor(live, index, chosen) {
    [this.live, this.index] = [live, index];
    this.window = live.window.map((time) => time * live.ms);
    this.amplitude = live.quantities[index];
    this.remote = new hh.Remote(live);
    this.ticket = 0;
    const { label, unit } = this.amplitude;
    const axes = { x_axis_label: hh.plain(hh.withUnit(label, unit)), y_axis_label: "firing rate (Hz)" };
    const ranges = { x_range: [this.amplitude.low, this.amplitude.high], y_range: [0, 1] };
    this.plot = hh.plot({ height: 230, tools: "", min_border_left: 54, ...axes, ...ranges });
    [this.points, this.joined, this.present] = [hh.rows(), hh.rows(), hh.rows()];
    const [x, y] = [{ field: "x" }, { field: "y" }];
    this.line = this.plot.line(x, y, { source: this.joined, line_width: 1.3 });
    this.circles = this.plot.scatter(x, y, { source: this.points, size: 4, line_color: null });
    this.dot = this.plot.scatter(x, y, { source: this.present, level: "overlay", size: 10, line_width: 1.5 });
    this.plot.on_event("tap", ({ x: value }) => chosen(Math.min(Math.max(value, this.amplitude.low), this.amplitude.high)));
    this.holder = hh.make("div", { class: "plot" });
    this.words = hh.make("p", { class: "hint" });
    this.element = hh.make("div", { class: "curve" }, hh.make("h4", {}, "F–I curve"), this.holder, this.words);
  }

  paint(look) {
    hh.paint(this.plot, look);
    const [line, , , , , ink] = hh.hues[look.dark ? "dark" : "light"];
    this.line.glyph.line_color = this.circles.glyph.fill_color = line;
    this.dot.glyph.setv({ fill_color: null, line_color: ink });
  }

  /** The dot of the present result, and the curve around it if more than the amplitude has changed. */
  show(values, result) {
    this.present.data = { x: [values[this.index]], y: [this.rate(result)] };
    const setting = values.filter((_, k) => k !== this.index).join();
    if (setting === this.setting) return;
    this.setting = setting;
    this.pause = setTimeout(() => this.compute(values.slice()), hh.curvePause);
  }

  /** A slider moves: what is computed now is no longer wanted. */
  cancel(values) {
    if (values.filter((_, k) => k !== this.index).join() === this.setting) return;
    clearTimeout(this.pause);
    this.ticket++;
    this.setting = null;
  }

  async compute(values) {
    const [ticket, began, found] = [++this.ticket, performance.now(), new Map()];
    const { low, high } = this.amplitude;
    for (const fractions of hh.refinements(hh.curveLevels)) {
      if (performance.now() - began > hh.curvePatience) break;
      for (const fraction of fractions) {
        values[this.index] = low + (high - low) * fraction;
        const result = await this.remote.simulate(values.slice(), { path: false });
        if (ticket !== this.ticket || !result) return;
        found.set(values[this.index], this.rate(result));
      }
      this.draw(found);
    }
    const gaps = [...found.values()].some(Number.isNaN) ? " No dot: a single spike has no rate, or the run failed." : "";
    this.words.textContent = `${found.size} amplitudes; click to take one. The circle is the present one.${gaps}`;
  }

  rate({ status, spikes_ms: spikes }) {
    return status === "diverged" || status === "stalled" ? NaN : hh.firingRate(spikes, this.window);
  }

  draw(found) {
    const amplitudes = Float64Array.from(found.keys()).sort();
    this.plot.y_range.end = 1.08 * Math.max(1, ...[...found.values()].filter(Number.isFinite));
    const rates = amplitudes.map((amplitude) => found.get(amplitude));
    this.points.data = { x: amplitudes, y: rates };
    const [x, y] = hh.unjoined(amplitudes, rates);
    this.joined.data = { x, y };
    this.words.textContent = `${found.size} amplitudes so far …`;
  }
};
