import { type Hold, renamed } from "../../layers/held-values.ts";
import { describe, nearest, ShapeError, UsageError, within } from "../../shared/errors.ts";
import { expectOptions } from "../../shared/options.ts";
import { formatShape, sameShape, size } from "../../shared/shapes.ts";
import type { Tensor } from "../../tensor/graph.ts";
import { type HasParameters, namedParameters } from "../../tensor/parameter.ts";
import { countOf, type ParameterStore } from "../../tensor/parameter-store.ts";
import type { CanonicalModel, CanonicalNode } from "../canonical.ts";
import type { NetworkLayer } from "./layer.ts";
import { makeLayer } from "./layers.ts";
import { batchFirst, type Value } from "./value.ts";

/** What a network takes besides its inputs. */
export interface NetworkInput {
  /** State before the first step, `NODE.STATE`, each [B, W]; a state left out is zero. */
  readonly initial?: Readonly<Record<string, Tensor>> | undefined;
  /** Whether `initial` is of the steps just before: a sequence is fed in pieces. Default false. */
  readonly pieces?: boolean | undefined;
  /** Named values of the cells to write out, e.g. ["i", "f", "c"]. */
  readonly trace?: readonly string[] | undefined;
  /** Given where values of the cells are to be held; asked by `NODE.VALUE`. */
  readonly hold?: Hold | undefined;
}

/** What a network gives. */
export interface NetworkOutput {
  /** By the names of the model's outputs; batch first. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** State after the last step of every recurrent node, `NODE.STATE`, each [B, W]. */
  readonly final: Readonly<Record<string, Tensor>>;
  /** [T, B, W] under `NODE.VALUE`, the backward direction's under `NODE.VALUE_reverse`. */
  readonly traces: Readonly<Record<string, Tensor>>;
}

/**
 * The layers of a canonical model, to be run, traced or trained further like any model of this package. Its parameters are named as the
 * model's weights.
 * @example
 * ```ts
 * const network = new Network(model);
 * const parameters = await createParameters({ machine, layout: layoutParameters(network), initialize: false });
 * network.load(parameters);
 * ```
 * @throws UsageError "bad-model", "missing-parameter", "unexpected-parameter"; ShapeError "shape-mismatch": everything is checked
 *   before anything is allocated
 */
export class Network implements HasParameters {
  readonly model: CanonicalModel;
  readonly parts: Readonly<Record<string, HasParameters>>;
  private readonly layers: ReadonlyMap<string, NetworkLayer>;

  constructor(model: CanonicalModel) {
    this.model = model;
    this.layers = new Map(
      [...model.layers].map(([name, spec]) => [
        name,
        within(`layer "${name}" (${spec.kind})`, () =>
          makeLayer(spec, (weight) => model.weights.get(`${name}.${weight}`)!),
        ),
      ]),
    );
    this.parts = Object.fromEntries(this.layers);
    this.checkWiring();
    this.checkWeights();
  }

  /** Widths of all states by name, `NODE.STATE`, but those that a node reads from a value of the model. */
  get states(): Readonly<Record<string, number>> {
    return this.statesOf(() => true);
  }

  /** States that are carried from run to run (`stateful` in Keras). */
  get carried(): Readonly<Record<string, number>> {
    return this.statesOf((layer) => layer.stateful === true);
  }

  /** Those that go from the end of a sequence to its beginning, where the file does not say that they are carried all the same. */
  get backward(): Readonly<Record<string, number>> {
    return this.statesOf((layer, state) => !layer.stateful && (layer.backward?.includes(state) ?? false));
  }

  private statesOf(which: (layer: NetworkLayer, state: string) => boolean): Record<string, number> {
    return Object.fromEntries(
      this.model.nodes.flatMap((node) => {
        const layer = this.layers.get(node.layer)!;
        const given = node.inputs.length - 1;
        const states = Object.entries(layer.states ?? {}).slice(given);
        return states
          .filter(([name]) => which(layer, name))
          .map(([name, width]): [string, number] => [`${node.name}.${name}`, width]);
      }),
    );
  }

  /** Copies the model's weights into parameters with the layout of this network. */
  load(parameters: ParameterStore): void {
    const { names } = parameters.layout;
    parameters.loadTensors(new Map([...this.model.weights].filter(([name]) => names.has(name))));
  }

  /** Returns the model with the current weights of `parameters`, to be written to a file. */
  async save(parameters: ParameterStore): Promise<CanonicalModel> {
    const learned = await parameters.toTensors();
    const weights = new Map(this.model.weights);
    for (const [name, tensor] of learned) weights.set(name, tensor);
    return { ...this.model, weights };
  }

