import type { ElementTypeName } from "../checkpoint/element-types.ts";
import { byteLength } from "../checkpoint/safe-tensor.ts";
import { FailureError } from "../shared/errors.ts";
import { formatShape } from "../shared/shapes.ts";
import { numpyTypes } from "./numpy-types.ts";

/** What the header of an NPY file says. */
export interface NpyHeader {
  readonly dtype: ElementTypeName;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  readonly bigEndian: boolean;
  /** Where the numbers begin, and how many bytes they take. */
  readonly dataStart: number;
  readonly dataLength: number;
}

/** NumPy itself refuses headers of more than 10,000 bytes unless told otherwise. */
const MAX_HEADER = 1 << 16;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export const isNpy = (start: Uint8Array): boolean => MAGIC.every((byte, i) => start[i] === byte);

/**
 * How long the header is, its beginning included.
 * @param start At least the first 12 bytes (fewer where the file is shorter).
 */
export function npyHeaderEnd(start: Uint8Array, label: string): number {
  if (start.length < 10 || !isNpy(start)) badNpy(label, "it is no NPY file: it does not begin with \\x93NUMPY");
  const version = start[6]!;
  if (version < 1 || version > 3 || start[7] !== 0)
    badNpy(label, `it is of version ${version}.${start[7]}; 1.0, 2.0 and 3.0 are read`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (version === 1) return 10 + view.getUint16(8, true);
  if (start.length < 12) badNpy(label, "it is cut short in its header");
  const length = view.getUint32(8, true);
  if (length > MAX_HEADER)
    badNpy(label, `its header is said to have ${length} bytes, more than the ${MAX_HEADER} allowed`);
  return 12 + length;
}

/**
 * @param header All bytes before the numbers; `size`: of the whole file.
 * @throws FailureError "bad-npy"
 */
export function readNpyHeader(header: Uint8Array, size: number, label: string): NpyHeader {
  const version = header[6]!;
  const decoder = new TextDecoder(version === 3 ? "utf-8" : "latin1");
  const fields = readDictionary(decoder.decode(header.subarray(version === 1 ? 10 : 12)), label);
  const [, order, kind] = /^([<>|=]?)(.*)$/s.exec(fields.descr) as unknown as [string, string, string];
  const dtype = numpyTypes.get(kind);
  if (dtype === undefined) badNpy(label, `it holds ${kindOf(fields.descr)}, which ${reasonOf(kind)}`);
  const dataLength = byteLength(dtype, fields.shape);
  const dataStart = header.length;
  if (dataLength === undefined || dataStart + dataLength !== size)
    badNpy(
      label,
      `${fields.descr} of shape ${formatShape(fields.shape)} takes ${dataLength ?? "more than 2^53"} bytes, but ${size - dataStart} follow the header`,
    );
  return {
    dtype,
    shape: fields.shape,
    fortranOrder: fields.fortran_order,
    bigEndian: order === ">",
    dataStart,
    dataLength,
  };
}

function kindOf(descr: string): string {
  return `the type ${JSON.stringify(descr.slice(0, 40))}`;
}

function reasonOf(kind: string): string {
  if (kind.startsWith("O")) return "is Python objects (a pickle, which could run anything), not numbers";
  if (kind.startsWith("c")) return "is complex numbers; save its real and imaginary parts as two arrays";
  if (/^[SUaV]/.test(kind)) return "is text or raw bytes, not numbers";
  if (/^[mM]/.test(kind)) return "is dates; convert them to numbers first";
  return "is not read; convert the array with .astype(numpy.float32)";
}

interface Dictionary {
  readonly descr: string;
  readonly fortran_order: boolean;
  readonly shape: readonly number[];
}

const TOKEN = /[ \t\n\r]*(?:('[^'\\\n]*'|"[^"\\\n]*")|(\d{1,16}L?)|(True|False)|([{}(),:[\]]))/y;

/** The one shape of Python dictionary that a header may be: three known keys, a text, a truth value, a tuple of numbers. */
function readDictionary(text: string, label: string): Dictionary {
  const broken = (): never => badNpy(label, "its header is not the dictionary of descr, fortran_order and shape");
  let position = 0;
  function next(): string {
    TOKEN.lastIndex = position;
    const found = TOKEN.exec(text);
    if (!found) return broken();
    position = TOKEN.lastIndex;
    return found[0].trim();
  }
  const expect = (wanted: string): void => void (next() === wanted || broken());
  const fields = new Map<string, unknown>();
  expect("{");
  for (let token = next(); token !== "}"; ) {
    const key = quoted(token) ?? broken();
    if (fields.has(key) || !["descr", "fortran_order", "shape"].includes(key)) broken();
    expect(":");
    const value = next();
    if (key === "shape") fields.set(key, value === "(" ? tuple(next, broken) : broken());
    else if (key === "fortran_order") fields.set(key, value === "True" || (value === "False" ? false : broken()));
    else if (value === "[")
      badNpy(label, "it holds records of several fields, not numbers; save each field as an array");
    else fields.set(key, quoted(value) ?? broken());
    token = next();
    if (token === ",") token = next();
    else if (token !== "}") broken();
  }
  if (fields.size !== 3 || text.slice(position).trim() !== "") broken();
  return Object.fromEntries(fields) as unknown as Dictionary;
}

const quoted = (token: string): string | undefined => (/^['"]/.test(token) ? token.slice(1, -1) : undefined);

function tuple(next: () => string, broken: () => never): number[] {
  const values: number[] = [];
  for (let token = next(); token !== ")"; ) {
    // Python 2 wrote 3L.
    const value = Number(token.replace(/L$/, ""));
    if (!/^\d/.test(token) || !Number.isSafeInteger(value) || values.length === 64) broken();
    values.push(value);
    token = next();
    if (token === ",") token = next();
    else if (token !== ")" || values.length === 1) broken();
  }
  return values;
}

export function badNpy(label: string, why: string): never {
  throw new FailureError("bad-npy", `${label}: ${why}`);
}

/** The header of an array in row-major, little-endian order, padded so that the numbers begin at a multiple of 64. */
export function writeNpyHeader(dtype: ElementTypeName, shape: readonly number[]): Uint8Array | undefined {
  const [kind] = [...numpyTypes].find(([, type]) => type === dtype) ?? [];
  if (kind === undefined) return undefined;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${/1$/.test(kind) ? "|" : "<"}${kind}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const end = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(end).fill(0x20);
  bytes.set([...MAGIC, 1, 0, (end - 10) & 255, (end - 10) >> 8]);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[end - 1] = 0x0a;
  return bytes;
}
