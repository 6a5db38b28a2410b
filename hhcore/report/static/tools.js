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

/** Call a function with true when an element comes onto the screen, and with false when it leaves it. */
hh.onSeen = (element, changed) => {
  new IntersectionObserver((seen) => changed(seen.at(-1).isIntersecting), { rootMargin: "100px" }).observe(element);
};

/** Call a function when the page turns light or dark. */
hh.onLook = (changed) => {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
};