  /**
   * Records the network into a graph.
   * @param inputs by the names of the model's inputs, [B, …]; whole numbers for those of type "int"
   */
  forward(inputs: Readonly<Record<string, Tensor>>, input: NetworkInput = {}): NetworkOutput {
    expectOptions("Network.forward", input, { initial: 1, pieces: 1, trace: 1, hold: 1 });
    const { initial = {}, pieces, trace = [], hold } = input;
    const names = this.model.inputs.map(({ name }) => name);
    for (const name of Object.keys(inputs)) if (!names.includes(name)) throw unknown("input", name, names);
    const values = new Map<string, Value>();
    for (const input of this.model.inputs) {
      const tensor = Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined;
      if (!tensor && input.optional) continue;
      if (!tensor) throw new UsageError("missing-input", `input "${input.name}" is not given`);
      values.set(input.name, { tensor, timeMajor: false });
    }
    const states = Object.keys(this.states);
    for (const name of Object.keys(initial)) if (!states.includes(name)) throw unknown("state", name, states);
    const [final, traces]: [Record<string, Tensor>, Record<string, Tensor>] = [{}, {}];
    for (const node of this.model.nodes) {
      const results = within(`layer "${node.name}"`, () =>
        this.layers.get(node.layer)!.forward(given(node, values), {
          initial: (state) => initial[`${node.name}.${state}`],
          pieces,
          final: (state, value) => {
            final[`${node.name}.${state}`] = value;
          },
          trace,
          traced: (name, value) => {
            traces[`${node.name}.${name}`] = value;
          },
          hold: renamed(hold, (name) => `${node.name}.${name}`),
        }),
      );
      node.outputs.forEach((name, k) => {
        const value = results[k];
        if (!value)
          throw new UsageError("bad-model", `layer "${node.name}" makes ${results.length} values, not ${k + 1}`);
        values.set(name, value);
      });
    }
    const outputs = this.model.outputs.map(({ name, value }): [string, Tensor] => [
      name,
      batchFirst(values.get(value)!),
    ]);
    return { outputs: Object.fromEntries(outputs), final, traces };
  }

  private checkWiring(): void {
    const known = new Set<string>();
    const define = (name: string): void => {
      if (known.has(name)) throw new UsageError("bad-model", `the value "${name}" is made twice`);
      known.add(name);
    };
    const read = (name: string, by: string): void => {
      if (!known.has(name)) throw new UsageError("bad-model", `${by} reads "${name}", which nothing before it makes`);
    };
    for (const { name } of this.model.inputs) define(name);
    const nodes = new Set<string>();
    const readable = (node: CanonicalNode): void => {
      if (nodes.has(node.name)) throw new UsageError("bad-model", `two nodes are called "${node.name}"`);
      nodes.add(node.name);
      if (!this.layers.has(node.layer)) throw unknown("layer", node.layer, [...this.layers.keys()]);
      if (node.inputs.length === 0) throw new UsageError("bad-model", `layer "${node.name}" reads nothing`);
      for (const name of node.inputs) read(name, `layer "${node.name}"`);
      if (node.mask) read(node.mask, `layer "${node.name}"`);
      node.outputs.forEach(define);
    };
    this.model.nodes.forEach(readable);
    for (const { name, optional } of this.model.inputs) {
      const reader = this.model.nodes.find(({ layer, inputs }) =>
        inputs.some((value, k) => value === name && !(k === 1 && this.isLengths(layer))),
      );
      if (optional && reader)
        throw new UsageError(
          "bad-model",
          `layer "${reader.name}" reads "${name}", which may be left out: only the second input of a layer "lengths" may`,
        );
    }
    for (const { name, value } of this.model.outputs) read(value, `the output "${name}"`);
    if (this.model.outputs.length === 0) throw new UsageError("bad-model", "the model has no output");
  }

  private isLengths(layer: string): boolean {
    return this.model.layers.get(layer)?.kind === "lengths";
  }

  private checkWeights(): void {
    const shapes = new Map([...namedParameters(this)].map(([name, { shape }]) => [name, shape]));
    for (const [layer, { buffers = {} }] of this.layers)
      for (const [name, shape] of Object.entries(buffers)) shapes.set(`${layer}.${name}`, shape);
    for (const [name, shape] of shapes) {
      const given = this.model.weights.get(name);
      if (!given)
        throw new UsageError("missing-parameter", `the model has no weight "${name}" of shape ${formatShape(shape)}`);
      if (!sameShape(given.shape, shape) || countOf(given) !== size(shape))
        throw new ShapeError(
          "shape-mismatch",
          `weight "${name}": expected shape ${formatShape(shape)}, got ${formatShape(given.shape)} with ${countOf(given)} numbers`,
        );
    }
    for (const name of this.model.weights.keys())
      if (!shapes.has(name))
        throw new UsageError("unexpected-parameter", `no layer of the model has a weight "${name}"`);
  }
}

/** The values that a node reads, the first with the mask that it asks for; those that were left out are not among them. */
function given({ inputs, mask }: CanonicalNode, values: ReadonlyMap<string, Value>): readonly Value[] {
  const [first, ...others] = inputs.flatMap((name) => values.get(name) ?? []);
  if (mask === undefined) return [first!, ...others];
  return [{ ...first!, mask: mask === null ? undefined : values.get(mask)!.mask }, ...others];
}

function unknown(kind: string, name: unknown, names: readonly string[]): UsageError {
  const near = typeof name === "string" ? nearest(name, names) : undefined;
  return new UsageError(
    `unknown-${kind}`,
    `the model has no ${kind} ${describe(name)}${near ? `; did you mean "${near}"?` : `; it has ${names.join(", ") || "none"}`}`,
  );
}
