// Figures of the explorer: Bokeh draws, in the colours of the page around them.

/** Okabe and Ito's colours, for words: [red, green, blue] of 0 to 255. */
hh.categorical = [
  [0, 114, 178], [230, 159, 0], [213, 94, 0], [204, 121, 167], [0, 158, 115], [86, 180, 233], [240, 228, 66],
];

/** Viridis at 0 to 1, [red, green, blue] of 0 to 255; Bokeh has it as 256 numbers. */
hh.viridis = (share) => {
  const colour = Bokeh.Palettes.Viridis256[Math.round(255 * Math.min(Math.max(share, 0), 1))];
  return [(colour >>> 24) & 255, (colour >>> 16) & 255, (colour >>> 8) & 255];
};

hh.css = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;

/** The colour of a value of a variable, among all that it has. */
hh.colourOf = (variable, value, [from, to] = [0, 1]) => {
  if (variable.categories) return hh.categorical[value % hh.categorical.length];
  return hh.viridis(from + (to - from) * variable.share(value));
};

/** The colour of cells with a count or rate of 0, which viridis does not have. */
hh.nothing = ({ dark }) => (dark ? [90, 90, 90] : [219, 219, 219]);

/** The colour of a value as a line or a point; that of text without a value. */
hh.lineColour = (variable, value, inks) =>
  Number.isNaN(value) ? inks.muted : hh.css(hh.colourOf(variable, value, hh.lineShades(inks)));

/** A colour of the page's background mixed with another, for what is not selected. */
hh.paled = (colour, dark) => colour.map((part) => 0.2 * part + 0.8 * (dark ? 40 : 235));

/** A range for a variable with a margin on both sides, {start, end}. */
hh.padded = (variable, share = 0.04) => {
  const [low, high] = variable.extent;
  if (!Number.isFinite(low)) return { start: 0, end: 1 };
  if (variable.logarithmic) return { start: low * (low / high) ** share, end: high * (high / low) ** share };
  const space = (high - low) * share || Math.abs(low) * share || 0.5;
  return { start: low - space, end: high + space };
};

/** An empty figure. x, y : {label, logarithmic, categories, start, end}; on : what to do on `box` and `tap` */
hh.figure = (host, { x, y, height, on }) => {
  const figure = new Bokeh.Plotting.figure({
    height,
    sizing_mode: "stretch_width",
    x_axis_type: x.logarithmic ? "log" : "linear",
    y_axis_type: y.logarithmic ? "log" : "linear",
    x_range: new Bokeh.Range1d({ start: x.start, end: x.end }),
    y_range: new Bokeh.Range1d({ start: y.start, end: y.end }),
    tools: "pan,box_select,wheel_zoom,reset,save",
    toolbar_location: "above",
    min_border: 4,
    output_backend: "canvas",
  });
  figure.toolbar.logo = null;
  figure.toolbar.autohide = !hh.touched();
  hh.brushable(figure);
  hh.paint(figure, hh.look(host));
  hh.dress(figure.xaxis, figure.xgrid, x);
  hh.dress(figure.yaxis, figure.ygrid, y);
  figure.on_event("selectiongeometry", ({ geometry }) => geometry.type === "rect" && on.box(geometry));
  figure.on_event("tap", ({ x: atX, y: atY }) => on.tap(atX, atY));
  return figure;
};

hh.touched = () => matchMedia("(pointer: coarse)").matches;

/** A drag selects a box, or, where fingers scroll the page, only once the tool is chosen. */
hh.brushable = (figure) => {
  const tool = figure.toolbar.tools.find((one) => one instanceof Bokeh.BoxSelectTool);
  tool.continuous = true;
  tool.renderers = [];
  figure.toolbar.active_drag = hh.touched() ? null : tool;
  figure.toolbar.active_scroll = null;
};

/** The label of an axis; words, or {ticks: [[place, text], ...]}, in the place of numbers on it and its grid. */
hh.dress = ([axis], [grid], { label, categories, ticks }) => {
  axis.axis_label = label ? hh.plain(label) : null;
  const named = ticks ?? categories?.map((word, code) => [code, word]);
  if (!named) return;
  axis.ticker = grid.ticker = new Bokeh.FixedTicker({ ticks: named.map(([at]) => at) });
  axis.major_label_overrides = new Map(named.map(([at, text]) => [at, hh.plain(text)]));
};

/** Put a figure in place of the one that `host` shows, which Bokeh is to forget; returns when it is drawn. */
hh.showFigure = async (host, figure, before) => {
  if (before) {
    const { document } = before;
    document.views_manager.clear();
    document.clear();
    Bokeh.documents.splice(Bokeh.documents.indexOf(document), 1);
  }
  host.replaceChildren();
  host.hidden = false;
  await Bokeh.Plotting.show(figure, host);
};

/** The part of viridis that shows as lines: without what is as pale, or as dark, as the page. */
hh.lineShades = ({ dark }) => (dark ? [0.2, 1] : [0, 0.9]);

/** A colour bar right of a figure, for a variable. shades : the part of viridis in use */
hh.colourBar = (figure, variable, inks, [from, to] = [0, 1]) => {
  const [low, high] = variable.extent;
  const palette = Bokeh.Palettes.Viridis256.slice(Math.round(255 * from), Math.round(255 * to) + 1);
  const Mapper = variable.logarithmic ? Bokeh.LogColorMapper : Bokeh.LinearColorMapper;
  const mapper = new Mapper({ palette, low, high: high > low ? high : low + 1 });
  const bar = new Bokeh.ColorBar({
    color_mapper: mapper, title: hh.plain(variable.short), width: 10, background_fill_color: null,
    title_text_color: inks.text, title_text_font_style: "normal", major_label_text_color: inks.text,
    major_tick_line_color: inks.muted, bar_line_color: null,
  });
  figure.add_layout(bar, "right");
};

/** Coloured pixels, the lowest row first. */
hh.Picture = class {
  constructor(width, height) {
    Object.assign(this, { width, height });
    this.bytes = new Uint8ClampedArray(4 * width * height);
  }

  paint(pixel, [red, green, blue]) {
    this.bytes.set([red, green, blue, 255], 4 * pixel);
  }

  /** Whether a pixel is left unpainted, and so transparent. */
  get gaps() {
    for (let k = 3; k < this.bytes.length; k += 4) if (!this.bytes[k]) return true;
    return false;
  }

  /** A data source for Bokeh's image_rgba, over {start, end} of x and y. */
  over(x, y) {
    const { ndarray } = Bokeh.require("core/util/ndarray");
    const image = ndarray(this.bytes.buffer, { dtype: "uint32", shape: [this.height, this.width] });
    return { image: [image], x: [x.start], y: [y.start], dw: [x.end - x.start], dh: [y.end - y.start] };
  }
};
