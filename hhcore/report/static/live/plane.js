// The phase plane of one neuron: any two of its states against each other.

hh.orbitPoints = 6000; // at most; the solver's steps lie closer where a state moves faster

/** The state against which the potential stands at first; -1 without any. */
hh.firstAgainst = ({ states, currents }) => {
  const channels = new Map(currents.map(({ name, label }) => [hh.component(name), `${name} ${label}`.toLowerCase()]));
  const gates = [...states.entries()].filter(([, { name, role }]) => role === "gate" && channels.has(hh.component(name)));
  // Recovery after a spike is the work of potassium channels, the fastest of which models mostly name first.
  const potassium = gates.find(([, { name }]) => channels.get(hh.component(name)).includes("potassium"));
  return (potassium ?? gates.at(-1))?.[0] ?? states.findIndex(({ role }) => role !== "potential");
};

hh.Plane = class {
  constructor(live) {
    this.states = live.states;
    const potential = this.states.findIndex(({ role }) => role === "potential");
    this.chosen = { x: Math.max(potential, 0), y: Math.max(hh.firstAgainst(live), 0) };
    this.plot = hh.plot({ height: 260, tools: "", min_border_left: 54 });
    [this.orbit, this.start] = [hh.rows([0]), hh.rows()];
    const [x, y] = [{ field: "x" }, { field: "y" }];
    this.line = this.plot.line(x, y, { source: this.orbit, line_width: 1.3 });
    this.dot = this.plot.scatter(x, y, { source: this.start, size: 8, line_color: null });
    this.holder = hh.make("div", { class: "plot" });
    const choices = hh.make("p", { class: "choices" }, this.choice("y"), " against ", this.choice("x"));
    const title = hh.make("h4", {}, "Phase plane");
    const words = hh.make("p", { class: "hint" }, "The dot is where the run starts.");
    this.element = hh.make("div", { class: "plane" }, title, choices, this.holder, words);
    this.name();
  }

  choice(axis) {
    const options = this.states.map(({ name, label }, k) => hh.make("option", { value: k, title: label }, name));
    const select = hh.make("select", { "aria-label": `${axis} axis of the phase plane` }, ...options);
    select.value = this.chosen[axis];
    select.addEventListener("change", () => {
      this.chosen[axis] = Number(select.value);
      this.name();
      this.draw(this.result);
    });
    return select;
  }

  name() {
    for (const axis of ["x", "y"]) {
      const { name, unit } = this.states[this.chosen[axis]];
      this.plot[`${axis}axis`].axis_label = hh.plain(hh.withUnit(name, unit));
    }
  }

  paint(look) {
    hh.paint(this.plot, look);
    this.line.glyph.line_color = hh.hues[look.dark ? "dark" : "light"][0];
    this.dot.glyph.fill_color = look.text;
  }

  /** Show the orbit of a result. */
  draw(result) {
    this.result = result;
    if (!result?.path) return;
    const stride = Math.ceil(result.path.time.length / hh.orbitPoints);
    const every = (values) => (stride === 1 ? values : values.filter((_, k) => k % stride === 0));
    const [x, y] = [this.chosen.x, this.chosen.y].map((k) => result.path.states[k]);
    this.orbit.data = { x: every(x), y: every(y) };
    this.start.data = { x: x.slice(0, 1), y: y.slice(0, 1) };
  }
};
