// A neuron of an experiment in the page: from quantities to spikes, with the bits of the run. live.py has the data.

/** The neurons of an experiment by number, which need no kernel; live: its entry in the JSON of the page. */
hh.loadRun = async (live) => new hh.Run(live, ...await hh.columnsOfRun(live));

hh.columnsOfRun = (live) => Promise.all([
  hh.loadStored(live.stored),
  Promise.all((live.grid ?? []).map(hh.loadFactor)),
  Promise.all(live.shown.map(async ({ quantity, column }) => ({ quantity, values: await hh.column(column) }))),
]);

/** The same with the kernel, which simulates any of them, and others. */
hh.loadNeuron = async (live) => {
  const [kernel, table, run] = await Promise.all([
    hh.loadKernel(live.kernel),
    live.table ? hh.column(live.table) : new Float64Array(0),
    hh.columnsOfRun(live),
  ]);
  return new hh.Neuron(live, kernel, table, ...run);
};

hh.loadFactor = async (factor) => ({ ...factor, columns: await Promise.all(factor.columns.map(hh.column)) });

/** The columns of what the run kept; null if it kept no spikes. */
hh.loadStored = async (stored) => {
  if (!stored) return null;
  const names = Object.keys(stored), columns = await Promise.all(names.map((name) => hh.column(stored[name])));
  const found = Object.fromEntries(names.map((name, i) => [name, columns[i]]));
  if (found.times) found.offsets = hh.offsets(found.counts);
  return found;
};

/** Where each of parts of these lengths begins, and the end of the last one: one more than there are lengths. */
hh.offsets = (lengths) => {
  const offsets = new Float64Array(lengths.length + 1);
  lengths.forEach((length, i) => { offsets[i + 1] = offsets[i] + length; });
  return offsets;
};

hh.SEARCHED = "Shown with the value that the search found to fire; at 0 if it found none.";
hh.STATUS = ["ok", "diverged", "stalled"]; // by the outcome of a kernel

hh.Run = class {
  /** shown : what a search has found of quantities, for each neuron; NaN where nothing */
  constructor(live, stored, grid, shown) {
    Object.assign(this, { live, stored, grid, shown });
    this.quantities = live.quantities;
    this.count = live.grid ? grid.reduce((n, factor) => n * factor.rows, 1) : 0; // neurons that `point` knows
  }

  /** All quantities of neuron i of the run: Float64Array. */
  point(i) {
    const values = this.middle(), neuron = i;
    for (const { quantities, rows, columns } of this.grid.toReversed()) {
      quantities.forEach((quantity, k) => { values[quantity] = columns[k][i % rows]; });
      i = Math.floor(i / rows);
    }
    for (const { quantity, values: found } of this.shown) {
      values[quantity] = Number.isFinite(found[neuron]) ? found[neuron] : 0;
    }
    return values;
  }

  /** All quantities of the neuron in the middle of the grid. */
  middle() {
    return Float64Array.from(this.quantities, ({ value }) => Number(value));
  }

  /** The spike times of neuron i in the run [ms]; null if the page does not have them. */
  storedSpikes(i) {
    if (!this.stored?.times) return null;
    return this.stored.times.subarray(this.stored.offsets[i], this.stored.offsets[i + 1]);
  }

  /**
   * Compare a simulation with neuron i of the run.
   * @returns {{agrees: boolean | null, sentence: string}} null where there is nothing to compare with
   */
  compare(i, result) {
    if (this.live.clamp) return { agrees: null, sentence: "The potential is held, so there are no spikes to compare." };
    if (this.shown.length) return { agrees: null, sentence: hh.SEARCHED };
    if (!this.stored) return { agrees: null, sentence: "This page has no spikes of the run to compare with." };
    const stored = this.storedSpikes(i), count = this.stored.counts[i], found = result.spikes_ms;
    const same = stored ? hh.sameBits(found, stored)
      : found.length === count && hh.digest(found) === this.stored.digests[i];
    if (same) return { agrees: true, sentence: hh.agreement(count) };
    const difference = hh.difference(found, count, stored, this.stored.last?.[i]);
    if (this.live.begins) return { agrees: null, sentence: `${difference} The run had brought the cell into another state first.` };
    return { agrees: false, sentence: difference };
  }
};

