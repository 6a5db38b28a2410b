"use strict";
// Reads what payload.py wrote. Every file of this folder adds its names to `hh`, and nothing else to the page.
const hh = {};

hh.types = {
  f8: Float64Array, f4: Float32Array, i8: BigInt64Array, i4: Int32Array, i2: Int16Array, i1: Int8Array,
  u4: Uint32Array, u2: Uint16Array, u1: Uint8Array,
};

hh.columns = new Map(); // by the id of their element; read once

/** The typed array of a column: {blob, type, length}. */
hh.column = (reference) => {
  const key = `${reference.blob} ${reference.type}`;
  if (!hh.columns.has(key)) hh.columns.set(key, hh.readColumn(reference));
  return hh.columns.get(key);
};

hh.readColumn = async ({ blob, type }) => {
  const text = document.getElementById(blob).textContent;
  const characters = atob(text), packed = new Uint8Array(characters.length);
  for (let i = 0; i < packed.length; i++) packed[i] = characters.charCodeAt(i); // 20 times as fast as Uint8Array.from
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new hh.types[type](await new Response(stream).arrayBuffer());
};
