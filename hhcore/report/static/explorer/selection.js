// Which neurons are selected: those inside all ranges. A range ends in a gap between two values, so that rounding a
// value, as the page does, cannot move it across; the query of the file selects the same neurons. Where values lie too
// close for that, the query rounds them too.

/** The part of a range that a number is taken to, in units of the last place of float32, with a margin of two. */
hh.ROUNDING = 2 ** -22;

hh.Selection = class {
  constructor(neurons) {
    this.neurons = neurons;
    this.ranges = new Map(); // variable: {low, high, rounded}, ±Infinity for none
    this.mask = new Uint8Array(neurons.count).fill(1); // 1 for a selected neuron
    this.count = neurons.count;
    this.changes = 0; // so many
    this.watchers = [];
  }

  get active() {
    return this.ranges.size > 0;
  }

  /** Call a function after each change. */
  watch(changed) {
    this.watchers.push(changed);
  }

  /** Set ranges, [[variable, low, high], ...], and keep those of other variables. */
  set(ranges) {
    for (const [variable, low, high] of ranges) this.ranges.set(variable, hh.snapped(variable, low, high));
    this.#changed();
  }

  /** Forget the range of a variable, or all. */
  clear(variable) {
    if (variable) this.ranges.delete(variable);
    else this.ranges.clear();
    this.#changed();
  }

  #changed() {
    this.mask.fill(1);
    for (const [variable, { low, high }] of this.ranges) {
      const { mask, neurons } = this;
      const { values } = variable;
      for (let i = 0; i < neurons.count; i++) mask[i] &= values[i] >= low && values[i] <= high; // NaN is outside
    }
    this.count = 0;
    for (let i = 0; i < this.mask.length; i++) this.count += this.mask[i];
    this.changes += 1;
    for (const changed of this.watchers) changed();
  }
};

/** The range that selects the same values, with bounds of few digits; an end beyond all values is none. */
hh.snapped = (variable, low, high) => {
  if (low > high) [low, high] = [high, low];
  const [from, to] = [hh.bound(variable, low, 1), hh.bound(variable, high, -1)];
  return { low: from.at, high: to.at, rounded: from.rounded || to.rounded };
};

/**
 * One end of a range, near the wanted place. sign : 1 for the lower end, -1 for the upper one
 * rounded : whether it holds for values as float32 alone, because the gap that it is in is as narrow as their rounding
 */
hh.bound = (variable, wanted, sign) => {
  const [outside, inside] = hh.around(variable.levels ?? variable.values, wanted, sign);
  if (outside === undefined) return { at: -sign * Infinity, rounded: false };
  if (variable.factor || variable.categories || variable.whole) return { at: inside ?? wanted, rounded: false };
  const margin = sign * hh.ROUNDING * Math.max(Math.abs(outside), Math.abs(inside ?? outside));
  const [first, last] = [outside + margin, (inside ?? sign * Infinity) - margin];
  if (sign * (last - first) > 0) return { at: hh.roundest(wanted, first, last), rounded: false };
  return { at: hh.roundest(wanted, outside + 0.6 * (inside - outside), inside), rounded: true };
};

/** The values nearest a limit: outside of it and inside, where a value at the limit is; undefined for none. */
hh.around = (values, limit, sign) => {
  let [below, above] = [-Infinity, Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = sign * values[i];
    if (value < sign * limit) below = value > below ? value : below;
    else if (value < above) above = value;
  }
  return [below, above].map((value) => (Number.isFinite(value) ? sign * value : undefined));
};

/** The number of fewest digits between two others, near a wanted one. */
hh.roundest = (wanted, ...ends) => {
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const near = Math.min(Math.max(wanted, low), high);
  for (let digits = 1; digits < 17; digits++) {
    const rounded = Number(near.toPrecision(digits));
    if (rounded >= low && rounded <= high) return rounded;
  }
  return near;
};
