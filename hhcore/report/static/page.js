// Starts the parts of the page: each when it comes near the part that is seen.

// Classes of elements, each with the function of `hh` that fills one, and whether that needs the plotting library.
hh.parts = { explorer: true, live: true, tables: false };
hh.margin = 800; // how near is near [px]
hh.started = new Map(); // from an element to the promise of its start

/** Start the part in an element, once. */
hh.start = (element) => {
  if (!hh.started.has(element)) hh.started.set(element, hh.fill(element));
  return hh.started.get(element);
};

hh.fill = async (element) => {
  const entry = hh.page().experiments.find(({ name }) => name === element.dataset.experiment);
  const part = Object.keys(hh.parts).find((name) => element.classList.contains(name));
  try {
    if (hh.parts[part]) await hh.library();
    await hh[part](element, entry);
  } catch (error) {
    console.error(error);
    hh.sayFailed(element, error);
  }
};

hh.sayFailed = (element, error) => {
  const words = document.createElement("p");
  words.className = "failed";
  words.textContent = `This part of the page needs a newer browser, or has failed: ${error.message}`;
  element.append(words);
};

/** All elements with parts that this page has. */
hh.partElements = () => {
  const selectors = Object.keys(hh.parts).map((name) => `.${name}[data-experiment]`);
  return [...document.querySelectorAll(selectors.join())];
};

hh.startWhenNear = () => {
  const observer = new IntersectionObserver(hh.startNear, { rootMargin: `${hh.margin}px` });
  hh.partElements().forEach((element) => observer.observe(element));
};

/** Start what is near, from the top and one after the other: a part that grows moves the next ones away. */
hh.startNear = async () => {
  if (hh.starting) return;
  hh.starting = true;
  for (let next; (next = hh.partElements().find(hh.waitsNear)); ) {
    await hh.start(next);
    await new Promise((done) => setTimeout(done)); // the reader comes first
  }
  hh.starting = false;
};

hh.waitsNear = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return !hh.started.has(element) && top <= innerHeight + hh.margin + 1 && bottom >= -hh.margin - 1;
};

/** The neuron of an experiment that was chosen last, for its parts that start later. */
hh.chosen = new Map();

/** The button in the head: light or dark, whatever the system says. */
hh.switchTheme = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
};

/** Everything is open on paper, and as before after it. */
hh.openForPrint = () => {
  hh.closed = [...document.querySelectorAll("details:not([open])")];
  hh.closed.forEach((details) => { details.open = true; });
};

hh.closeAfterPrint = () => hh.closed.forEach((details) => { details.open = false; });

/** Links to the parts of each section, below the link to it. */
hh.listParts = () => {
  for (const link of document.querySelectorAll("nav a")) {
    const section = hh.target(link);
    const items = [...section.querySelectorAll(":scope > h3")].map((heading, i) => hh.itemFor(heading, `${section.id}-${i}`));
    link.after(hh.make("ol", {}, ...items));
  }
};

/** The element that a link leads to. */
hh.target = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)));

hh.itemFor = (heading, id) => {
  heading.id ||= id;
  return hh.make("li", {}, hh.make("a", { href: `#${heading.id}`, textContent: heading.textContent }));
};

/** Scroll the list of contents, and nothing else, to a link of it. */
hh.bringIntoList = (link) => {
  const list = link.closest("nav details > ol");
  list.scrollTop += link.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
};

/** Mark the link of the section that is read in the table of contents. */
hh.followReading = () => {
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [hh.target(link), link]));
  const observer = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      links.get(target)?.toggleAttribute("aria-current", isIntersecting);
      if (isIntersecting && links.has(target)) hh.bringIntoList(links.get(target));
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((section) => observer.observe(section));
};

hh.boot = () => {
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", hh.switchTheme);
  addEventListener("beforeprint", hh.openForPrint);
  addEventListener("afterprint", hh.closeAfterPrint);
  document.addEventListener("hh:neuron", ({ detail }) => hh.chosen.set(detail.experiment, detail.neuron));
  const contents = document.querySelector("nav details");
  if (contents && innerWidth < 1100) contents.open = false;
  hh.listParts();
  hh.followReading();
  hh.startWhenNear();
};

if (typeof document !== "undefined") addEventListener("DOMContentLoaded", hh.boot); // not in a worker
