import { platform } from "#platform";
import { ConstantTable } from "../../print/wasm/constants.ts";
import { Closing } from "../../shared/closing.ts";
import { expectInteger, FailureError, UsageError } from "../../shared/errors.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import { formatBytes } from "../../shared/shapes.ts";
import type { Arena, Limits, MemoryUse, Numbers, PreparedPlan, SynchronousMachine } from "../machine.ts";
import { checkPlan, machineClosed, scalarRange } from "../operands.ts";
import type { Plan, Range } from "../plan.ts";
import { ELEMENT_BYTES, WasmArena } from "./arena.ts";
import { type Compile, compileLater, compileNow } from "./compile.ts";
import { hasFusedMultiplyAdd } from "./fused.ts";
import type { Helpers } from "./helpers.ts";
import { CONSTANTS, Memory, MOST_BYTES } from "./memory.ts";
import { type CompiledPlan, instantiate, type PrintedPlan, type PrintOptions, planPrinter } from "./prepare.ts";
import { savedElements } from "./scan-layout.ts";
import { hasSimd } from "./simd.ts";
import { cleanUpperHalves } from "./upper-halves.ts";
import { chooseTiles, mayBeWide } from "./wide.ts";
import { patienceFor, sharedWork, WORTH, type Worth } from "./work.ts";
import { Workspace } from "./workspace.ts";

/** Options of `openMachine("wasm", …)`. */
export interface WasmOptions {
  /** Whether `a · b + c` is rounded once. Default: where the host supports it. `false` gives the same bits on every host. */
  readonly fused?: boolean | undefined;
  /**
   * Whether kernels are generated for an engine that joins neighbouring vectors to 256 bits. Default: decided by a measurement if Node
   * was started with --experimental-wasm-revectorize, otherwise false. Does not change results.
   */
  readonly wide?: boolean | undefined;
  /**
   * Number of threads that share large plans, 1 to 64, including the calling one. Default: the environment variable LONGSHORT_THREADS,
   * or the number of processors, halved above four (two hardware threads on one core gain nothing here) and at most 8. Does not change
   * results. It is 1 on a page's main thread and where threads cannot share memory; `limits.threads` tells.
   */
  readonly threads?: number | undefined;
  /** Bytes that arenas and scratch memory may take. Default and maximum: 4 GiB − 128 KiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Gives the module of these bytes, a `WebAssembly.Module`. Default: the host compiles them. For hosts that do not compile while a program
   * runs, such as Cloudflare Workers: modules that were compiled before, found by their `moduleName`. A machine with it has one thread.
   */
  // Only programs for pages have the types of WebAssembly by name; there, too, a module is an object that says nothing of itself.
  readonly compile?: ((bytes: OwnBytes) => object | undefined) | undefined;
}

/**
 * Opens the machine that computes in float32 with WebAssembly SIMD, in the caller's thread and in others that help it.
 *
 * @throws UsageError "not-supported" when `fused: true` is asked for on a host without it.
 * @throws FailureError "no-simd" on hosts without WebAssembly or its vectors, "wasm-forbidden" on those that do not compile it and "module-missing"
 * where `compile` has none, "out-of-memory" when the host gives no address space for a WebAssembly memory.
 */
export async function openWasm(options: WasmOptions = {}, worth: Worth = WORTH): Promise<SynchronousMachine> {
  const able = options.fused === false ? false : hasFusedMultiplyAdd(options.compile);
  // What has the one has the other: the usual host is asked a single question.
  if (!able && !hasSimd()) {
    throw new FailureError(
      "no-simd",
      'openMachine: this host has no WebAssembly with SIMD, which the machine "wasm" needs: use Node 20 or newer without --jitless (on a PC with SSE 4.1), or a browser of 2023 or later; the machine "reference" runs everywhere, slowly',
    );
  }
  if (options.fused && !able) {
    throw new UsageError(
      "not-supported",
      "openWasm: fused: this host has no fused multiply-add in WebAssembly; leave `fused` out, or start Node 20 with --experimental-wasm-relaxed-simd",
    );
  }
  const bytes = options.maxBytes ?? MOST_BYTES;
  if (!(bytes >= 0)) {
    throw new UsageError("out-of-range", `openWasm: maxBytes: expected a number of bytes, got ${bytes}`);
  }
  const { compile } = options;
  const threads = compile ? 1 : threadsOf(options.threads);
  // Where it takes a measurement to know, that is made when it pays, not before the first result.
  const wide = options.wide ?? (mayBeWide() && !compile ? undefined : false);
  return new WasmMachine({ fused: able, wide, threads, worth, bytes: Math.min(bytes, MOST_BYTES), compile });
}

