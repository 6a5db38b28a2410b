// Which neurons are selected: those inside all ranges. A range ends where no value is, in a gap between two values, so
// that rounding a value, as the page does, cannot move it across; the query of the file selects the same neurons.

/** The part of a range that a number is taken to, in units of the last place of float32, with a margin of two. */
hh.ROUNDING = 2 ** -22;

hh.Selection = class {
  constructor(neurons) {
    this.neurons = neurons;
    this.ranges = new Map(); // variable: {low, high}, ±Infinity for none
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
    this.count = this.mask.reduce((sum, one) => sum + one, 0);
    this.changes += 1;
    for (const changed of this.watchers) changed();
  }
};

/** The range that selects the same values, with bounds of few digits; an end beyond all values is none. */
hh.snapped = (variable, low, high) => {
  if (low > high) [low, high] = [high, low];
  return { low: hh.lowerBound(variable, low), high: -hh.lowerBound(hh.mirrored(variable), -high) };
};

/** A variable with the opposite sign, to find upper bounds as lower ones. */
hh.mirrored = (variable) => ({
  exact: Boolean(variable.factor || variable.categories || variable.whole),
  values: (variable.levels ?? variable.values).map((value) => -value),
});

/** The lower bound of a range that begins at `low`, in the gap between the values beneath it and those above. */
hh.lowerBound = ({ levels, values, exact, factor, categories, whole }, low) => {
  for (let wanted = low; ; ) {
    const [below, above] = hh.around(levels ?? values, wanted);
    if (below === -Infinity) return -Infinity;
    if (above === Infinity) return wanted;
    if (exact ?? (factor || categories || whole)) return above;
    const margin = hh.ROUNDING * Math.max(Math.abs(below), Math.abs(above));
    if (above - below > 2 * margin) return hh.roundest(wanted, below + margin, above - margin);
    wanted = below; // too close to tell apart in the file: take both
  }
};

/** The largest value less than `limit` and the smallest that is not, ∓Infinity for none. */
hh.around = (values, limit) => {
  let [below, above] = [-Infinity, Infinity];
  for (const value of values) {
    if (value < limit) below = value > below ? value : below;
    else if (value < above) above = value;
  }
  return [below, above];
};

/** The number of fewest digits between two others, near a wanted one. */
hh.roundest = (wanted, low, high) => {
  const near = Math.min(Math.max(wanted, low), high);
  for (let digits = 1; digits < 17; digits++) {
    const rounded = Number(near.toPrecision(digits));
    if (rounded >= low && rounded <= high) return rounded;
  }
  return near;
};
