import type { SafeTensor } from "../../checkpoint/safe-tensor.ts";

/** The tensors of one module of a state dictionary: `lstm` with `weight_ih_l0` and others. */
export interface StateModule {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
}

/** Parts of a checkpoint that belong to its training: `optimizer_state_dict.…`, `optimizers.0.…`, `ema_model.…`; not a module `email`. */
const training = /^(opt|optim|optimizers?|(lr_)?schedulers?|scaler|ema|rng)(_[^.]*|[A-Z\d])?\./;

/** Where one of these is, the model is in it; what lies beside it are its best loss, means of its data, states of callbacks. */
const stateDict = /^([^.]*_)?state_dict\./;

/**
 * The modules of a state dictionary in the order in which they were made, which is the order of the file. Names that all have the
 * same beginning (`model_state_dict.`, `module.`) lose it; what belongs to a training is left out.
 */
export function modulesOf(tensors: ReadonlyMap<string, SafeTensor>): StateModule[] {
  let entries = [...tensors];
  for (;;) {
    const untrained = entries.filter(([name]) => !training.test(name));
    const models = untrained.filter(([name]) => stateDict.test(name));
    entries = models.length > 0 ? models : untrained;
    const firsts = new Set(entries.map(([name]) => name.slice(0, name.indexOf(".") + 1)));
    const [first = ""] = firsts;
    if (firsts.size !== 1 || !entries.some(([name]) => name.slice(first.length).includes("."))) break;
    entries = entries.map(([name, tensor]) => [name.slice(first.length), tensor]);
  }
  const modules = new Map<string, Map<string, SafeTensor>>();
  for (const [name, tensor] of entries) {
    const dot = name.lastIndexOf(".");
    const path = name.slice(0, Math.max(dot, 0));
    const module = modules.get(path) ?? new Map<string, SafeTensor>();
    module.set(name.slice(dot + 1), tensor);
    modules.set(path, module);
  }
  return [...modules].map(([path, own]) => ({ path, tensors: own }));
}
