/**
 * The numbers that every system of a case starts from, written by one process and read by all: raw float32 and int32 in one
 * file, and a list of what lies where.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { numbersOf } from "../dist/cli/bench/numbers.js";
import { shapesOf } from "../dist/cli/bench/workloads.js";
import * as library from "../dist/index.js";
import { unpack } from "./unpack.mjs";

/** Calls `measure` with a folder that holds the data of a case meanwhile. @param {import("../src/cli/bench/cases.ts").Case} c */
export async function withData(c, measure) {
  const folder = mkdtempSync(join(tmpdir(), "longshort-bench-"));
  try {
    writeData(folder, c);
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeData(folder, c) {
  const list = [];
  const parts = [];
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(numbersOf(c, shapesOf(library, c)))) {
    const type = data instanceof Int32Array ? "int32" : "float32";
    list.push({ name, shape, type, offset, length: data.length });
    parts.push(Buffer.from(data.buffer));
    offset += data.byteLength;
  }
  writeFileSync(join(folder, "data.bin"), Buffer.concat(parts));
  writeFileSync(join(folder, "case.json"), JSON.stringify({ ...c, tensors: list }));
}

/** What `withData` wrote: the case, and its numbers by name. */
export function readData(folder) {
  const bytes = readFileSync(join(folder, "data.bin"));
  return unpack(
    readFileSync(join(folder, "case.json"), "utf8"),
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
}
