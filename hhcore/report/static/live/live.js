// A neuron under your hands: sliders, and everything of the run while they move.

hh.patience = 300; // ms until the page says that it computes
hh.pause = 700; // ms without news, after which the words are read aloud

hh.sentences = {
  no_stable_rest: "Without a stimulus this neuron has no stable equilibrium; the run starts from the model's own rest.",
  diverged: "This neuron diverged: a state became infinite or not a number.",
  stalled: "This run stalled: it needed ever shorter steps.",
};

/** Build the live part of an experiment in an element; `entry` is {name, live} of the page. */
hh.live = async (element, entry) => {
  if (!entry.live) return;
  document.addEventListener("hh:neuron", ({ detail }) => {
    if (detail.experiment === entry.name) element.live?.choose(detail.neuron);
  });
  const live = new hh.Live(element, entry, await hh.loadRun(entry.live));
  await live.begin();
  element.live = live;
  if (hh.chosen.has(entry.name)) live.choose(hh.chosen.get(entry.name)); // perhaps while this part started
  live.changed();
};

hh.Live = class {
  /** run : hh.Run, the neurons that the page knows by number */
  constructor(element, { name, live }, run) {
    const stored = live.stored !== null || run.count > 1;
    Object.assign(this, { element, experiment: name, live, run, stored, index: stored ? live.middle : null });
    this.remote = new hh.Remote(live);
    [this.ticket, this.silenced] = [0, 0]; // of `compute`: the newest, and the newest that was illegal
    this.checks = new hh.Checks(live);
    this.home = run.middle();
    this.opens = true; // the next result is the first of this neuron
    this.values = this.home.slice();
    this.sliders = new hh.Sliders(live.quantities, (k, value) => this.set(k, value));
    this.panels = new hh.Panels(live, Boolean(run.stored?.times));
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
    hh.keepNear(this.element, [this.remote, this.curve?.remote].filter((remote) => remote));
    hh.onSeen(this.element, (seen) => {
      this.seen = seen;
      if (seen && this.late) this.compute();
    });
  }

  /** What stands above: the stored neuron and its neighbours, and buttons. */
  head() {
    this.back = hh.make("button", { type: "button", class: "back", hidden: true });
    this.back.addEventListener("click", () => this.goHome());
    this.stopping = hh.make("button", { type: "button", hidden: true }, "stop");
    this.stopping.addEventListener("click", () => { this.remote.stop(); this.say("Stopped."); });
    this.words = hh.make("p", { class: "words" });
    this.aloud = hh.make("p", { class: "aloud", "aria-live": "polite" });
    const found = [this.words, this.aloud, this.back, this.stopping];
    return hh.make("div", { class: "head" }, ...(this.stored ? this.chooser() : []), ...found);
  }

  /** A field for the neuron's number, and buttons for its neighbours if it has any. */
  chooser() {
    const { count } = this.run;
    if (count < 2) return [];
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
    if (!(this.stored && this.run.count)) return;
    if (!(neuron >= 0 && neuron < this.run.count)) {
      this.show();
      this.say(`There are ${this.run.count} neurons, from 0 to ${this.run.count - 1}.`);
      return;
    }
    this.index = Math.round(neuron);
    this.home = this.run.point(this.index);
    this.opens = true;
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

  /** Simulate and draw the present values. What began before illegal ones says no more; else the last to end is seen. */
  async compute() {
    this.late = this.seen === false; // off the screen nothing is computed
    if (this.late) return;
    const [ticket, values] = [++this.ticket, this.values.slice()];
    const wrong = this.checks.mistake(values);
    if (wrong) {
      this.silenced = ticket;
      this.say(wrong, true);
      return;
    }
    const silent = () => ticket < this.silenced;
    const waiting = setTimeout(() => silent() || this.waits(), hh.patience);
    try {
      const result = await this.remote.simulate(values, { path: true });
      if (result && !silent()) this.draw(values, result);
    } catch (error) {
      if (!silent()) this.say(`This cannot be simulated: ${error.message}`, true);
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
    if (this.opens) this.panels.open(result);
    this.opens = false;
    this.panels.draw(result, stored ? this.run.storedSpikes(this.index) : null);
    this.plane?.draw(result);
    this.curve?.show(values, result);
    this.say([hh.sentences[result.status], this.sentence(result, stored), this.checks.beyond(values)].filter((text) => text).join(" "),
      result.status === "diverged" || result.status === "stalled");
  }

  sentence(result, stored) {
    if (stored) return this.run.compare(this.index, result).sentence;
    const words = hh.told(this.live, result);
    return this.index === null ? words : `${words} Off the grid: not in the stored run.`;
  }

  /** Words beside the neuron's number; they are read aloud once they rest. */
  say(text, wrong = false) {
    if (this.words.textContent !== text) {
      this.words.textContent = text;
      clearTimeout(this.resting);
      this.resting = setTimeout(() => { this.aloud.textContent = text; }, hh.pause);
    }
    this.words.classList.toggle("wrong", wrong);
    this.element.classList.toggle("stale", wrong);
  }
};