/** Neurons of a run that the page simulates. */
hh.Neuron = class extends hh.Run {
  constructor(live, kernel, table, ...run) {
    super(live, ...run);
    Object.assign(this, { kernel, table });
    this.program = hh.program(live.program);
    this.start = new hh.Start(live.start, kernel);
  }

  /**
   * Simulate a neuron.
   * @param {ArrayLike<number>} values of all quantities
   * @param {{path?: boolean, duration?: number}} options duration: in the model's unit of time, that of the run if left out
   * @returns {{status: string, spikes_ms: Float64Array, start: Float64Array, final: Float64Array, path: object | null}}
   */
  simulate(values, { path = true, duration = this.live.duration, ...options } = {}) {
    const lasting = this.lastingFor(values, duration);
    const parameters = this.program([...lasting, duration]);
    const { states, settled } = this.start.of(parameters, lasting);
    const { accuracy, ms } = this.live, threshold = Number(this.live.threshold), rearm = Number(this.live.rearm);
    const stops = [...this.live.stops.slice(0, -1).filter((stop) => stop < duration), duration]; // the last is the end
    const settings = { accuracy, threshold, rearm, stops, path, ...options };
    const run = this.kernel.run({ parameters, states, table: this.table, ...settings });
    const status = run.outcome > 0 ? hh.STATUS[run.outcome] : settled ? "ok" : "no_stable_rest";
    return { ...run, status, spikes_ms: run.spikes.map((t) => t * ms), start: states };
  }

  /** The values for another duration: what lasts to the end of the run goes on to that of this one. */
  lastingFor(values, duration) {
    if (duration === this.live.duration) return values;
    return Float64Array.from(values, (value, i) =>
      this.quantities[i].lasting && value === this.live.duration ? duration : value);
  }
};

/** The sentence where all spikes are the same. count: of spikes */
hh.agreement = (count) => {
  if (count === 0) return "It does not fire, and neither does the neuron of the run.";
  if (count === 1) return "The spike is that of the run, to the last bit.";
  return `All ${count} spikes are those of the run, to the last bit.`;
};

/** The sentence where spikes differ. found, stored: times [ms], stored null if not known; count, last: of the run */
hh.difference = (found, count, stored, last) => {
  const spikes = (n) => (n === 1 ? "1 spike" : `${n} spikes`);
  if (found.length !== count) return `${spikes(found.length)} here, ${count} in the run.`;
  const digits = (ms) => `${Number(ms.toPrecision(2))} ms`;
  if (!stored) {
    return `${spikes(count)} as in the run, but not to the last bit: ` +
      `the last one differs by ${digits(Math.abs(found[count - 1] - last))}.`;
  }
  const apart = Array.from(found, (t, k) => Math.abs(t - stored[k]));
  const differing = apart.filter((difference) => difference > 0).length;
  return `${differing} of ${spikes(count)} differ from those of the run, by ${digits(Math.max(...apart))} at most.`;
};

hh.sameBits = (a, b) => a.length === b.length && a.every((x, i) => Object.is(x, b[i]));

/** A digest of the bits of spike times [ms], as `digested` of stored.py: a whole number below 2^32. */
hh.digest = (times) => {
  const words = new Uint32Array(Float64Array.from(times).buffer); // low, then high: every browser's CPU has this order
  let sum = 0;
  for (let k = 0; k < times.length; k++) {
    let x = ((words[2 * k] ^ Math.imul(words[2 * k + 1], 0x9e3779b1)) + Math.imul(k + 1, 0x85ebca77)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    sum = (sum + (x ^ (x >>> 16))) | 0;
  }
  return sum >>> 0;
};
