import type { StrictJson } from "../../checkpoint/strict-json.ts";
import { type NamedActivation, withConstants } from "../../math/activations.ts";
import { describe, nearest } from "../../shared/errors.ts";
import { ONNX_HAS_IT } from "../any-cell.ts";
import { Config, classOf, unsupported } from "./config.ts";
import type { Family } from "./family.ts";

/** Keras' activations in the words of this package, and who writes them ("hard_sigmoid" depends on who). */
const table: ReadonlyMap<string, { readonly spec: NamedActivation; readonly by: readonly Family["kind"][] }> = new Map(
  Object.entries({
    elu: row({ name: "elu" }),
    exponential: row({ name: "exponential" }, "keras-2", "keras-3"),
    gelu: row({ name: "gelu" }),
    gelu_new: row({ name: "geluTanh" }, "tfjs"),
    hard_silu: row({ name: "hardSilu" }, "keras-3"),
    hard_swish: row({ name: "hardSilu" }, "keras-3"),
    hard_tanh: row({ name: "clamp", alpha: -1, beta: 1 }, "keras-3"),
    // Keras' function has another default than ONNX'.
    leaky_relu: row({ name: "leakyRelu", alpha: 0.2 }, "keras-3"),
    linear: row({ name: "identity" }),
    log_sigmoid: row({ name: "logSigmoid" }, "keras-3"),
    log_softmax: row({ name: "logSoftmax" }, "keras-3", "tfjs"),
    mish: row({ name: "mish" }, "keras-3", "tfjs"),
    relu: row({ name: "relu" }),
    relu6: row({ name: "clamp", alpha: 0, beta: 6 }, "keras-3", "tfjs"),
    selu: row({ name: "selu" }),
    sigmoid: row({ name: "sigmoid" }),
    swish: row({ name: "silu" }, "keras-2", "tfjs"),
    silu: row({ name: "silu" }, "keras-3"),
    softmax: row({ name: "softmax" }),
    softplus: row({ name: "softplus" }),
    softsign: row({ name: "softsign" }),
    tanh: row({ name: "tanh" }),
  }),
);
function row(spec: NamedActivation, ...by: Family["kind"][]) {
  return { spec, by: by.length > 0 ? by : (["keras-2", "keras-3", "tfjs"] as const) };
}

/** The activation that a configuration names: a string, or a layer of activation as an object. Absent is linear. */
export function readActivation(value: StrictJson | undefined, where: string, family: Family): NamedActivation {
  if (value === undefined || value === null) return { name: "identity" };
  if (typeof value !== "string") return readActivationObject(value, where, family);
  if (value === "hard_sigmoid") return { name: "hardSigmoid", alpha: family.hardSigmoid, beta: 0.5 };
  const known = table.get(value);
  if (known) return known.spec;
  const near = nearest(value, [...table.keys(), "hard_sigmoid"]);
  throw unsupported(
    `${where}: the activation ${JSON.stringify(value)} is not known${near ? `; did the file mean "${near}"?` : ""}`,
  );
}

function readActivationObject(value: StrictJson, where: string, family: Family): NamedActivation {
  if (!(value instanceof Map))
    throw unsupported(`${where}: expected the name of an activation, got ${describe(value)}`);
  const entry = new Config(value, where);
  // Keras 3 writes a function as { module: "builtins", class_name: "function", config: "relu" }.
  const inner = entry.get("config");
  if (entry.get("class_name") === "function" && entry.get("module") === "builtins" && typeof inner === "string") {
    const registered = entry.get("registered_name");
    if (registered !== undefined && registered !== "function" && registered !== inner)
      throw unsupported(`${where}: the function ${JSON.stringify(registered)} is not Keras' own`);
    return readActivation(inner, where, family);
  }
  const { name, config } = classOf(entry);
  const spec = activationLayer(name, config, family);
  if (!spec) throw unsupported(`${where}: the activation ${JSON.stringify(name)} is not supported`);
  return spec;
}

/** What a layer of Keras computes that is an activation by another name. */
export function activationLayer(name: string, config: Config, family: Family): NamedActivation | undefined {
  switch (name) {
    case "Activation":
      return readActivation(config.get("activation"), config.where, family);
    case "ReLU":
      return reluWith(config);
    case "LeakyReLU":
      return { name: "leakyRelu", alpha: config.number("negative_slope", config.number("alpha", 0.3)) };
    case "ELU":
      return { name: "elu", alpha: config.number("alpha", 1) };
    case "Softmax":
      if (config.has("axis") && config.get("axis") !== -1 && !isOnly(config.get("axis"), -1))
        throw unsupported(
          `${config.where}: a softmax over axis ${JSON.stringify(config.get("axis"))}; only the last one is`,
        );
      return { name: "softmax" };
    case "ThresholdedReLU":
      return { name: "thresholdedRelu", alpha: config.number("theta", 1) };
    default:
      return undefined;
  }
}

const isOnly = (value: unknown, one: number): boolean => Array.isArray(value) && value.length === 1 && value[0] === one;

function reluWith(config: Config): NamedActivation {
  const slope = config.number("negative_slope", 0);
  const threshold = config.number("threshold", 0);
  if (threshold !== 0) throw unsupported(`${config.where}: a relu with threshold ${threshold}`);
  if (!config.has("max_value")) return slope === 0 ? { name: "relu" } : { name: "leakyRelu", alpha: slope };
  if (slope !== 0) throw unsupported(`${config.where}: a relu with both a slope and a largest value`);
  return { name: "clamp", alpha: 0, beta: config.number("max_value") };
}

/** The name in a configuration for an activation of this package, for a reader of the given family. */
export function writeActivation(spec: NamedActivation, where: string, family: Family): string {
  const refuse = (why: string) => unsupported(`${where}: the activation ${JSON.stringify(spec.name)} ${why}`);
  if (spec.name === "hardSigmoid") {
    const { alpha, beta } = withConstants(spec);
    if (Math.abs(alpha! - family.hardSigmoid) > 1e-7 || beta !== 0.5)
      throw refuse(
        `has the slope ${slope(alpha!)}, ${family.name} only that of ${slope(family.hardSigmoid)}: the function would change${ONNX_HAS_IT}`,
      );
    return "hard_sigmoid";
  }
  for (const [name, { spec: meant, by }] of table) if (by.includes(family.kind) && same(meant, spec)) return name;
  throw refuse(`${JSON.stringify({ alpha: spec.alpha, beta: spec.beta })} has no name in ${family.name}${ONNX_HAS_IT}`);
}

/** A slope as people write it: a sixth has no end in decimals. */
const slope = (value: number): string =>
  Math.abs(value - 1 / 6) < 1e-7 ? "1/6" : String(Number(value.toPrecision(6)));

function same(a: NamedActivation, b: NamedActivation): boolean {
  const [one, other] = [withConstants(a), withConstants(b)];
  return one.name === other.name && one.alpha === other.alpha && one.beta === other.beta;
}
