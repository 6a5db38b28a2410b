// Where a neuron starts: the states of hhcore/simulation/rest.py, to the last bit, by the kernel's own Newton method.

hh.CONVERGED = 1e-12; // of dy/dt, over the terms that cancel in it
hh.MOST_REMEMBERED = 64;

hh.Start = class {
  /**
   * start: as in live.py; kernel: of the experiment.
   */
  constructor(start, kernel) {
    Object.assign(this, start);
    this.kernel = kernel;
    // Rest by what the kernel takes, since most sliders do not change it: of the model's own parameters, and of others.
    this.levels = new Map();
    this.found = new Map();
  }

  /**
   * @param {Float64Array} taken what the kernel takes: parameters, then the numbers of the stimulus
   * @param {ArrayLike<number>} values of all quantities, among them the states that are stated
   * @returns {{states: Float64Array, settled: boolean}} whether there is a stable rest, if it starts there
   */
  of(taken, values) {
    if (this.traced.length) return { states: Float64Array.from(this.nearest(values).states), settled: true };
    const { states, settled } = this.word === "rest" ? this.rest(taken) : { states: this.states, settled: true };
    const own = Float64Array.from(states);
    for (const [state, quantity] of Object.entries(this.stated)) own[state] = values[quantity];
    return { states: own, settled };
  }

  /** Of the cells that the run has paced and traced, the one whose quantities are most like these. */
  nearest(values) {
    const finite = (a, b) => Math.abs(a - b) / (Math.abs(a) + Math.abs(b));
    const apart = (a, b) => (a === b ? 0 : Number.isFinite(a) && Number.isFinite(b) ? finite(a, b) : 1);
    const distance = (cell) => cell.values.reduce((sum, x, i) => sum + apart(Number(x), values[i]), 0);
    return this.traced.reduce((best, cell) => (distance(cell) < distance(best) ? cell : best));
  }

  /** The stable equilibrium without stimulus, from that of the model's own parameters; without one, the latter. */
  rest(taken) {
    const quiet = this.undisturbed(taken), unchanged = quiet.slice();
    unchanged.set(this.own);
    const first = this.remembered(this.levels, unchanged, this.states);
    return this.remembered(this.found, quiet, first.states); // from there on, also where the two are equal: other bits
  }

  remembered(known, quiet, start) {
    const key = quiet.join();
    if (!known.has(key)) {
      if (known.size >= hh.MOST_REMEMBERED) known.delete(known.keys().next().value);
      known.set(key, this.settle(quiet, Float64Array.from(start)));
    }
    return known.get(key);
  }

  /** What the kernel takes while no more than the holding level flows. */
  undisturbed(taken) {
    const quiet = Float64Array.from(taken), first = this.own.length;
    quiet.set(this.kernel.description.quiet, first);
    for (const i of [this.holding, ...this.held]) quiet[first + i] = taken[first + this.holding];
    return quiet;
  }

  /** The equilibrium found from `start`, which stays if there is none: {states, settled}. */
  settle(quiet, start) {
    const begun = start.slice();
    if (this.kernel.CLAMPED) begun[this.potential] = quiet[this.own.length + this.holding];
    const near = this.newton(quiet, begun);
    if (near) return { states: near, settled: true };
    const relaxed = this.run(quiet, begun, [this.relaxation]).final;
    const found = this.newton(quiet, relaxed) ?? this.fromExtremes(quiet, relaxed);
    return found ? { states: found, settled: true } : { states: start, settled: false };
  }

  /** The equilibrium found from the highest, or else the lowest potential on the neuron's way; null without. */
  fromExtremes(quiet, relaxed) {
    const stops = Array.from({ length: this.samples }, (_, i) => (i + 1) * (this.watched / this.samples));
    stops[stops.length - 1] = this.watched;
    const { samples } = this.run(quiet, relaxed, stops, stops.length);
    while (samples.length < stops.length) samples.push(relaxed); // after the end of one that failed
    const potentials = samples.map((states) => states[this.potential]);
    const extreme = (most) => samples[potentials.indexOf(most)];
    return this.newton(quiet, extreme(Math.max(...potentials))) ?? this.newton(quiet, extreme(Math.min(...potentials)));
  }

  run(quiet, states, stops, samples = 0) {
    const settings = { accuracy: this.accuracy, threshold: Infinity, rearm: -Infinity, path: false, samples };
    return this.kernel.run({ parameters: quiet, states, stops, ...settings });
  }

  /** The root of dy/dt that Newton's method finds from `start`, if it is a stable equilibrium; else null. */
  newton(quiet, start) {
    const { states, slopes, jacobian } = this.kernel.equilibrium(quiet, start), n = states.length;
    for (let i = 0; i < n; i++) {
      let scale = 1e-12;
      for (let k = 0; k < n; k++) scale += Math.abs(jacobian[i * n + k]) * Math.abs(states[k]);
      if (!(Math.abs(slopes[i]) / scale < hh.CONVERGED) || !Number.isFinite(states[i])) return null;
    }
    return jacobian.every(Number.isFinite) && hh.isStable(jacobian, n) ? states : null;
  }
};

/**
 * Whether all eigenvalues of a matrix have a negative real part. matrix: n x n, row by row.
 *
 * Newton's iteration for the sign of a matrix, scaled by its determinant (Higham 2008, Functions of Matrices, chapter
 * 5): each eigenvalue tends to +1 or -1, so the trace to their difference. It needs no eigenvalues and is quadratic.
 */
hh.isStable = (matrix, n) => {
  let sign = Float64Array.from(matrix);
  for (let round = 0; round < 100; round++) {
    const { inverse, logDeterminant } = hh.inverse(sign, n);
    if (inverse === null) return false; // an eigenvalue is 0
    const scale = Math.exp(-logDeterminant / n), change = sign;
    sign = sign.map((x, i) => 0.5 * (scale * x + inverse[i] / scale));
    const largest = sign.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    if (sign.every((x, i) => Math.abs(x - change[i]) <= 1e-9 * largest)) break;
  }
  let trace = 0;
  for (let i = 0; i < n; i++) trace += sign[i * n + i];
  return Math.abs(trace + n) < 0.5;
};

/** {inverse, logDeterminant} of a matrix by Gauss-Jordan elimination; the inverse is null if it is singular. */
hh.inverse = (matrix, n) => {
  const rows = Array.from({ length: n }, (_, i) => {
    const row = new Float64Array(2 * n);
    row.set(matrix.subarray(i * n, (i + 1) * n));
    row[n + i] = 1;
    return row;
  });
  let logDeterminant = 0;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    const head = rows[k][k];
    if (!(Math.abs(head) > 0) || !Number.isFinite(head)) return { inverse: null, logDeterminant };
    logDeterminant += Math.log(Math.abs(head));
    for (let c = 0; c < 2 * n; c++) rows[k][c] /= head;
    for (let i = 0; i < n; i++) if (i !== k && rows[i][k] !== 0) hh.subtract(rows[i], rows[k], rows[i][k]);
  }
  return { inverse: hh.joined(rows.map((row) => row.subarray(n))), logDeterminant };
};

/** row -= factor * other, in place. */
hh.subtract = (row, other, factor) => {
  for (let c = 0; c < row.length; c++) row[c] -= factor * other[c];
};
