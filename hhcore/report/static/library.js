// The plotting library lies compressed in the page and starts when a part of the page first needs it.

/** Resolves when Bokeh has started; it does so once. */
hh.library = () => (hh.libraryStarted ??= hh.startLibrary());

hh.startLibrary = async () => {
  const texts = await Promise.all(hh.page().library.map(hh.column));
  for (const text of texts) hh.runScript(new TextDecoder().decode(text));
};

/** Run a script of the page, which the policy of the page knows by its hash. */
hh.runScript = (text) => {
  const element = document.createElement("script");
  element.textContent = text;
  document.head.append(element);
};
