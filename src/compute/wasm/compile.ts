import { describe, FailureError } from "../../shared/errors.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";

/** Gives the module of these bytes; undefined if it has none. */
export type Compile = (bytes: OwnBytes) => object | undefined;

/** A module by `compile`, or by the host at once. Hosts refuse that for large modules to a page's own thread. @throws as `compileLater` */
export function compileNow(bytes: Uint8Array<ArrayBuffer>, compile?: Compile): WebAssembly.Module {
  if (compile) return given(bytes, compile);
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw refused(bytes, cause);
  }
}

/** The same without holding up the caller's thread. @throws FailureError "wasm-forbidden", "module-missing" */
export async function compileLater(bytes: Uint8Array<ArrayBuffer>, compile?: Compile): Promise<WebAssembly.Module> {
  if (compile) return given(bytes, compile);
  return WebAssembly.compile(bytes).catch((cause: unknown) => {
    throw refused(bytes, cause);
  });
}

function given(bytes: Uint8Array<ArrayBuffer>, compile: Compile): WebAssembly.Module {
  const module = compile(bytes);
  // By what it is called: it may be of another realm, where `instanceof` sees a stranger.
  if (Object.prototype.toString.call(module) === "[object WebAssembly.Module]") return module as WebAssembly.Module;
  throw new FailureError(
    "module-missing",
    `compile: expected the WebAssembly.Module of ${bytes.length} bytes, got ${describe(module)}: modules are the same where the same calls are made in the same order, with the same model and options, on the same kind of processor; save them once more, with all that this program does`,
  );
}

/** What a host finds valid and yet does not compile it forbids. */
function refused(bytes: Uint8Array<ArrayBuffer>, cause: unknown): unknown {
  if (cause instanceof RangeError || !WebAssembly.validate(bytes)) return cause;
  return new FailureError(
    "wasm-forbidden",
    "this host forbids compiling WebAssembly: in a page add 'wasm-unsafe-eval' to script-src of its content security policy; elsewhere give the option `compile` modules that were compiled before (docs/guide/serving.md); the machine \"reference\" runs without any, slowly",
    { cause },
  );
}
