// What stands above the views: the feature that they show, and the chosen neuron, with a slider for each factor.

hh.NeuronPanel = class {
  constructor(explorer) {
    this.explorer = explorer;
    const { neurons } = explorer;
    const features = neurons.features.filter((feature) => feature.known).map(({ column, label }) => [column, label]);
    const show = (column) => explorer.show(neurons.find(column));
    const choice = hh.choice("Feature", features, explorer.feature.column, show);
    this.sliders = neurons.factors.map((factor, k) => this.#slider(factor, k));
    this.words = hh.make("output", { className: "chosen" });
    const sliders = hh.make("div", { className: "sliders" }, ...this.sliders.map(({ label }) => label));
    this.element = hh.make("div", { className: "neuron" }, choice, sliders, this.words);
    if (neurons.data.note) this.element.append(hh.make("p", { className: "note" }, neurons.data.note));
  }

  #slider(factor, k) {
    const { explorer } = this;
    const move = () => explorer.move(explorer.position.with(k, factor.order[Number(input.value)]));
    const reactions = { oninput: move, onchange: () => explorer.open() };
    const input = hh.make("input", { type: "range", min: 0, max: factor.length - 1, step: 1, ...reactions });
    const output = hh.make("output");
    const label = hh.make("label", { title: factor.axes.map((axis) => axis.definition).join("; ") }, output, input);
    label.hidden = factor.length === 1;
    return { label, input, output, factor };
  }

  draw() {
    const { neurons, position, neuron, feature } = this.explorer;
    this.sliders.forEach((slider, k) => {
      const { input, output, factor } = slider;
      if (slider.shown === position[k]) return; // each write costs the page a look at its styles
      slider.shown = position[k];
      input.value = factor.order.indexOf(position[k]);
      output.textContent = factor.at(position[k]);
      input.setAttribute("aria-valuetext", output.textContent);
    });
    const failed = neurons.failed[neuron] ? "; it failed" : "";
    const row = neurons.row(neuron).toLocaleString("en");
    const value = `${feature.label.replace(/ \(.*/, "")}: ${feature.write(feature.values[neuron])}`;
    this.words.textContent = `Neuron ${row}. ${value}${failed}`;
  }
};
