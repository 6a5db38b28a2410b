// The neurons of an experiment as columns. Row i of the page is a point of a grid: the product of its factors, the last
// of which varies fastest.

/** The columns of an experiment, read from what hhcore/report/explorer.py wrote. */
hh.loadNeurons = async (data) => {
  const factors = [];
  let stride = data.neurons;
  for (const factor of data.factors) {
    stride /= factor.length;
    const kept = factor.kept && (await hh.column(factor.kept));
    const values = await Promise.all(factor.axes.map((axis) => hh.column(axis.values)));
    factors.push(new hh.Factor(factor, values, kept, stride, data.neurons));
  }
  const columns = await Promise.all(data.features.map((feature) => hh.column(feature.values)));
  const features = data.features.map((feature, k) => new hh.Feature(feature, columns[k]));
  return new hh.Neurons(data, factors, features);
};

hh.Neurons = class {
  constructor(data, factors, features) {
    Object.assign(this, { data, factors, features, count: data.neurons });
    this.axes = factors.flatMap((factor) => factor.axes);
    this.variables = [...this.axes, ...features.filter((feature) => feature.known)];
    this.along = this.find(data.along) ?? this.gridAxes[0] ?? this.axes[0];
    this.headline = this.find(data.headline) ?? this.variables.find((variable) => !variable.factor) ?? this.axes[0];
    this.failed = this.#failed(data.failed);
  }

  /** Axes of more than one value that are not a sampled design: what curves and maps can go along. */
  get gridAxes() {
    return this.factors.filter((factor) => factor.length > 1 && !factor.scattered).flatMap((factor) => factor.axes);
  }

  find(column) {
    return this.variables.find((variable) => variable.column === column);
  }

  /** The neuron at a value of each factor. position : index of a value, by factor */
  at(position) {
    return this.factors.reduce((row, factor, k) => row + position[k] * factor.stride, 0);
  }

  /** The index of a value of each factor, for a neuron. */
  position(neuron) {
    return this.factors.map((factor) => factor.index(neuron));
  }

  /** The row of a neuron of the page in features.parquet. */
  row(neuron) {
    let [row, stride] = [0, 1];
    for (const factor of [...this.factors].reverse()) {
      const index = factor.index(neuron);
      row += stride * (factor.kept ? factor.kept[index] : index);
      stride *= factor.of;
    }
    return row;
  }

  /** The index of a value of each factor, for a row of features.parquet; undefined if the page leaves it out. */
  positionOfRow(row) {
    const indices = [...this.factors].reverse().map(({ of, kept }) => {
      const index = row % of;
      row = Math.floor(row / of);
      return kept ? kept.indexOf(index) : index;
    });
    return indices.includes(-1) ? undefined : indices.reverse();
  }

  /** Uint8Array: 1 for a neuron that diverged or stalled. */
  #failed(words) {
    const status = this.features.find((feature) => feature.column === "status");
    const codes = words.map((word) => status?.categories.indexOf(word) ?? -1);
    const failed = new Uint8Array(this.count);
    if (codes.every((code) => code < 0)) return failed;
    for (let i = 0; i < this.count; i++) failed[i] = codes.includes(status.values[i]);
    return failed;
  }
};

/** Axes that vary together: one axis, zipped ones, or the quantities of a sampled design. */
hh.Factor = class {
  constructor({ axes, length, of, scattered }, values, kept, stride, neurons) {
    Object.assign(this, { length, of, scattered, kept, stride, neurons });
    this.axes = axes.map((axis, k) => new hh.Axis(axis, values[k], this));
    // Indices of values along a slider: increasing, if there is one axis.
    this.order = axes.length === 1 ? this.axes[0].order : Array.from({ length }, (_, k) => k);
  }

  /** The index some places further along the order, at most at its end. */
  step(index, places) {
    const place = this.order.indexOf(index) + places;
    return this.order[Math.min(Math.max(place, 0), this.length - 1)];
  }

  index(neuron) {
    return Math.floor(neuron / this.stride) % this.length;
  }

  /** What the factor is at one of its values, in words. */
  at(index) {
    const values = this.axes.slice(0, 3).map((axis) => `${axis.name} = ${axis.write(axis.levels[index])}`);
    const words = values.join(", ") + (this.axes.length > 3 ? ", …" : "");
    return this.scattered ? `point ${(this.kept?.[index] ?? index) + 1} of the sample: ${words}` : words;
  }
};

hh.Variable = class {
  /** The number with its unit. */
  write(value) {
    if (this.categories) return this.categories[value] ?? "no value";
    return Number.isNaN(value) ? "no value" : `${hh.short(value)} ${this.unit}`.trim();
  }

  /** A label short enough for an axis of a figure: the name of a swept quantity, with its unit. */
  get short() {
    return this.name ? `${this.name}${this.unit && ` (${this.unit})`}` : this.label;
  }

  /** Where a value lies among all of its variable, from 0 to 1; in the middle if all are equal. */
  share(value) {
    const [low, high] = this.extent;
    if (low === high) return 0.5;
    return this.logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  }

  /** The value at a share of the way from the smallest to the largest. */
  valueAt(share) {
    const [low, high] = this.extent;
    return this.logarithmic ? low * (high / low) ** share : low + share * (high - low);
  }

  /** [smallest, largest] of all values, [NaN, NaN] without any. */
  get extent() {
    this.range ??= hh.extent(this.values);
    return this.range;
  }

  /** Whether there is any value. */
  get known() {
    return Number.isFinite(this.extent[0]);
  }
};

/** A swept quantity. levels : values as they are shown, exact : as the file has them, one for each of its factor */
hh.Axis = class extends hh.Variable {
  constructor({ values: _, ...about }, exact, factor) {
    super();
    Object.assign(this, about, { exact, factor });
    this.levels = exact.map((value) => value - this.zero);
    this.order = Array.from(exact, (_, k) => k).sort((a, b) => exact[a] - exact[b]); // indices of increasing values
  }

  /** Float64Array, a value for each neuron. */
  get values() {
    if (!this.filled) {
      const { stride, length, neurons } = this.factor;
      this.filled = new Float64Array(neurons);
      for (let first = 0, k = 0; first < neurons; first += stride, k = (k + 1) % length)
        this.filled.fill(this.levels[k], first, first + stride);
    }
    return this.filled;
  }

  get extent() {
    this.range ??= hh.extent(this.levels);
    return this.range;
  }
};

/** A column of features.parquet, as the page has it; `missing` stands for no value where that is not NaN. */
hh.Feature = class extends hh.Variable {
  constructor({ values: _, ...about }, stored) {
    super();
    Object.assign(this, about, { stored });
  }

  /** Float32Array or Float64Array, NaN without a value; of words, the code of their category. */
  get values() {
    this.filled ??= this.missing === null ? this.stored : hh.withNaN(this.stored, this.missing);
    return this.filled;
  }

  get extent() {
    this.range ??= hh.extent(this.stored, this.missing);
    return this.range;
  }
};

/** Whole numbers as a Float64Array, NaN for one of them. */
hh.withNaN = (stored, missing) => {
  const values = new Float64Array(stored);
  for (let i = 0; i < values.length; i++) if (values[i] === missing) values[i] = NaN;
  return values;
};

/** [smallest, largest] of the numbers in an array but `missing`, [NaN, NaN] without any. */
hh.extent = (values, missing = NaN) => {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === missing) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [NaN, NaN];
};
