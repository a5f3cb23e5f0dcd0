import type { Machine, Numbers } from "../compute/machine.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { compile } from "../tensor/executable.ts";
import { Graph } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

export interface TraceTextOptions {
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
  readonly machine: Machine;
  readonly tokenizer: Tokenizer;
  /** What the model reads, from zero state. At least one token. */
  readonly text: string;
  /** Values of the cell, such as ["i", "f", "c"]; default all that have a name. */
  readonly names?: readonly string[] | undefined;
}

export interface TextTrace {
  /** What was read, token by token, as it is shown to people. */
  readonly tokens: readonly string[];
  /** "l0", "l1", … */
  readonly layers: readonly string[];
  /** Names that were traced, in the order of computation. */
  readonly names: readonly string[];
  /** `NAME_LAYER` ("f_l0") → [T, H], row-major: row t is what the value was when token t had been read. */
  readonly values: Readonly<Record<string, { readonly shape: readonly [number, number]; readonly data: Numbers }>>;
}

/**
 * Reads a text with a model and keeps what its gates and states were at every step.
 * @throws UsageError "unknown-choice" for a name that the cell does not have, "no-tokens", "unknown-token"
 */
export async function traceText(options: TraceTextOptions): Promise<TextTrace> {
  const { model, parameters, machine, tokenizer, text } = options;
  const known = Object.keys(model.cell.named);
  for (const name of options.names ?? []) expectOneOf("names", name, known);
  const names = known.filter((name) => options.names?.includes(name) ?? true);
  const tokens = tokenizer.encode(text);
  if (tokens.length === 0) throw new UsageError("no-tokens", "text: expected at least one token to read, got none");
  if (parameters.machine !== machine)
    throw new UsageError("wrong-machine", "parameters: they lie on another machine than the one given");
  const graph = new Graph({ machine, parameters: parameters.layout });
  const input = graph.input("tokens", [tokens.length, 1], { type: "int", below: model.config.vocabularySize });
  const { traces } = model.forward(input, { trace: names });
  for (const [name, tensor] of Object.entries(traces)) graph.output(`trace.${name}`, tensor);
  const executable = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
  try {
    executable.write("tokens", tokens);
    executable.run();
    const values: Record<string, { shape: [number, number]; data: Numbers }> = {};
    for (const [name, { shape }] of Object.entries(traces))
      values[name] = { shape: [shape[0]!, shape[2]!], data: await executable.read(`trace.${name}`) };
    return {
      tokens: Array.from(tokens, (token) => tokenizer.tokens[token]!),
      layers: Array.from({ length: model.config.numLayers }, (_, layer) => `l${layer}`),
      names,
      values,
    };
  } finally {
    executable.close();
  }
}
