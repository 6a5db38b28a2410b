// What all parts of the page use to make elements, and to follow its look.

/** An element with properties (className, textContent), attributes (class, aria-label), listeners (input), children. */
hh.make = (tag, settings = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    if (name in element) element[name] = value;
    else if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

/** A number in words, with a minus sign. */
hh.short = (value, digits = 5) => String(Number(value.toPrecision(digits))).replace("-", "−");

/** Call a function with true when an element comes onto the screen, or as near as `margin` [px], and with false after. */
hh.onSeen = (element, changed, margin = 100) => {
  const options = { rootMargin: `${margin}px` };
  new IntersectionObserver((seen) => changed(seen.at(-1).isIntersecting), options).observe(element);
};

/** Call a function when the page turns light or dark. */
hh.onLook = (changed) => {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
};
