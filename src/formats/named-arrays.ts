import { type SafeTensor, safeTensor } from "../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../platform/platform.ts";
import { describe, FailureError, UsageError } from "../shared/errors.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { mapValues } from "../shared/records.ts";
import { size } from "../shared/shapes.ts";
import { type ByteInput, withBytes } from "./byte-source.ts";
import { dataTypeOfElement, elementOf } from "./data-type.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readNpz, writeNpz } from "./npz.ts";
import type { ModelArray, ModelResult } from "./plans.ts";

/** Kinds of files with named arrays, told by the ending of their name. */
const ARRAY_FILES = [".npz", ".npy", ".json"] as const;

/**
 * Reads named arrays: NPZ, NPY (one array named ""), or JSON (an object whose values are nested lists of numbers or `{ shape, data }`).
 * The format is detected from the bytes.
 * @throws FailureError "bad-npy", "bad-zip", "bad-arrays"; UsageError "file-not-found"
 */
export function readArrays(input: ByteInput): Promise<Record<string, ModelResult>> {
  return withBytes(input, async (source) => {
    const [first] = await source.read(0, Math.min(1, source.size));
    if (first === 0x50) return arraysOf(await readNpz(source));
    if (first === 0x93) return arraysOf(new Map([["", await readNpy(source)]]));
    return fromJson(await jsonOf(source), source.name);
  });
}

const arraysOf = (tensors: ReadonlyMap<string, SafeTensor>): Record<string, ModelResult> =>
  Object.fromEntries(
    [...tensors].map(([name, tensor]) => [
      name,
      { type: dataTypeOfElement(tensor.dtype) ?? "float32", shape: tensor.shape, data: tensor.toFloat64() },
    ]),
  );

/** @throws UsageError "unknown-format" for a name whose ending stands for no kind of file with named arrays */
export function expectArrayFile(name: string): void {
  if (ARRAY_FILES.some((ending) => name.endsWith(ending))) return;
  throw new UsageError("unknown-format", `${name}: expected a name that ends in ${ARRAY_FILES.join(", ")}`);
}

/**
 * Returns the bytes of a file of named arrays in the format of the ending of `name`. Integers keep their type.
 * @throws UsageError "unknown-format", "bad-arrays"
 */
export function writeArrays(name: string, arrays: Readonly<Record<string, ModelResult>>): OwnBytes {
  expectArrayFile(name);
  const tensors = new Map(
    Object.entries(arrays).map(([key, { type, shape, data }]) => [
      key,
      safeTensor(type === "bfloat16" ? "F32" : elementOf(type), shape, data),
    ]),
  );
  if (name.endsWith(".npz")) return writeNpz(tensors);
  if (name.endsWith(".json")) {
    const plain = Object.entries(arrays).map(([key, { shape, data }]) => {
      const at = data.findIndex((n) => !Number.isFinite(n));
      if (at >= 0)
        throw new UsageError(
          "bad-arrays",
          `${name}: element ${at} of "${key}" is ${data[at]}, which JSON cannot represent; use .npz`,
        );
      return [key, { shape, data: Array.from(data) }];
    });
    return new TextEncoder().encode(`${JSON.stringify(Object.fromEntries(plain))}\n`);
  }
  const [only, ...others] = tensors.values();
  if (!only || others.length > 0)
    throw new UsageError(
      "bad-arrays",
      `${name}: an NPY file holds one array, there are ${tensors.size} (${[...tensors.keys()].join(", ")}); use .npz`,
    );
  return writeNpy(only);
}

async function jsonOf(source: ByteSource): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await source.read(0, source.size)));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/\s+/g, " ") : String(cause);
    throw new FailureError(
      "bad-arrays",
      `${source.name}: expected NPZ, NPY or JSON with named arrays; ${source.size === 0 ? "it is empty" : `it is no JSON: ${why}`}`,
      { cause },
    );
  }
}

function fromJson(value: unknown, file: string): Record<string, ModelResult> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(file, `expected an object of named arrays, got ${describe(value)}`);
  return mapValues(value as Readonly<Record<string, unknown>>, (entry, name) => {
    const { shape, data } = arrayOf(entry, file, name);
    return { type: "float32", shape, data: Float64Array.from(data) };
  });
}

function arrayOf(value: unknown, file: string, name: string): ModelArray {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const { shape, data } = value as { shape?: unknown; data?: unknown };
    const whole = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!whole || !Array.isArray(data) || !data.every((n) => typeof n === "number") || size(shape) !== data.length)
      throw bad(file, `"${name}" is neither nested lists of numbers nor { shape, data } that fit together`);
    return { shape: shape as number[], data: data as number[] };
  }
  const shape: number[] = [];
  let level: readonly unknown[] = [value];
  while (level.length > 0 && level.every(Array.isArray)) {
    const { length } = level[0] as unknown[];
    shape.push(length);
    if (level.some((row) => (row as unknown[]).length !== length)) break;
    level = level.flat();
  }
  if (level.length !== size(shape) || !level.every((n) => typeof n === "number"))
    throw bad(file, `"${name}" is no array of numbers whose rows are all of one length`);
  return { shape, data: level as number[] };
}

const bad = (file: string, why: string): FailureError => new FailureError("bad-arrays", `${file}: ${why}`);
