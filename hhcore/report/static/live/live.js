// A neuron under your hands: sliders, and everything of the run while they move.

hh.patience = 300; // ms until the page says that it computes

hh.sentences = {
  no_stable_rest: "Without a stimulus this neuron has no stable equilibrium; the run starts from the model's own rest.",
  diverged: "This neuron diverged: a state became infinite or not a number.",
  stalled: "This run stalled: it needed ever shorter steps.",
};

/**
 * What is wrong with values, in words; "" if nothing is.
 * values : Float64Array (quantities)
 */
hh.illegal = ({ quantities, duration, time_unit: unit }, values) => {
  const endless = ({ whole, lasting }) => whole || lasting; // as many as fit, to the end of the run
  const wrong = quantities.findIndex((q, k) => !(Number.isFinite(values[k]) || (endless(q) && values[k] === Infinity)));
  if (wrong >= 0) return `${quantities[wrong].label} is not a finite number.`;
  const stimulus = new Map();
  quantities.forEach((quantity, k) => {
    if (quantity.kind === "stimulus") stimulus.set(quantity.name, { quantity, value: values[k] });
  });
  for (const [name, { quantity, value }] of stimulus) {
    const [part, field] = [name.slice(0, name.lastIndexOf(".") + 1), name.slice(name.lastIndexOf(".") + 1)];
    const of = (other) => stimulus.get(part + other)?.value;
    if (quantity.unit === unit && value < 0) return `${name} is ${hh.text(value)} ${unit}; a time of a stimulus is not below 0.`;
    if (field === "stop" && of("start") >= value) return `${name} is not after ${part}start: give start < stop.`;
    if (field === "stop" && value > duration) return `${name} is after the end of the run, ${hh.text(duration)} ${unit}.`;
    if (field === "width" && of("period") < value) return `${name} is above ${part}period: pulses must not overlap.`;
    if ((field === "width" || field === "period") && value <= 0) return `${name} is not above 0.`;
  }
  return "";
};

/** Build the live part of an experiment in an element; `entry` is {name, live} of the page. */
hh.live = async (element, entry) => {
  if (!entry.live) return;
  element.live = new hh.Live(element, entry, await hh.loadNeuron(entry.live));
  await element.live.begin();
};