const MOST_THREADS = 64;

/** How many threads are wanted, and may be had here as far as can be told without starting one. */
function threadsOf(option: number | undefined): number {
  const bounds = { min: 1, max: MOST_THREADS };
  const variable = platform.variable("LONGSHORT_THREADS");
  let wanted = option === undefined ? undefined : expectInteger("openMachine: threads", option, bounds);
  if (wanted === undefined && variable)
    wanted = expectInteger("LONGSHORT_THREADS", /^\d+$/.test(variable) ? Number(variable) : variable, bounds);
  const processors = platform.processors();
  if (processors === undefined) return 1;
  return wanted ?? (processors <= 4 ? processors : Math.min(8, Math.max(4, processors >> 1)));
}

/** A compiled plan in its memory. */
interface Build {
  /** Performs the launches, by one thread or by all. */
  readonly run: () => void;
  /** Likewise makes what is kept from run to run, if there is anything. */
  readonly derive: (() => void) | undefined;
  /** What the compiled plan names. */
  readonly derivedFrom: readonly WasmArena[];
  readonly written: readonly WasmArena[];
  release(): void;
}

function buildOf(
  { derivedFrom, written }: CompiledPlan,
  { run, derive }: Pick<Build, "run" | "derive">,
  arenas: Readonly<Record<string, WasmArena>>,
  release: () => void,
): Build {
  const named = (names: readonly string[]): WasmArena[] => names.map((name) => arenas[name]!);
  return { run, derive, derivedFrom: named(derivedFrom), written: named(written), release };
}

class WasmPlan extends Closing implements PreparedPlan {
  readonly plan: Plan;
  readonly arenas: Readonly<Record<string, WasmArena>>;
  readonly owner: WasmMachine;
  readonly #all: readonly WasmArena[];
  #build: Build;
  /** Gives the plan in wider tiles where these are better, once it is clear that it runs more than once. */
  #improve: (() => Build | undefined) | undefined;
  readonly #forget: () => void;
  open = true;
  #hasRun = false;
  #derivedFrom = -1;

  constructor(options: {
    plan: Plan;
    arenas: Readonly<Record<string, WasmArena>>;
    owner: WasmMachine;
    build: Build;
    improve: (() => Build | undefined) | undefined;
    forget: () => void;
  }) {
    super();
    this.plan = options.plan;
    this.arenas = options.arenas;
    this.#all = Object.values(options.arenas);
    this.owner = options.owner;
    this.#build = options.build;
    this.#improve = options.improve;
    this.#forget = options.forget;
  }

