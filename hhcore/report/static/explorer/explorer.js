// The explorer of an experiment: linked views of the same neurons, a slider for each factor of the grid, the selection.

/** Build the explorer of an experiment of the page in place of what `element` holds. */
hh.explorer = async (element, { name, explorer, live }) => {
  if (!explorer) return null;
  const neurons = await hh.loadNeurons(explorer);
  element.explorer = new hh.Explorer(element, name, neurons, live?.grid ? await hh.loadRun(live) : null);
  await element.explorer.rebuild();
  return element.explorer;
};

hh.FRAME = 8; // time to prepare what is drawn in a frame [ms]

hh.Explorer = class {
  /** simulated : the same neurons, from hh.loadRun; null if the page cannot simulate them */
  constructor(element, name, neurons, simulated) {
    Object.assign(this, { element, name, neurons, simulated });
    this.selection = new hh.Selection(neurons);
    this.feature = neurons.headline;
    this.waiting = new Set();
    this.position = neurons.positionOfRow(neurons.data.middle);
    this.grid = hh.make("div", { className: "views" });
    this.neuronPanel = new hh.NeuronPanel(this);
    this.selectionPanel = new hh.SelectionPanel(this);
    element.replaceChildren(this.neuronPanel.element, this.selectionPanel.head, this.grid, this.selectionPanel.element);
    this.views = this.#views();
    this.selection.watch(() => this.refresh());
    hh.onLook(() => this.rebuild());
    document.addEventListener("hh:neuron", ({ detail }) => this.#follow(detail));
  }

  /** The chosen neuron, at which the sliders stand. */
  get neuron() {
    return this.neurons.at(this.position);
  }

  /** The chosen neuron, curves and a map as far as there are axes to go along, an even number of small views, lines. */
  #views() {
    const { gridAxes, headline } = this.neurons;
    const along = new Set(gridAxes.map((axis) => axis.factor)).size;
    const views = this.simulated ? [new hh.TraceView(this, this.simulated)] : [];
    if (along > 0) views.push(new hh.CurvesView(this));
    if (along > 1) views.push(new hh.MapView(this));
    views.push(new hh.PairsView(this, "Distribution", headline, hh.NUMBER));
    if (along !== 1) views.push(new hh.PairsView(this, "Two quantities", ...this.#pair()));
    return [...views, new hh.ParallelView(this)];
  }

  /** The headline against another feature that differs, or in a sampled design against its first quantity. */
  #pair() {
    const { factors, axes, features, headline } = this.neurons;
    if (factors.some((factor) => factor.scattered)) return [axes[0], headline];
    const others = features.filter((one) => one !== headline && !one.whole && !one.categories);
    const other = others.find(({ column, extent: [low, high] }) => low < high && !column.includes("rate")) ?? axes[0];
    return [headline, other];
  }

  async rebuild() {
    await Promise.all(this.views.map((view) => view.rebuild()));
    this.refresh();
  }

  /** Draw all parts anew. */
  refresh() {
    for (const part of [...this.views, this.selectionPanel, this.neuronPanel]) this.waiting.add(part);
    this.draw();
  }

  /** Parts that wait to be drawn, longest first, without those that are off the screen. */
  get due() {
    return [...this.waiting].filter(({ seen }) => seen !== false);
  }

  /** Draw the parts that are due in the next frames; few fit a frame if they are slow. */
  draw() {
    if (this.due.length) this.frame ??= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const end = performance.now() + hh.FRAME;
    for (const part of this.due) {
      this.waiting.delete(part);
      if (!part.stale) part.draw(); // else its rebuild does
      if (performance.now() > end) break;
    }
    this.frame = undefined;
    this.draw();
  }

  show(feature) {
    this.feature = feature;
    this.rebuild();
  }

  /** Put the sliders at an index of each factor. */
  move(position) {
    this.position = position;
    this.refresh();
  }

  /** Put the sliders at a neuron, and tell the page. */
  choose(neuron) {
    if (neuron === undefined) return;
    this.position = this.neurons.position(neuron);
    this.open();
  }

  /** Tell the page, this explorer included, which neuron is chosen, by its row of features.parquet. */
  open() {
    const detail = { experiment: this.name, neuron: this.neurons.row(this.neuron) };
    document.dispatchEvent(new CustomEvent("hh:neuron", { detail }));
  }

  /** Mark a neuron that another part of the page tells of. */
  #follow({ experiment, neuron }) {
    const position = experiment === this.name && this.neurons.positionOfRow(neuron);
    if (position) this.move(position);
  }

  /** Go to the next selected neuron, or the one before. */
  next(step) {
    const { count } = this.neurons;
    const { mask } = this.selection;
    for (let k = 1, i = this.neuron; k <= count; k++) {
      i = (i + step + count) % count;
      if (mask[i]) return this.move(this.neurons.position(i));
    }
  }
};
