// Which values are legal: the checks of the stimulus as legality.py has recorded them.

hh.Checks = class {
  constructor({ quantities, checks }) {
    Object.assign(this, { quantities, tree: checks?.tree, known: checks !== null });
    this.program = this.known ? hh.program(checks.program) : null;
  }

  /**
   * What is wrong with values, in words; "" if nothing is.
   * values : Float64Array (quantities)
   */
  mistake(values) {
    const endless = ({ whole, lasting }) => whole || lasting; // as many as fit, to the end of the run
    const wrong = this.quantities.find((q, k) => !(Number.isFinite(values[k]) || (endless(q) && values[k] === Infinity)));
    if (wrong) return `${wrong.label} is not a finite number.`;
    if (!this.known) return "";
    const found = this.program(values);
    let end = this.tree;
    while (Array.isArray(end)) end = found[end[0]] ? end[1] : end[2];
    return end ? `${end.words.map((part) => (typeof part === "number" ? hh.short(found[part], 7) : part)).join("")}.` : "";
  }

  /** A sentence if a value that no check knows lies beyond its slider, whose ends are legal; else "". */
  beyond(values) {
    const outside = ({ kind, low, high }, k) => kind === "stimulus" && (values[k] < low || values[k] > high);
    return !this.known && this.quantities.some(outside) ? "A value beyond its slider is not checked here." : "";
  }
};
