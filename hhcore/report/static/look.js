// Plots of all parts of the page, in its colours and its font.

hh.hues = { // Okabe and Ito (2008): blue, vermillion, green, purple, orange, black; lighter ones on black
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000"],
  dark: ["#56B4E9", "#F0803C", "#2FC79A", "#E39CC4", "#F0C05A", "#FFFFFF"],
};

/** What the page around an element looks like, for canvases: its font, its colours, and whether it is dark. */
hh.look = (element) => {
  const { color, fontFamily } = getComputedStyle(element);
  const [red, green, blue] = color.match(/[\d.]+/g).map(Number);
  const ink = (alpha) => `rgba(${red}, ${green}, ${blue}, ${alpha})`;
  const dark = red + green + blue > 382;
  const [accent] = hh.hues[dark ? "dark" : "light"];
  const lines = { axis: ink(0.75), muted: ink(0.35), faint: ink(0.12), accent, chosen: hh.hues.light[1] };
  return { dark, font: fontFamily, text: color, ...lines };
};

/** A text that Bokeh takes as it is; in others it looks for formulas. */
hh.plain = (text) => new Bokeh.PlainText({ text });

/** A name with its unit, if it has one. */
hh.withUnit = (name, unit) => (unit && unit !== "1" ? `${name} (${unit})` : name);

/** An empty plot as wide as its element, in the look of the page. Dragging zooms along x, a double click undoes it. */
hh.plot = (options) => {
  const tools = matchMedia("(pointer: coarse)").matches ? "" : "xbox_zoom";
  const plot = Bokeh.Plotting.figure({
    sizing_mode: "stretch_width", toolbar_location: null, tools, min_border_left: 68, min_border_right: 14,
    min_border_top: 6, min_border_bottom: 4, output_backend: "canvas", ...options,
  });
  plot.on_event("doubletap", () => plot.x_range.reset());
  return plot;
};

/** Put Bokeh models of one document into elements: pairs of model and element. */
hh.embed = (pairs) => {
  const sheet = new Bokeh.Document();
  for (const [model] of pairs) sheet.add_root(model);
  return Bokeh.embed.add_document_standalone(sheet, pairs[0][1], pairs.map(([, element]) => element));
};

/** Give a plot the colours and the font of the page. */
hh.paint = (plot, { text, axis, faint, font }) => {
  const clear = { background_fill_color: null, border_fill_color: null, outline_line_color: null };
  plot.setv(clear);
  for (const line of [...plot.below, ...plot.left]) {
    line.setv({
      axis_label_text_color: text, major_label_text_color: text, axis_line_color: axis, major_tick_line_color: axis,
      minor_tick_line_color: null, axis_label_text_font: font, major_label_text_font: font,
      axis_label_text_font_size: "12px", major_label_text_font_size: "11px", axis_label_text_font_style: "normal",
      axis_label_standoff: 4, major_tick_in: 0, major_tick_out: 4,
    });
  }
  for (const grid of plot.center) grid.grid_line_color = faint;
};

/** A source of points: none, or one, by which an axis that follows its data has a range before there are more. */
hh.rows = (x = [], y = x) => new Bokeh.ColumnDataSource({ data: { x, y } });
