import { FailureError } from "../../shared/errors.ts";
import { modules } from "./late.ts";

// biome-ignore lint/suspicious/noExplicitAny: of any function
type Real = (...operands: any[]) => unknown;

/** What stands for the functions and classes of a file until one of them is used. */
export interface LateExports {
  functionOf(name: string): Real;
  classOf(name: string): Real;
}

/**
 * Functions and classes of a file that is loaded when one of them is first used.
 *
 * An entry of many parts has to name all of them at once, and Node reads and compiles whatever it imports, used or not.
 *
 * @param file beside the module at the URL `base`: an ES module without `await` at its top, so that Node (20.19 and newer) loads it at once
 */
export function lateExports(file: string, base: string): LateExports {
  let loaded: Record<string, Real> | undefined;
  const realOf = (name: string): Real => {
    loaded ??= load(file, base);
    return loaded[name]!;
  };
  return {
    functionOf: (name) =>
      Object.defineProperty((...operands: unknown[]) => realOf(name)(...operands), "name", { value: name }),
    classOf: (name) => standIn(() => realOf(name)),
  };
}

function load(file: string, base: string): Record<string, Real> {
  const loaded = required(file, base);
  // What it imports would be there twice, and the one copy not know what the other one made.
  if (loaded.__esModule)
    throw new FailureError(
      "piece-changed",
      `${file}: a loader has made a CommonJS module of it; have it resolve packages by the condition "module" as well (tsx --conditions=module program.ts)`,
    );
  return loaded;
}

function required(file: string, base: string): Record<string, Real> {
  try {
    return modules().createRequire(base)(file);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "MODULE_NOT_FOUND") throw cause;
    throw new FailureError(
      "piece-missing",
      `${file} is not beside ${base}: a bundler has moved the code that loads it; have it resolve packages by the condition "module" as well (often \`--conditions=module\`), or leave longshort out of the bundle`,
      { cause },
    );
  }
}

const OPERATIONS = Object.getOwnPropertyNames(Reflect) as (keyof ProxyHandler<Real>)[];

/** Whatever is done with it (made with `new`, extended, asked for an instance) is done with the class that `real` gives. */
function standIn(real: () => Real): Real {
  const operate =
    (operation: keyof ProxyHandler<Real>) =>
    (target: Real, ...operands: unknown[]) => {
      const { prototype } = real();
      // A proxy may not say of what it stands before that it has another prototype, or one that can be changed.
      Object.defineProperty(target, "prototype", { value: prototype, writable: false });
      return (Reflect[operation] as Real)(real(), ...operands);
    };
  const handler = Object.fromEntries(OPERATIONS.map((operation) => [operation, operate(operation)]));
  // biome-ignore lint/complexity/useArrowFunction: an arrow function cannot be made with `new`, and what stands for it neither
  const target = function () {} as Real;
  return new Proxy(target, handler as ProxyHandler<Real>);
}
