// A kernel in the page: WebAssembly of the run's own text. It simulates one neuron at a time, with the bits of the run.

hh.kernels = new Map(); // by name; each is loaded once

/** The kernel of this name in the JSON of the page. */
hh.loadKernel = (name) => {
  if (!hh.kernels.has(name)) {
    hh.kernels.set(name, hh.makeKernel(hh.page().kernels[name]));
  }
  return hh.kernels.get(name);
};

/** The JSON of the page. */
hh.page = () => {
  hh.pageData ??= JSON.parse(document.getElementById("page").textContent);
  return hh.pageData;
};

hh.makeKernel = async (description) => {
  const [hardware, software] = await Promise.all([hh.column(description.hardware), hh.column(description.software)]);
  return hh.buildKernel(description, hardware, software);
};

/** The kernel of two modules: the first if the machine's multiply-add rounds once, as the second's does. */
hh.buildKernel = async (description, hardware, software) => {
  const exact = new hh.Kernel(description, await WebAssembly.compile(software), "software");
  try {
    const fast = new hh.Kernel(description, await WebAssembly.compile(hardware), "hardware");
    if (hh.agreeOnRounding(fast, exact)) return fast;
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error; // a browser without relaxed SIMD
  }
  return exact;
};

/** Whether two kernels round a b + c alike where c = -a b, of which only the error of the product is left. */
hh.agreeOnRounding = (one, other) => {
  let seed = 1;
  const next = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  for (let i = 0; i < 200; i++) {
    const a = 1 + next() + next() * 2 ** -32, b = 1 + next() + next() * 2 ** -32, c = i % 2 ? -(a * b) : next();
    if (one.fused(a, b, c) !== other.fused(a, b, c)) return false;
  }
  return true;
};

/** Bytes of the memory of a kernel: its own constants lie below its stack, and arrays above. */
hh.STACK = 2 ** 20;
hh.PAGE = 2 ** 16;