  /** Performs the launches, first making anew what was made of arenas that have changed. */
  run(): void {
    if (this.#improve && this.#hasRun) this.#exchange(this.#improve());
    this.#hasRun = true;
    const { run, derive, derivedFrom, written } = this.#build;
    // Versions only grow, so that their sum tells whether any has changed.
    let version = 0;
    for (const arena of derivedFrom) version += arena.version;
    if (version !== this.#derivedFrom) derive?.();
    this.#derivedFrom = version;
    try {
      run();
    } finally {
      // Also by a run that was stopped half-way.
      for (const arena of written) arena.version++;
    }
  }

  expectOpen(): void {
    if (!this.open) throw new UsageError("closed", "this plan was closed and cannot be run any more");
    for (const arena of this.#all) arena.expectOpen();
  }

  #exchange(better: Build | undefined): void {
    this.#improve = undefined;
    if (!better) return;
    this.#build.release();
    this.#build = better;
    this.#derivedFrom = -1;
  }

  close(): void {
    if (this.open) {
      this.#forget();
      this.#build.release();
    }
    this.open = false;
  }
}

/** What a plan is made of, as often as it is compiled. */
interface PlanSource {
  readonly plan: Plan;
  readonly print: (options: PrintOptions) => PrintedPlan;
  readonly arenas: Readonly<Record<string, WasmArena>>;
}

class WasmMachine extends Closing implements SynchronousMachine {
  readonly name = "wasm";
  readonly savedSize = savedElements;
  /** undefined until it is measured. */
  #wide: boolean | undefined;
  #hasRun = false;
  /** Where the engine may join vectors (of narrow kernels, too, where it sees neighbours), unless it is measured that nothing waits for it. */
  #cleans = mayBeWide();
  readonly #memory: Memory;
  readonly #family: Limits["family"];
  readonly #worth: Worth;
  readonly #compileWith: Compile | undefined;
  #threads: number;
  /** Started with the first plan that is worth it. */
  #helpers: Promise<Helpers | undefined> | undefined;
  readonly #constants = new ConstantTable(CONSTANTS.start, CONSTANTS.end);
  readonly #arenas = new Set<WasmArena>();
  readonly #plans = new Set<WasmPlan>();
  #open = true;

  constructor(options: {
    readonly fused: boolean;
    readonly wide: boolean | undefined;
    readonly threads: number;
    readonly worth: Worth;
    readonly bytes: number;
    readonly compile: Compile | undefined;
  }) {
    super();
    this.#compileWith = options.compile;
    this.#wide = options.wide;
    this.#worth = options.worth;
    this.#family = options.fused ? "fused" : "portable";
    try {
      this.#memory = new Memory(options.bytes, options.threads > 1);
    } catch (cause) {
      throw new FailureError(
        "out-of-memory",
        "the host gives no address space for a WebAssembly memory: engines reserve 4 to 10 GiB of addresses for one, however little is used: raise the limit of the process (ulimit -v) or close other machines",
        { cause },
      );
    }
    this.#threads = this.#memory.shared ? options.threads : 1;
  }

  /** Whether kernels are printed for registers of 256 bits; false as long as it is not measured. */
  get wide(): boolean {
    return this.#wide ?? false;
  }

  get limits(): Limits {
    return {
      bytes: this.#memory.bytes,
      elementBytes: ELEMENT_BYTES,
      float: "float32",
      threads: this.#threads,
      family: this.#family,
    };
  }

  get memory(): MemoryUse {
    return this.#memory.use;
  }

  arena(name: string, elements: number): Arena {
    this.#expectOpen();
    if (!Number.isInteger(elements) || elements < 0) {
      throw new UsageError("out-of-range", `arena "${name}": expected a number of elements, got ${elements}`);
    }
    const bytes = elements * ELEMENT_BYTES;
    const address = this.#memory.allocate(bytes);
    if (address === undefined) {
      throw new FailureError(
        "out-of-memory",
        `arena "${name}" needs ${formatBytes(bytes)}, the machine has at most ${formatBytes(this.#memory.free)} left: lower the batch size, the number of steps or the hidden size`,
      );
    }
    const arena = new WasmArena(name, elements, address, this);
    this.#arenas.add(arena);
    return arena;
  }

  release(arena: WasmArena): void {
    if (this.#arenas.delete(arena)) this.#memory.release(arena.address, arena.length * ELEMENT_BYTES);
  }

  async prepare(plan: Plan, arenas: Readonly<Record<string, Arena>>): Promise<PreparedPlan> {
    this.#expectOpen();
    checkPlan(plan, arenas, savedElements);
    const own = Object.fromEntries(Object.entries(arenas).map(([name, arena]) => [name, this.#own(arena)]));
    const print = await planPrinter(plan);
    this.#expectOpen();
    // A small plan is printed at once for what every engine does well, and anew if it turns out to run again and again.
    if (this.#wide === undefined && (this.#hasRun || sharedWork(plan, this.#worth) >= this.#worth.plan))
      this.#wide = this.#measured();
    const source = { plan, print, arenas: own };
    const helpers = await this.#helpersFor(plan);
    return (helpers && (await this.#compile(source, helpers))) ?? this.#compile(source);
  }

  /** Those that a plan is worth; they are started with the first one. */
  async #helpersFor(plan: Plan): Promise<Helpers | undefined> {
    if (this.#threads === 1 || sharedWork(plan, this.#worth) < this.#worth.plan) return undefined;
    this.#helpers ??= import("./helpers.ts")
      .then(({ Helpers }) => Helpers.start(this.#threads - 1, this.#memory.wasm))
      // A page that cannot fetch it goes on alone.
      .catch(() => undefined);
    const helpers = await this.#helpers;
    if (!helpers) this.#threads = 1;
    return helpers;
  }

  #measured(): boolean {
    const { wide, waits } = chooseTiles(this.#family === "fused");
    if (waits === false) this.#cleans = false;
    return wide;
  }

  /** Prints a plan into memory of its own. */
  #print({ print, arenas }: PlanSource, threads: number): { readonly printed: PrintedPlan; release(): void } {
    const constants = this.#constants.scope();
    const [workspace, kept] = [new Workspace(this.#memory), new Workspace(this.#memory)];
    const release = (): void => {
      for (const one of [constants, workspace, kept]) one.close();
    };
    try {
      const printed = print({
        ...{ memory: this.#memory, threads, worth: this.#worth },
        addressOf: (range) => arenas[range.arena]!.at(range),
        ...{ fused: this.#family === "fused", wide: this.wide, compile: this.#compileWith },
        // Where wide kernels leave nothing that is waited for (`isFarForFew`).
        ahead: this.wide && !this.#cleans,
        ...{ constants, workspace, kept },
      });
      return { printed, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Compiles a plan; undefined when the helpers cannot take it, or there is nothing in it that they would share. */
  async #compile(source: PlanSource): Promise<WasmPlan>;
  async #compile(source: PlanSource, helpers: Helpers): Promise<WasmPlan | undefined>;
  async #compile(source: PlanSource, helpers?: Helpers): Promise<WasmPlan | undefined> {
    const { printed, release } = this.#print(source, helpers ? this.#threads : 1);
    if (helpers && !printed.shared) {
      release();
      return undefined;
    }
    try {
      const compiled = instantiate(printed, await compileLater(printed.bytes, this.#compileWith));
      const number = await helpers?.add(compiled.module).catch(() => undefined);
      this.#expectOpen();
      if (helpers && number === undefined) {
        this.#threads = 1;
        release();
        return undefined;
      }
      const { plan, arenas } = source;
      const patience = patienceFor(plan, this.#worth);
      const { run, derive } = compiled;
      const together = helpers && {
        run: () => helpers.run(number!, run, patience),
        derive: derive && (() => helpers.run(number! + 1, derive, patience)),
      };
      const prepared: WasmPlan = new WasmPlan({
        ...{ plan, arenas, owner: this, build: buildOf(compiled, together ?? compiled, arenas, release) },
        improve: this.#wide === undefined && !helpers ? () => this.#widened(source) : undefined,
        forget: () => {
          this.#plans.delete(prepared);
          helpers?.remove(number!);
        },
      });
      this.#plans.add(prepared);
      return prepared;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The same plan in wider tiles, if these are better here; where memory does not suffice for both it stays as it is. */
  #widened(source: PlanSource): Build | undefined {
    this.#wide ??= this.#measured();
    if (!this.#wide) return undefined;
    let release = (): void => undefined;
    try {
      const made = this.#print(source, 1);
      release = made.release;
      const compiled = instantiate(made.printed, compileNow(made.printed.bytes));
      return buildOf(compiled, compiled, source.arenas, release);
    } catch {
      release();
      return undefined;
    }
  }

  run(prepared: PreparedPlan, scalars?: Readonly<Record<string, number>>): void {
    this.#expectOpen();
    if (!(prepared instanceof WasmPlan) || prepared.owner !== this) {
      throw new UsageError("wrong-machine", "this plan was prepared by another machine");
    }
    prepared.expectOpen();
    for (const name in scalars) {
      const range = scalarRange(prepared.plan, name);
      const arena = prepared.arenas[range.arena]!;
      arena.view(range, this.#memory).fill(scalars[name]!);
      arena.version++;
    }
    this.#hasRun = true;
    try {
      prepared.run();
    } catch (cause) {
      if (cause instanceof FailureError) throw cause;
      throw new FailureError(
        "kernel-stopped",
        "a kernel was stopped, most likely by an index outside its table: check indices before a run",
        { cause },
      );
    } finally {
      if (this.#cleans) cleanUpperHalves();
    }
  }

  write(arena: Arena, range: Range, data: ArrayLike<number>): void {
    const own = this.#own(arena);
    const view = own.view(range, this.#memory);
    expectLength(arena, range, data.length);
    view.set(data);
    own.version++;
  }

  async read(arena: Arena, range: Range): Promise<Numbers> {
    return this.#own(arena).view(range, this.#memory).slice();
  }

  readInto(arena: Arena, range: Range, out: { [index: number]: number; readonly length: number }): void {
    const view = this.#own(arena).view(range, this.#memory);
    expectLength(arena, range, out.length);
    if (out instanceof Float32Array || out instanceof Float64Array || out instanceof Int32Array) out.set(view);
    else for (let i = 0; i < view.length; i++) out[i] = view[i]!;
  }

  close(): void {
    this.#open = false;
    for (const plan of [...this.#plans]) plan.close();
    for (const arena of [...this.#arenas]) arena.close();
    this.#helpers?.then((helpers) => helpers?.close());
  }

  #own(arena: Arena): WasmArena {
    if (arena instanceof WasmArena && arena.owner === this) return arena;
    throw new UsageError("wrong-machine", `arena "${arena.name}" belongs to another machine`);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  #expectOpen(): void {
    if (!this.#open) throw machineClosed();
  }
}

function expectLength(arena: Arena, range: Range, length: number): void {
  if (length !== range.length) {
    throw new UsageError(
      "wrong-length",
      `${length} numbers were given for a range of ${range.length} elements in arena "${arena.name}"`,
    );
  }
}