hh.Live = class {
  constructor(element, { name, live }, neuron) {
    const stored = live.stored !== null || neuron.count > 1;
    Object.assign(this, { element, experiment: name, live, neuron, stored, index: stored ? live.middle : null });
    this.remote = new hh.Remote(live);
    this.home = neuron.middle();
    this.values = this.home.slice();
    this.sliders = new hh.Sliders(live.quantities, (k, value) => this.set(k, value));
    this.panels = new hh.Panels(live, Boolean(neuron.stored?.times));
    this.plane = live.states.length > 1 ? new hh.Plane(live) : null;
    const amplitude = live.quantities.findIndex((quantity) => quantity.name === live.axis);
    this.curve = amplitude < 0 ? null : new hh.Curve(live, amplitude, (value) => this.set(amplitude, value));
  }

  async begin() {
    const side = [this.plane, this.curve].filter((part) => part);
    const body = hh.make("div", { class: "body" }, this.panels.element,
      hh.make("div", { class: "beside" }, ...side.map((part) => part.element)), this.sliders.element);
    const notes = this.live.notes.map((note) => hh.make("li", {}, note));
    this.element.replaceChildren(this.head(), body, hh.make("ul", { class: "notes" }, ...notes));
    this.show();
    await this.panels.embed();
    const paint = () => side.forEach((part) => part.paint(hh.look(this.element)));
    paint();
    hh.onLook(paint);
    if (side.length) await hh.embed(side.map((part) => [part.plot, part.holder]));
    document.addEventListener("hh:neuron", ({ detail }) => {
      if (detail.experiment === this.experiment) this.choose(detail.neuron);
    });
    hh.onSeen(this.element, (seen) => {
      this.seen = seen;
      if (seen && this.late) this.compute();
    });
    if (hh.chosen.has(this.experiment)) this.choose(hh.chosen.get(this.experiment));
    else this.compute();
  }

  /** What stands above: the stored neuron and its neighbours, and buttons. */
  head() {
    this.back = hh.make("button", { type: "button", class: "back", hidden: true });
    this.back.addEventListener("click", () => this.goHome());
    this.stopping = hh.make("button", { type: "button", hidden: true }, "stop");
    this.stopping.addEventListener("click", () => { this.remote.stop(); this.say("Stopped."); });
    this.words = hh.make("p", { class: "words", "aria-live": "polite" });
    const found = [this.words, this.back, this.stopping];
    return hh.make("div", { class: "head" }, ...(this.stored ? this.chooser() : []), ...found);
  }

  chooser() {
    const { count } = this.neuron;
    this.field = hh.make("input", { type: "number", min: 0, max: count - 1, step: 1, "aria-label": "neuron" });
    this.field.addEventListener("change", () => this.tell(this.field.valueAsNumber));
    const step = (by, text, name) => {
      const button = hh.make("button", { type: "button", title: name, "aria-label": name }, text);
      button.addEventListener("click", () => this.tell(this.index + by));
      return button;
    };
    const of = hh.make("span", {}, `of 0 to ${count - 1}`);
    return [hh.make("span", {}, "neuron"), step(-1, "‹", "neuron before"), this.field,
      step(1, "›", "next neuron"), of];
  }

  /** Tell the page, this part included, which neuron of the stored run to show. */
  tell(neuron) {
    const detail = { experiment: this.experiment, neuron };
    document.dispatchEvent(new CustomEvent("hh:neuron", { detail }));
  }

  /** Show a neuron of the stored run: its row in features.parquet. */
  choose(neuron) {
    if (!(this.stored && neuron >= 0 && neuron < this.neuron.count)) return;
    this.index = Math.round(neuron);
    this.home = this.neuron.point(this.index);
    this.goHome();
  }

  goHome() {
    this.values = this.home.slice();
    this.changed();
  }

  /** A slider moves, or a value is typed or clicked. */
  set(k, value) {
    this.values[k] = value;
    this.changed();
  }

  changed() {
    this.curve?.cancel(this.values);
    this.show();
    if (this.framed) return; // of the moves within a frame, the last one is drawn
    this.framed = requestAnimationFrame(() => {
      this.framed = 0;
      this.compute();
    });
  }

  get away() {
    return this.values.some((value, k) => value !== this.home[k]);
  }

  /** The sliders, and the buttons beside the neuron's number. */
  show() {
    this.sliders.show(this.values, this.home);
    if (this.field) this.field.value = this.index;
    this.back.hidden = !this.away;
    const back = this.index === null ? "back to the start" : `back to neuron ${this.index}`;
    if (this.back.textContent !== back) this.back.textContent = back;
  }

  async compute() {
    this.late = this.seen === false; // off the screen nothing is computed
    if (this.late) return;
    const values = this.values.slice();
    this.wrong = hh.illegal(this.live, values);
    if (this.wrong) return this.say(this.wrong, true);
    const waiting = setTimeout(() => this.waits(), hh.patience);
    try {
      const result = await this.remote.simulate(values, { path: true });
      if (result && !this.wrong) this.draw(values, result); // what was legal may no longer be
    } catch (error) {
      this.say(`This cannot be simulated: ${error.message}`, true);
    } finally {
      clearTimeout(waiting);
      this.stopping.hidden = !this.remote.running;
    }
  }

  waits() {
    this.say("Computing; this run takes longer than most.");
    this.stopping.hidden = false;
  }

  draw(values, result) {
    this.result = result;
    const stored = this.index !== null && values.every((value, k) => value === this.home[k]);
    this.panels.draw(result, stored ? this.neuron.storedSpikes(this.index) : null);
    this.plane?.draw(result);
    this.curve?.show(values, result);
    this.say([hh.sentences[result.status], this.sentence(result, stored)].filter((text) => text).join(" "),
      result.status === "diverged" || result.status === "stalled");
  }

  sentence(result, stored) {
    if (stored) return this.neuron.compare(this.index, result).sentence;
    const count = result.spikes_ms.length;
    const spikes = `${count} ${count === 1 ? "spike" : "spikes"}`;
    return this.index === null ? `${spikes}.` : `${spikes}. Off the grid: not in the stored run.`;
  }

  say(text, wrong = false) {
    if (this.words.textContent !== text) this.words.textContent = text;
    this.words.classList.toggle("wrong", wrong);
    this.element.classList.toggle("stale", wrong);
  }
};
