// A neuron in a worker: the page draws while it computes. A worker runs the text of the page's own script.

/** What a worker does: it gets what `hh.Remote` sends, and answers one task after the other. */
hh.work = () => {
  let neuron;
  const answers = {
    load: ({ live, page, columns }) => {
      for (const [key, values] of columns) hh.columns.set(key, Promise.resolve(values));
      hh.pageData = page;
      neuron = hh.loadNeuron(live);
    },
    simulate: async ({ values, options }) => (await neuron).simulate(values, options),
  };
  self.onmessage = async ({ data }) => {
    try {
      const result = await answers[data.task](data);
      self.postMessage({ result, task: data.task }, hh.buffersOf(result?.path));
    } catch (error) {
      self.postMessage({ error: String(error.message ?? error), task: data.task });
    }
  };
};

/** The memory of a path, which changes its owner rather than being copied. */
hh.buffersOf = (path) => (path ? [path.time, path.stimulus, ...path.states, ...path.currents].map(({ buffer }) => buffer) : []);

/** The columns that stand in a piece of the page's JSON, read: pairs of key and typed array. */
hh.columnsIn = async (piece, pairs = []) => {
  if (piece === null || typeof piece !== "object") return pairs;
  if (typeof piece.blob === "string") pairs.push([`${piece.blob} ${piece.type}`, await hh.column(piece)]);
  else for (const part of Object.values(piece)) await hh.columnsIn(part, pairs);
  return pairs;
};

/**
 * A neuron in a worker of its own. It computes one task at a time; of those that wait, the newest replaces the others,
 * so none queues.
 */
hh.Remote = class {
  constructor(live) {
    this.live = { ...live, stored: null }; // what is stored is compared in the page
    this.worker = null;
    this.running = this.waiting = null;
  }

  /** Promise of the result of `simulate`; of null if a newer task took the place of this one, or `stop` ended it. */
  simulate(values, options) {
    this.waiting?.resolve(null);
    return new Promise((resolve, reject) => {
      this.waiting = { values, options, resolve, reject };
      this.next();
    });
  }

  next() {
    if (this.running || !this.waiting) return;
    [this.running, this.waiting] = [this.waiting, null];
    const { values, options } = this.running;
    this.worker ??= this.start();
    this.worker.then((worker) => worker.postMessage({ task: "simulate", values, options }), (error) => this.end(error));
  }

  async start() {
    const text = `${document.getElementById("hhcore").textContent}\nhh.work();`;
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }) => this.answer(data);
    worker.onerror = (event) => this.end(new Error(event.message ?? "the worker failed"));
    const kernel = hh.page().kernels[this.live.kernel];
    const page = { kernels: { [this.live.kernel]: kernel } };
    worker.postMessage({ task: "load", live: this.live, page, columns: await hh.columnsIn([this.live, kernel]) });
    return worker;
  }

  answer({ task, result, error }) {
    if (error) this.end(new Error(error));
    else if (task === "simulate") this.end(null, result);
  }

  end(error, result) {
    const task = this.running;
    this.running = null;
    if (error) task?.reject(error);
    else task?.resolve(result);
    this.next();
  }

  /** End the task that runs; a new worker starts with the next one. */
  stop() {
    this.worker?.then((worker) => worker.terminate());
    this.worker = null;
    this.waiting?.resolve(null);
    this.running?.resolve(null);
    this.running = this.waiting = null;
  }
};
