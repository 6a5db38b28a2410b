// Tables that sort and filter: the table of the page itself, with buttons in its head and a field above it.

hh.tableStep = 100; // rows that are added at once
hh.tableDigits = 6;

/** Let a table of the page sort and filter, if all of its rows are in the page. */
hh.tables = async (element) => {
  const text = element.querySelector("script[type='application/json']");
  if (!text) return;
  const { rows, columns } = JSON.parse(text.textContent);
  const first = element.querySelectorAll("tbody tr").length;
  const state = { element, length: rows, first, shown: first, sort: null, keep: null };
  state.columns = await Promise.all(columns.map(hh.tableColumn));
  element.querySelector(".first")?.remove();
  hh.tableHead(state);
  hh.tableForm(state);
  hh.tableUpdate(state);
};

/** A column with its values: typed array (n,), `missing` for null, words as codes of `categories`. */
hh.tableColumn = async ({ name, values, missing, categories = null }) =>
  ({ name, missing, categories, values: await hh.column(values) });

/** Whether row i has no value. */
hh.tableLacks = ({ values, missing }, i) => values[i] === missing || Number.isNaN(values[i]);

/** What a cell says. report/columns.py writes the same. */
hh.tableText = (column, i) => {
  if (hh.tableLacks(column, i)) return "";
  const value = column.values[i];
  return column.categories ? column.categories[value] : hh.tableNumber(value, column.missing === null);
};

/** A number as text: a whole one in full, others in six digits. */
hh.tableNumber = (value, rounded) => {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const [mantissa, exponent] = value.toExponential(hh.tableDigits - 1).split("e").map(Number);
  let text = String(rounded ? Number(value.toPrecision(hh.tableDigits)) : value);
  if (rounded && (exponent <= -5 || exponent >= 7)) text = `${mantissa}e${exponent}`;
  return text.replaceAll("-", "−");
};

/** The order of rows, in place: by a column, rows without a value last, others as they were. rows : Int32Array (k,) */
hh.tableSort = (rows, column, descending) => {
  const ranks = column.categories && hh.tableRanks(column.categories);
  const key = (i) => (ranks ? ranks[column.values[i]] : column.values[i]);
  const known = rows.filter((i) => !hh.tableLacks(column, i));
  const lacking = rows.filter((i) => hh.tableLacks(column, i));
  known.sort(descending ? (a, b) => key(b) - key(a) || a - b : (a, b) => key(a) - key(b) || a - b);
  rows.set(known);
  rows.set(lacking, known.length);
  return rows;
};

/** The place of each word in the alphabet. */
hh.tableRanks = (words) => {
  const sorted = [...words].sort();
  return words.map((word) => sorted.indexOf(word));
};

hh.tableSigns = {
  "==": (a, b) => a === b, "=": (a, b) => a === b, "!=": (a, b) => a !== b,
  ">=": (a, b) => a >= b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, "<": (a, b) => a < b,
};

/** A function from a row to whether it meets all conditions of a text like `peak_mV > 20 and status == ok`. */
hh.tableCondition = (text, columns) => {
  const tests = text.split(/\s+and\s+|\s*&+\s*/).map((part) => hh.tableTest(part.trim(), columns));
  return (i) => tests.every((test) => test(i));
};

