// The selection as a query of features.parquet, to copy. JSON's texts are Python's.

hh.where = "to be run in the folder of the report";

/** The queries by name. ranges : of a Selection; file : path of the table, from the folder of the report */
hh.queries = (ranges, file) => {
  const conditions = [...ranges].flatMap(([variable, range]) => hh.conditions(variable, range));
  const named = Object.entries(hh.dialects).map(([name, dialect]) => [name, dialect.query(conditions, file)]);
  return Object.fromEntries(named);
};

/**
 * What a range demands of its column: {column, operator, value, rounded}; the operator is ">=", "<=", "in" or "known".
 * rounded : whether the column is to be compared as float32, as this page has it
 */
hh.conditions = (variable, { low, high, rounded }) => {
  const { column, categories } = variable;
  if (categories) {
    const words = categories.filter((_, code) => code >= low && code <= high);
    return [{ column, operator: "in", value: variable.truth ? words.map((word) => word === "yes") : words }];
  }
  const bounds = [[">=", low], ["<=", high]].filter(([, bound]) => Number.isFinite(bound));
  if (!bounds.length) return [{ column, operator: "known" }];
  return bounds.map(([operator, bound]) => ({ column, operator, value: hh.inFile(variable, bound), rounded }));
};

/** A bound as the file has it: of an axis, the very value. */
hh.inFile = (variable, bound) => {
  const level = variable.levels ? variable.levels.indexOf(bound) : -1;
  return level < 0 ? bound + (variable.zero ?? 0) : variable.exact[level];
};

hh.python = (value) => {
  if (Array.isArray(value)) return `[${value.map(hh.python).join(", ")}]`;
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
};

hh.sql = (value) => {
  if (Array.isArray(value)) return `(${value.map(hh.sql).join(", ")})`;
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === "boolean") return String(value);
  return /e/.test(value) ? String(value) : `${value}e0`; // else DuckDB reads a decimal, and rounds it by itself
};

hh.dialects = {
  pandas: {
    query(conditions, file) {
      const table = `# ${hh.where}\nimport pandas as pd\n\nfeatures = pd.read_parquet(${hh.python(file)})\n`;
      const tests = conditions.map(({ column, operator, value, rounded }) => {
        const name = `features[${hh.python(column)}]${rounded ? '.astype("float32")' : ""}`;
        if (operator === "in") return `${name}.isin(${hh.python(value)})`;
        return operator === "known" ? `${name}.notna()` : `(${name} ${operator} ${hh.python(value)})`;
      });
      return `${table}selected = features${tests.length ? `[\n    ${tests.join("\n    & ")}\n]` : ""}\n`;
    },
  },
  polars: {
    query(conditions, file) {
      const tests = conditions.map(({ column, operator, value, rounded }) => {
        const name = `pl.col(${hh.python(column)})${rounded ? ".cast(pl.Float32)" : ""}`;
        if (operator === "in") return `${name}.is_in(${hh.python(value)})`;
        return operator === "known" ? `${name}.is_not_null()` : `${name} ${operator} ${hh.python(value)}`;
      });
      const table = `# ${hh.where}\nimport polars as pl\n\nfeatures = pl.scan_parquet(${hh.python(file)})\n`;
      const filter = tests.length ? `.filter(\n    ${tests.join(",\n    ")},\n)` : "";
      return `${table}selected = features${filter}.collect()\n`;
    },
  },
  DuckDB: {
    query(conditions, file) {
      const tests = conditions.map(({ column, operator, value, rounded }) => {
        const quoted = `"${column.replaceAll('"', '""')}"`;
        const name = rounded ? `CAST(${quoted} AS FLOAT)` : quoted;
        if (operator === "in") return `${name} IN ${hh.sql(value)}`;
        return operator === "known" ? `${name} IS NOT NULL` : `${name} ${operator} ${hh.sql(value)}`;
      });
      const filter = tests.length ? `\nWHERE ${tests.join("\n  AND ")}` : "";
      return `-- ${hh.where}\nSELECT *\nFROM ${hh.sql(file)}${filter};\n`;
    },
  },
};
