// The membrane potential of the chosen neuron, integrated again while sliders move; in a clamp, the currents.

hh.TraceView = class extends hh.View {
  /** neuron : of the same experiment, from hh.loadNeuron */
  constructor(explorer, neuron) {
    super(explorer, "Chosen neuron", "its time course, integrated in the page; arrows go through the selected neurons");
    const { live } = neuron;
    Object.assign(this, { neuron, live, remote: new hh.Remote(live) });
    this.element.classList.add("wide", "trace");
    this.range = new Bokeh.Range1d({ start: 0, end: live.duration });
    const curves = hh.curvesOf(live);
    this.panel = live.clamp
      ? new hh.Panel("currents", curves.currents, 130, this.range)
      : new hh.Panel("membrane potential", curves.potential, 130, this.range);
    this.panel.showTime(live.time_unit);
    this.spikes = hh.rows();
    this.ticks = this.panel.plot.scatter({ field: "x" }, { field: "y" }, {
      source: this.spikes, marker: "dash", angle: Math.PI / 2, size: 9, line_width: 1.2,
    });
    this.figure = this.panel.plot;
    this.host.append(this.panel.element);
    this.range.change.connect(() => this.#show());
    this.link = this.#link();
  }

  /** A link to the part of the page with all sliders of this neuron. */
  #link() {
    const name = CSS.escape(this.explorer.name);
    const part = document.querySelector(`.live[data-experiment="${name}"]`);
    if (!part) return null;
    part.id ||= `live-${this.explorer.name}`;
    const follow = { href: `#${part.id}`, onclick: () => this.explorer.open() };
    return hh.make("a", follow, "All its variables and sliders: live neuron");
  }

  /** The figure stays, whatever the feature; its colours follow the page. */
  async rebuild() {
    const look = hh.look(this.host);
    this.panel.paint(look);
    this.ticks.glyph.line_color = look.ink;
    this.embedded ??= hh.embed([[this.panel.plot, this.panel.holder]]);
    await this.embedded;
    this.draw();
  }

  /** Only another neuron is simulated; of those that wait, the newest. */
  draw() {
    const row = this.neurons.row(this.explorer.neuron);
    if (row !== this.asked) this.#simulate(row);
  }

  async #simulate(row) {
    this.asked = row;
    try {
      const result = await this.remote.simulate(this.neuron.point(row), { path: true });
      if (!result) return;
      this.result = result;
      this.#show();
      this.#tell([hh.sentences[result.status], this.neuron.compare(row, result).sentence].filter(Boolean).join(" "));
    } catch (error) {
      this.#tell(`This cannot be simulated: ${error.message}`);
    }
  }

  /** Words that stay the same are not written again, which would cost the page a layout in each frame. */
  #tell(words) {
    if (words !== this.words) this.say(words, this.link);
    this.words = words;
  }

  /** Draw what is seen of the time, with the spikes along the upper edge. */
  #show() {
    if (!this.result) return;
    const { panel, result, range, live } = this;
    panel.draw(result.path, range.start, range.end);
    const x = Float64Array.from(result.spikes_ms, (time) => time / live.ms);
    this.spikes.data = { x, y: new Float64Array(x.length).fill(panel.plot.y_range.end) };
  }
};
