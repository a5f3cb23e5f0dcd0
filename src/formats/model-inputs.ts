import { countOf, describe, expectOneOf, FailureError, ShapeError, UsageError } from "../shared/errors.ts";
import { formatShape, size } from "../shared/shapes.ts";
import type { ModelArray } from "./plans.ts";
import type { ModelPort, Runnable } from "./runnable.ts";

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
    if (!given && port.optional) continue;
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

/** Zeros for states: sizes that the file leaves open are those of the other inputs, else of a batch of one. */
function zerosOf(ports: readonly ModelPort[], sizes: ReadonlyMap<string, number>): Record<string, ModelArray> {
  const sizeOf = (n: number | string = ""): number => (typeof n === "number" ? n : (sizes.get(n) ?? 1));
  return Object.fromEntries(ports.map(({ name, shape = [] }) => [name, zerosFor(name, shape.map(sizeOf))]));
}

/** Zeros for every state of a model. */
export const zeroStates = (
  { states, inputs }: Pick<Runnable, "states" | "inputs">,
  sizes: ReadonlyMap<string, number>,
): Record<string, ModelArray> =>
  zerosOf(
    inputs.filter(({ name }) => states.some(({ input }) => input === name)),
    sizes,
  );

/** Inputs with zeros for the states that were left out. */
export const withStates = (
  model: Pick<Runnable, "states" | "inputs">,
  given: Readonly<Record<string, ModelArray>>,
): Record<string, ModelArray> => ({ ...zeroStates(model, sizesOf(model.inputs, given)), ...given });

/** Inputs with zeros for the optional states that were left out. */
export const withOptional = <Given extends { readonly shape: readonly number[] }>(
  { inputs, states }: Pick<Runnable, "states" | "inputs">,
  given: Readonly<Record<string, Given>>,
): Readonly<Record<string, Given | ModelArray>> => ({
  ...given,
  ...zerosOf(
    inputs.filter(
      ({ name, optional }) => optional && !Object.hasOwn(given, name) && states.some(({ input }) => input === name),
    ),
    sizesOf(inputs, given),
  ),
});

/** Checked inputs, with zeros for the optional states that were left out. Errors as `checkInputs`. */
export function completed(
  model: Pick<Runnable, "states" | "inputs">,
  inputs: Readonly<Record<string, ModelArray>>,
): Readonly<Record<string, ModelArray>> {
  expectNamed(model.inputs, inputs);
  const all = withOptional(model, inputs);
  checkInputs(model.inputs, all);
  return all;
}

const portShape = ({ shape }: ModelPort): string => (shape ? formatShape(shape.map((n) => n ?? "?")) : "any");

/** More than any machine takes. */
const MAXIMUM_ELEMENTS = 2 ** 30;

/**
 * Zeros for an input, whose shape may come from a file: what no machine holds is refused before it is allocated.
 * @throws FailureError "too-large-input"
 */
export function zerosFor(input: string, shape: readonly number[]): ModelArray {
  const count = size(shape);
  if (!(count <= MAXIMUM_ELEMENTS))
    throw new FailureError(
      "too-large-input",
      `input "${input}": the model says that its shape is ${formatShape(shape)}, more than ${MAXIMUM_ELEMENTS} numbers`,
    );
  return { shape, data: new Float32Array(count) };
}
