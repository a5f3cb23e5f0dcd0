import { countOf, describe, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { formatShape, size } from "../shared/shapes.ts";
import type { ModelArray, ModelResult, RecordedPlan } from "./plans.ts";
import type { ModelPort, Runnable } from "./runnable.ts";
import { zerosFor } from "./zeros.ts";

/** @throws UsageError "missing-input" where nothing is given, or something else than arrays by name */
export function expectNamed(ports: readonly ModelPort[], inputs: unknown): void {
  if (typeof inputs === "object" && inputs !== null) return;
  const names = ports.map(({ name }) => name).join(", ");
  throw new UsageError(
    "missing-input",
    `inputs: expected an object with { shape, data } by name, got ${describe(inputs)}; the model reads ${names}`,
  );
}

/** @throws UsageError "unknown-choice", "missing-input"; ShapeError "shape-mismatch" */
export function checkInputs(ports: readonly ModelPort[], inputs: Readonly<Record<string, ModelArray>>): void {
  expectNamed(ports, inputs);
  const names = ports.map((port) => port.name);
  for (const name of Object.keys(inputs)) expectOneOf("inputs", name, names);
  for (const port of ports) {
    const given = Object.hasOwn(inputs, port.name) ? inputs[port.name] : undefined;
    if (!given || !Array.isArray(given.shape) || given.data === undefined)
      throw new UsageError(
        "missing-input",
        `input "${port.name}": expected { shape, data } of shape ${portShape(port)}, ${given ? `got ${describe(given)}` : `none was given; the model reads ${names.join(", ")}`}`,
      );
    const { shape, data } = given;
    const fits =
      port.shape === undefined ||
      (port.shape.length === shape.length && port.shape.every((n, axis) => typeof n !== "number" || n === shape[axis]));
    if (!fits || size(shape) !== data?.length)
      throw new ShapeError(
        "shape-mismatch",
        `input "${port.name}": expected shape ${portShape(port)}, got ${formatShape(shape)} with ${countOf(data)} numbers`,
      );
  }
}

/** Sizes that stand under a name in the shapes of inputs, as far as arrays are given. */
export function sizesOf(
  ports: readonly ModelPort[],
  inputs: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, shape } of ports) {
    const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    shape?.forEach((n, axis) => {
      const came = given?.shape?.[axis];
      if (typeof n === "string" && came !== undefined && !sizes.has(n)) sizes.set(n, came);
    });
  }
  return sizes;
}

/** The shape of a state: sizes that the file leaves open are those of the other inputs, else of a batch of one. */
export const stateShape = ({ shape = [] }: ModelPort, sizes: ReadonlyMap<string, number>): number[] =>
  shape.map((n) => (typeof n === "number" ? n : ((n === undefined ? undefined : sizes.get(n)) ?? 1)));

/** Zeros for every state of a model. */
export const zeroStates = (
  { states, inputs }: Pick<Runnable, "states" | "inputs">,
  sizes: ReadonlyMap<string, number>,
): Record<string, ModelArray> =>
  Object.fromEntries(
    states.map(({ input }) => {
      const port = inputs.find(({ name }) => name === input)!;
      return [input, zerosFor(input, stateShape(port, sizes))];
    }),
  );

/** Checked inputs, with zeros for the states that were left out. Errors as `checkInputs`. */
export function completed(
  ports: readonly ModelPort[],
  inputs: Readonly<Record<string, ModelArray>>,
): Readonly<Record<string, ModelArray>> {
  expectNamed(ports, inputs);
  const sizes = sizesOf(ports, inputs);
  const zeros = ports
    .filter(({ name, optional }) => optional && !Object.hasOwn(inputs, name))
    .map((port): [string, ModelArray] => [port.name, zerosFor(port.name, stateShape(port, sizes))]);
  const all = { ...inputs, ...Object.fromEntries(zeros) };
  checkInputs(ports, all);
  return all;
}

/** Writes the inputs, runs a plan and reads its outputs. */
export async function replay(
  { executable, known, types }: RecordedPlan,
  ports: readonly ModelPort[],
  inputs: Readonly<Record<string, ModelArray>>,
): Promise<Record<string, ModelResult>> {
  for (const name of Object.keys(executable.graph.inputs)) executable.write(name, inputs[name]!.data);
  executable.run();
  const results: Record<string, ModelResult> = {};
  for (const { name } of ports) {
    const host = known.get(name);
    results[name] = host
      ? { type: host.type, shape: host.shape, data: Float64Array.from(host.data) }
      : { type: types.get(name)!, shape: executable.shape(name), data: await executable.read(name) };
  }
  return results;
}

const portShape = ({ shape }: ModelPort): string => (shape ? formatShape(shape.map((n) => n ?? "?")) : "any");