hh.tableTest = (part, columns) => {
  const [, name, sign, written] = part.match(/^([^\s=!<>]+)\s*(==|!=|>=|<=|=|>|<)\s*(.+)$/) ?? [];
  if (!name) throw new Error(`“${part}” is not a condition; write one like ${columns[0].name} > 0, and join several by “and”`);
  const column = columns.find((one) => one.name === name);
  if (!column) throw new Error(`there is no column “${name}”; ${hh.tableMeant(name, columns)}`);
  const word = written.replace(/^(["'])(.*)\1$/, "$2");
  const compare = hh.tableSigns[sign];
  if (word === "null") return hh.tableNullTest(column, sign);
  if (column.categories) return (i) => !hh.tableLacks(column, i) && compare(column.categories[column.values[i]], word);
  const number = Number(word.replaceAll("−", "-"));
  if (Number.isNaN(number)) throw new Error(`“${word}” is not a number, as ${name} has`);
  const bound = column.missing === null ? Math.fround(number) : number; // the page has float32
  return (i) => !hh.tableLacks(column, i) && compare(column.values[i], bound);
};

/** The column that may be meant: one that holds the letters, or begins alike. */
hh.tableMeant = (name, columns) => {
  const [low, names] = [name.toLowerCase(), columns.map((column) => column.name)];
  const near = names.find((one) => one.toLowerCase().includes(low)) ?? names.find((one) => one.startsWith(low.slice(0, 3)));
  return near ? `did you mean ${near}?` : `the first is ${names[0]}`;
};

hh.tableNullTest = (column, sign) => {
  if (!["==", "=", "!="].includes(sign)) throw new Error("null can be compared by == and != alone");
  return (i) => hh.tableLacks(column, i) === (sign !== "!=");
};

/** Fill the table from its state. */
hh.tableUpdate = (state) => {
  let rows = Int32Array.from({ length: state.length }, (_, i) => i);
  if (state.keep) rows = rows.filter(state.keep);
  if (state.sort) hh.tableSort(rows, state.columns[state.sort.index], state.sort.descending);
  state.rows = rows;
  hh.tableRows(state);
};

hh.tableRows = (state) => {
  const { rows, columns, shown, element } = state;
  const visible = Array.from(rows.subarray(0, shown), (i) => hh.tableRow(columns, i));
  element.querySelector("tbody").replaceChildren(...visible);
  state.more.hidden = rows.length <= shown;
  const of = rows.length === state.length ? "" : ` of ${state.length.toLocaleString("en")}`;
  const first = rows.length > shown ? `; the first ${shown.toLocaleString("en")} are shown` : "";
  state.said.textContent = `${rows.length.toLocaleString("en")}${of} rows${first}.`;
};

hh.tableRow = (columns, i) => {
  const row = document.createElement("tr");
  row.append(...columns.map((column) => {
    const cell = document.createElement("td");
    if (!column.categories) cell.className = "number";
    cell.textContent = hh.tableText(column, i);
    return cell;
  }));
  return row;
};

/** A button in each head: ascending, descending, as in the file. */
hh.tableHead = (state) => {
  state.heads = [...state.element.querySelectorAll("thead th")];
  state.heads.forEach((head, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = `${head.title} — sort`;
    button.append(...head.childNodes);
    button.addEventListener("click", () => hh.tableTurn(state, index));
    head.append(button);
  });
};

hh.tableTurn = (state, index) => {
  const { sort } = state;
  const own = sort?.index === index;
  state.sort = own && sort.descending ? null : { index, descending: own };
  for (const head of state.heads) head.removeAttribute("aria-sort");
  if (state.sort) state.heads[index].setAttribute("aria-sort", state.sort.descending ? "descending" : "ascending");
  hh.tableUpdate(state);
};

/** The field for conditions, what is wrong with them or how many rows meet them, and a button for more rows. */
hh.tableForm = (state) => {
  const { element, columns } = state;
  const field = document.createElement("input");
  field.type = "text";
  field.spellcheck = false;
  field.placeholder = `filter, like ${hh.tableExample(columns)}`;
  field.setAttribute("aria-label", `Filter of ${element.getAttribute("aria-label")}`);
  state.said = document.createElement("output");
  state.more = document.createElement("button");
  state.more.type = "button";
  state.more.textContent = "More rows";
  state.more.addEventListener("click", () => { state.shown += hh.tableStep; hh.tableRows(state); });
  field.addEventListener("input", () => hh.tableFilter(state, field));
  const form = document.createElement("form");
  form.append(field, state.said);
  form.addEventListener("submit", (event) => event.preventDefault());
  element.querySelector(".scrolls").before(form);
  element.querySelector(".scrolls").after(state.more);
};

/** A condition that about half of the rows meet. */
hh.tableExample = (columns) => {
  const column = columns.find(({ categories, values, missing }) => !categories && missing === null && values.some((x) => x > 0))
    ?? columns[0];
  if (column.categories) return `${column.name} == ${column.categories[0] ?? ""}`;
  const known = column.values.filter((_, i) => !hh.tableLacks(column, i)).sort();
  return `${column.name} > ${Number(Number(known[known.length >> 1] ?? 0).toPrecision(2))}`;
};

hh.tableFilter = (state, field) => {
  try {
    state.keep = field.value.trim() ? hh.tableCondition(field.value, state.columns) : null;
    state.shown = state.first;
    field.removeAttribute("aria-invalid");
    hh.tableUpdate(state);
  } catch (error) {
    field.setAttribute("aria-invalid", "true");
    state.said.textContent = error.message.replace(/([^?])$/, "$1.");
  }
};
