// A neuron in a worker: the page draws while it computes. A worker runs the text of the page's own script.

/** What a worker does: it gets what `hh.Remote` sends, and answers one task after the other. */
hh.work = () => {
  let neuron;
  const answers = {
    load: async ({ live, page, columns }) => {
      for (const [key, values] of columns) hh.columns.set(key, Promise.resolve(values));
      hh.pageData = page;
      neuron = await hh.loadNeuron(live);
    },
    simulate: ({ values, options }) => neuron.simulate(values, options),
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
 * so none queues. The worker starts with the first task, and again after it has failed, was stopped or released.
 */
hh.Remote = class {
  constructor(live) {
    this.live = { ...live, stored: null, grid: null }; // of which hh.Run knows in the page
    this.worker = null;
    this.running = this.waiting = null;
    this.wanted = true;
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
    const starting = (this.worker ??= this.start());
    starting.then((worker) => worker.postMessage({ task: "simulate", values, options }),
      (error) => { if (this.worker === starting) this.fail(error); });
  }

  /** Promise of a worker that knows the neuron. */
  async start() {
    const text = `${document.getElementById("hhcore").textContent}\nhh.work();`;
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const kernel = hh.page().kernels[this.live.kernel];
    const page = { kernels: { [this.live.kernel]: kernel } };
    const load = { task: "load", live: this.live, page, columns: await hh.columnsIn([this.live, kernel]) };
    const worker = new Worker(url);
    try {
      await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve());
        worker.onerror = (event) => reject(new Error(event.message ?? "the worker failed"));
        worker.postMessage(load);
      });
    } catch (error) {
      worker.terminate();
      throw error;
    } finally {
      URL.revokeObjectURL(url);
    }
    worker.onmessage = ({ data }) => this.end(data.error && new Error(data.error), data.result);
    worker.onerror = (event) => this.fail(new Error(event.message ?? "the worker failed"));
    return worker;
  }

  end(error, result) {
    const task = this.running;
    this.running = null;
    if (error) task?.reject(error);
    else task?.resolve(result);
    this.next();
    if (!this.wanted) this.release();
  }

  fail(error) {
    this.drop();
    this.end(error);
  }

  /** End the tasks, the one that runs too. */
  stop() {
    this.drop();
    for (const task of [this.waiting, this.running]) task?.resolve(null);
    this.running = this.waiting = null;
  }

  keep() {
    this.wanted = true;
  }

  /** Let the worker go once it has nothing to do, here and after each further task until it is wanted again. */
  release() {
    this.wanted = false;
    if (!this.running) this.drop();
  }

  drop() {
    this.worker?.then((worker) => {
      worker.onmessage = null; // an answer may be under way
      worker.terminate();
    }, () => {}); // it has not started
    this.worker = null;
  }
};

hh.near = 3000; // px beyond the window, where workers still wait for tasks

/** Keep the workers of an element while it is near what is seen. */
hh.keepNear = (element, remotes) => {
  hh.onSeen(element, (near) => remotes.forEach((remote) => (near ? remote.keep() : remote.release())), hh.near);
};