hh.Kernel = class {
  /** rounding: "hardware" or "software", whose multiply-add it uses. */
  constructor(description, module, rounding) {
    Object.assign(this, description.constants, { description, rounding });
    this.stateCount = description.states;
    this.currentCount = description.currents;
    this.memory = new WebAssembly.Memory({ initial: hh.STACK / hh.PAGE + 16 });
    const stack = new WebAssembly.Global({ value: "i32", mutable: true }, hh.STACK);
    const env = { __linear_memory: this.memory, __stack_pointer: stack };
    this.code = new WebAssembly.Instance(module, { env }).exports;
  }

  /** a b + c, rounded once. */
  fused(a, b, c) {
    this.top = hh.STACK;
    const numbers = this.floats([a, b, c, 0]);
    this.call("trial", numbers);
    return this.view(numbers)[3];
  }

  /**
   * Simulate one neuron.
   *
   * parameters: those of the model, then the numbers of the stimulus. states: where it starts. table: rows of the
   * stimulus that all neurons share. stops: times at which a step ends; the last one is the end. Times and potentials
   * are in the model's units. path: whether time courses are kept, of points `apart` or further.
   * samples: how many stops the states are kept at.
   */
  run({ parameters, states, table = [], stops, accuracy, threshold, rearm, path = true, apart = null, samples = 0 }) {
    const { N, W, ROWS, SEGMENT, STIMULUS_PARTS, INPUTS, ADAPTIVE, description } = this;
    const duration = stops[stops.length - 1];
    const { spikes, points } = description.buffers;
    const width = 1 + description.states + description.currents + (description.driven ? 1 : 0);
    this.top = hh.STACK;
    const Z = this.array("f8", ROWS * W), lanes = this.array("i8", SEGMENT + STIMULUS_PARTS, W);
    const queue = this.array("i8", 2), ended = this.array("f8", 1, 3), kept = this.array("f8", 1, samples, 1 + INPUTS + N);
    const given = this.floats(parameters, 1, parameters.length), final = this.floats(states, 1, N);
    const who = this.array("i8", spikes), when = this.array("f8", spikes), count = this.array("i8", 1);
    const inside = this.floats(path ? hh.fractions(this.CLAMPED ? 256 : 8) : []);
    const way = this.array("f8", points, width), reached = this.array("i8", 1);
    const most = description.most_steps * duration + (ADAPTIVE ? 0 : duration / accuracy);
    const steps = Math.floor(Math.min(most, description.most_counted));
    const fixed = [Z, lanes, queue, given, final, this.floats(stops), this.floats(table, table.length / 2, 2)];
    const observed = [threshold, rearm, Infinity, who, when, count, apart ?? duration / 20000, inside, way, reached];
    const times = [], ways = [];
    do {
      this.call("run", ...fixed, accuracy, steps, ended, kept, ...observed);
      times.push(this.drained(when, count, 1));
      ways.push(this.drained(way, reached, width));
    } while (this.view(queue)[0] < 1n || this.view(queue)[1] > 0n);
    const [reachedTime, tried, outcome] = this.view(ended);
    return {
      outcome, ended: reachedTime, steps: tried, spikes: hh.joined(times), final: this.view(final).slice(),
      path: path ? this.courses(hh.joined(ways), width) : null, samples: this.samplesIn(this.view(kept), samples),
    };
  }

  /** The states at the stops that a run reached, from rows of time, inputs and states; those after the last are 0. */
  samplesIn(kept, samples) {
    const width = kept.length / (samples || 1);
    const rows = Array.from({ length: samples }, (_, i) => kept.slice(i * width, (i + 1) * width));
    return rows.filter((row) => row[0] > 0).map((row) => row.slice(1 + this.INPUTS));
  }

  /** Newton's method to dy/dt = 0 at the numbers of a quiet stimulus: {states, slopes, jacobian, row by row}. */
  equilibrium(parameters, states) {
    const { N, W, ROWS, PARAMETER, STATE, SLOPE } = this;
    this.top = hh.STACK;
    const Z = this.array("f8", ROWS * W), jacobian = this.array("f8", W, N, N), rows = this.view(Z);
    rows.set(parameters, PARAMETER);
    rows.set(states, STATE);
    this.call("prepare", Z);
    this.call("equilibrium", Z, jacobian);
    return {
      states: rows.slice(STATE, STATE + N), slopes: rows.slice(SLOPE, SLOPE + N), jacobian: this.view(jacobian).slice(),
    };
  }

  /** Rows of points as columns: time, stimulus, states and currents. */
  courses(rows, width) {
    const { states, currents, driven } = this.description, k = rows.length / width;
    const columns = Array.from({ length: width }, () => new Float64Array(k));
    for (let row = 0, at = 0; row < k; row++) {
      for (let i = 0; i < width; i++) columns[i][row] = rows[at++];
    }
    const own = columns.slice(1, 1 + states);
    return {
      time: columns[0], states: own, currents: columns.slice(1 + states, 1 + states + currents),
      stimulus: driven ? columns[width - 1] : new Float64Array(k),
    };
  }

  /** What has been noted in the first rows of an array, whose count begins again. */
  drained(array, count, width) {
    const counted = this.view(count), rows = Number(counted[0]);
    counted[0] = 0n;
    return this.view(array).slice(0, rows * width);
  }

  /** A new array of zeros, "f8" or "i8", in the memory of the kernel. */
  array(type, ...shape) {
    const length = shape.reduce((a, b) => a * b, 1), at = this.top;
    this.top = at + 8 * length + (-8 * length & 15);
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / hh.PAGE));
    const array = { type, at, shape, length };
    this.view(array).fill(type === "f8" ? 0 : 0n);
    return array;
  }

  /** A new array with these numbers. */
  floats(numbers, ...shape) {
    const array = this.array("f8", ...(shape.length ? shape : [numbers.length]));
    this.view(array).set(numbers);
    return array;
  }

  /** The numbers of an array; another array may move them, so look again after it was made. */
  view({ type, at, length }) {
    return new hh.types[type](this.memory.buffer, at, length);
  }

  /** Call a function of the kernel: an array is passed as its place and the length of each axis. */
  call(name, ...given) {
    const types = this.description.entries[name];
    const passed = given.flatMap((value, i) =>
      types[i].includes("[") ? [value.at, ...value.shape.map(BigInt)] : types[i] === "i8" ? [BigInt(value)] : [value]);
    return this.code[name](...passed);
  }
};

/** Where points lie in a step; gates of a clamped cell are exact in steps that are hundreds of times longer. */
hh.fractions = (count) => Array.from({ length: count }, (_, k) => (k + 1) / count);

/** Typed arrays, one after the other. */
hh.joined = (parts) => {
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
