import { afterEach, expect, test, vi } from "vitest";
import { platform } from "#platform";
import type { Kernel, Plan, Range } from "../../../src/compute/plan.ts";
import { openWasm, type WasmOptions } from "../../../src/compute/wasm/machine.ts";
import { variable } from "../../../src/math/expression.ts";
import { LongshortError } from "../../../src/shared/errors.ts";

/*
 * What happens around the threads: who is started and when, hosts that refuse, kernels that are stopped.
 */

const all = { launch: 0, plan: 0 };
const range = (offset: number, length: number, type: Range["type"] = "float"): Range => ({
  ...{ arena: "a", offset, length, type },
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const codeOf = async (action: () => unknown): Promise<string> => {
  try {
    await action();
  } catch (error) {
    if (error instanceof LongshortError) return error.code;
    throw error;
  }
  return "no error";
};

/** Rows of a table [4, 40] by six indices. */
const gather: Plan = {
  launches: [
    {
      kernel: { op: "gather", rows: 6, vocabulary: 4, columns: 40 },
      operands: { indices: range(0, 6, "int"), table: range(6, 160), out: range(166, 240) },
    },
  ],
  arenas: { a: 406 },
  scalars: {},
};
const square = (n: number): Plan => {
  const kernel: Kernel = {
    ...{ op: "matmul", batch: 1, m: n, k: n, n, transposeA: false, transposeB: false, bias: false },
  };
  const operands = { a: range(0, n * n), b: range(n * n, n * n), out: range(2 * n * n, n * n) };
  return { launches: [{ kernel, operands }], arenas: { a: 3 * n * n }, scalars: {} };
};

/** The product of two matrices of ones: n everywhere. */
async function squares(options: WasmOptions, worth = all): Promise<{ result: number[]; threads: number }> {
  const machine = await openWasm(options, worth);
  const arena = machine.arena("a", 3 * 32 * 32);
  const prepared = await machine.prepare(square(32), { a: arena });
  machine.write(arena, range(0, 2 * 32 * 32), new Float32Array(2 * 32 * 32).fill(1));
  machine.run(prepared);
  const result = [...new Set(await machine.read(arena, range(2 * 32 * 32, 32 * 32)))];
  const { threads } = machine.limits;
  machine.close();
  return { result, threads };
}

test.each([
  ["of the thread that issues", 0],
  ["of a helper", 5],
])("an index outside of the table, in the share %s, stops all threads, and the next run goes well", async (_, bad) => {
  const machine = await openWasm({ threads: 3 }, all);
  const arena = machine.arena("a", 406);
  const prepared = await machine.prepare(gather, { a: arena });
  const indices = Int32Array.of(0, 3, 1, 2, 0, 3);
  const table = Float32Array.from({ length: 160 }, (_, k) => k);
  machine.write(arena, range(6, 160), table);
  for (let turn = 0; turn < 3; turn++) {
    machine.write(arena, range(0, 6, "int"), indices.with(bad, 4));
    expect(await codeOf(() => machine.run(prepared))).toBe("kernel-stopped");
    machine.write(arena, range(0, 6, "int"), indices);
    machine.run(prepared);
    const out = await machine.read(arena, range(166, 240));
    expect([0, 1, 2, 3, 4, 5].map((row) => out[40 * row])).toEqual([...indices].map((index) => 40 * index));
  }
  machine.close();
});

test("plans may be prepared and closed while others run; a closed machine ends its threads", async () => {
  const stopped: string[] = [];
  const start = platform.startThread;
  vi.spyOn(platform, "startThread").mockImplementation((source) => {
    const thread = start(source);
    const stop = (): void => {
      stopped.push("stopped");
      thread.stop();
    };
    return { ...thread, stop };
  });
  const machine = await openWasm({ threads: 3 }, all);
  const arena = machine.arena("a", 3 * 32 * 32);
  machine.write(arena, range(0, 2 * 32 * 32), new Float32Array(2 * 32 * 32).fill(1));
  const first = await machine.prepare(square(32), { a: arena });
  const others = [20, 21, 22, 23].map((n) => machine.prepare(square(n), { a: arena }));
  for (let k = 0; k < 40; k++) {
    machine.run(first);
    if (k % 10 === 0) (await others[k / 10 - 1])?.close();
  }
  for (const other of others.slice(3)) machine.run(await other);
  machine.write(arena, range(0, 2 * 32 * 32), new Float32Array(2 * 32 * 32).fill(1));
  machine.run(first);
  expect(new Set(await machine.read(arena, range(2 * 32 * 32, 32 * 32)))).toEqual(new Set([32]));
  expect(stopped).toEqual([]);
  machine.close();
  await vi.waitFor(() => expect(stopped).toEqual(["stopped", "stopped"]));
});

test("helpers are started by the first plan that is worth it, not before", async () => {
  const start = vi.spyOn(platform, "startThread");
  const machine = await openWasm({ threads: 2 });
  expect(machine.limits.threads).toBe(2);
  const arena = machine.arena("a", 3 * 256 * 256);
  machine.run(await machine.prepare(square(32), { a: arena }));
  expect(start).not.toHaveBeenCalled();
  machine.run(await machine.prepare(square(256), { a: arena }));
  machine.run(await machine.prepare(square(200), { a: arena }));
  expect(start).toHaveBeenCalledTimes(1);
  machine.close();
});

test("a host that gives fewer threads than were asked for gives none: those that were started end", async () => {
  const start = platform.startThread;
  const stop = vi.fn();
  vi.spyOn(platform, "startThread")
    .mockImplementationOnce((source) => {
      const thread = start(source);
      return { ...thread, stop: () => stop(thread.stop()) };
    })
    .mockImplementationOnce(() => {
      throw new Error("no more workers");
    });
  expect(await squares({ threads: 3 })).toEqual({ result: [32], threads: 1 });
  expect(stop).toHaveBeenCalled();
});

test("where a host refuses threads one thread does everything", async () => {
  const refusals: (() => ReturnType<typeof platform.startThread>)[] = [
    () => {
      throw new Error("no workers here");
    },
    // It dies while it starts, or as soon as it is spoken to.
    () => start("(() => { throw new Error('no'); })()"),
    () => start("() => () => process.exit(1)"),
  ];
  const start = platform.startThread;
  for (const refuse of refusals) {
    vi.spyOn(platform, "startThread").mockImplementation(refuse);
    expect(await squares({ threads: 3 })).toEqual({ result: [32], threads: 1 });
  }
});

test("a plan is ready when every thread has it; so long, and no longer, the process waits for them", async () => {
  const start = platform.startThread;
  const held: boolean[] = [];
  const letters: unknown[] = [];
  const late: (() => void)[] = [];
  let answers = true;
  vi.spyOn(platform, "startThread").mockImplementation((source) => {
    const [thread, at] = [start(source), held.length];
    held[at] = false;
    return {
      ...thread,
      post(letter) {
        letters.push((letter as { kind: unknown }).kind);
        thread.post(letter);
      },
      hold(on) {
        held[at] = on;
        thread.hold(on);
      },
      listen(onMessage, onError) {
        thread.listen((message) => {
          if (at === 0 || answers) onMessage(message);
          else late.push(() => onMessage(message));
        }, onError);
      },
    };
  });
  fakeTimers();
  const machine = await openWasm({ threads: 3 }, all);
  const arena = machine.arena("a", 3 * 32 * 32);
  await machine.prepare(square(32), { a: arena });
  answers = false;
  let ready = false;
  const preparing = machine.prepare(square(20), { a: arena }).then((plan) => {
    ready = true;
    return plan;
  });
  while (late.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect([ready, ...held]).toEqual([false, true, true]);
  answers = true;
  late[0]!();
  const plan = await preparing;
  machine.run(plan);
  expect(held).toEqual([false, false]);
  expect(vi.getTimerCount()).toBe(0);
  plan.close();
  // They forget it too.
  expect(letters.splice(0)).toEqual(["open", "add", "add", "remove"].flatMap((kind) => [kind, kind]));
  machine.close();
});

const fakeTimers = (): unknown =>
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });

test("a host that is silent is given up after ten seconds", async () => {
  const start = platform.startThread;
  vi.spyOn(platform, "startThread").mockImplementation(() => start("() => () => {}"));
  fakeTimers();
  const result = squares({ threads: 3 });
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await result).toEqual({ result: [32], threads: 1 });
});

test("seconds in which this thread was busy are not those of a silent one", async () => {
  const machine = await openWasm({ threads: 2 }, all);
  const arena = machine.arena("a", 3 * 32 * 32);
  const [first, second] = [
    await machine.prepare(square(32), { a: arena }),
    await machine.prepare(square(32), { a: arena }),
  ];
  fakeTimers();
  first.close();
  // However long nobody could look, a timer that is due goes off once, and may do so before messages are read.
  vi.advanceTimersToNextTimer();
  machine.run(second);
  machine.close();
});

test("a thread that has ended is told apart from a kernel that was stopped", async () => {
  const ended: ((error: unknown) => void)[] = [];
  const start = platform.startThread;
  vi.spyOn(platform, "startThread").mockImplementation((source) => {
    const thread = start(source);
    return {
      ...thread,
      listen(onMessage, onError) {
        ended.push(onError);
        thread.listen(onMessage, onError);
      },
    };
  });
  const machine = await openWasm({ threads: 2 }, all);
  const prepared = await machine.prepare(square(32), { a: machine.arena("a", 3 * 32 * 32) });
  machine.run(prepared);
  ended[0]!(new Error("it has ended"));
  expect(await codeOf(() => machine.run(prepared))).toBe("thread-lost");
  machine.close();
});

test("where threads cannot share memory one thread does everything", async () => {
  vi.stubGlobal("SharedArrayBuffer", undefined);
  expect(await squares({ threads: 3 })).toEqual({ result: [32], threads: 1 });
});

test("a host with little address space gives less shared memory, or memory that is not shared", async () => {
  const Given = WebAssembly.Memory;
  for (const [most, threads] of [
    [20_000, 2],
    [500, 1],
  ] as const) {
    vi.stubGlobal("WebAssembly", Object.create(WebAssembly));
    WebAssembly.Memory = class extends Given {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.shared && descriptor.maximum! > most) throw new RangeError("could not allocate memory");
        super(descriptor);
      }
    };
    expect(await squares({ threads: 2 })).toEqual({ result: [32], threads });
    const machine = await openWasm({ threads: 2 });
    if (threads === 2) {
      expect(machine.limits.bytes).toBe((16384 - 2) * 65536);
      expect(() => machine.arena("activations", 2 ** 28)).toThrow(
        /"activations" needs 1 GiB, .* at most 1023\.9 MiB left/,
      );
    }
    machine.close();
    vi.unstubAllGlobals();
  }
});

test("the number of threads: option, environment variable, neither", async () => {
  const threads = async (options?: WasmOptions): Promise<number> => {
    const machine = await openWasm(options);
    machine.close();
    return machine.limits.threads;
  };
  expect(await threads({ threads: 5 })).toBe(5);
  vi.stubEnv("LONGSHORT_THREADS", "3");
  expect(await threads()).toBe(3);
  expect(await threads({ threads: 1 })).toBe(1);
  for (const bad of ["two", "0", "1.5", "-1", "65"]) {
    vi.stubEnv("LONGSHORT_THREADS", bad);
    await expect(threads(), bad).rejects.toThrow(/LONGSHORT_THREADS: expected a whole number from 1 to 64/);
  }
  vi.stubEnv("LONGSHORT_THREADS", "");
  for (const [processors, expected] of [
    [1, 1],
    [4, 4],
    [6, 4],
    [12, 6],
    [64, 8],
    [undefined, 1],
  ] as const) {
    vi.spyOn(platform, "processors").mockReturnValue(processors);
    expect(await threads()).toBe(expected);
  }
  for (const bad of [0, 1.5, Number.NaN, 65, "2" as never])
    await expect(threads({ threads: bad }), String(bad)).rejects.toThrow(
      /openMachine: threads: expected a whole number from 1 to 64/,
    );
});

test("a plan in which nothing is shared is nobody else's: however often it runs, no thread falls behind", async () => {
  const machine = await openWasm({ threads: 3 }, all);
  const arena = machine.arena("a", 406);
  const alone: Plan = {
    launches: [
      {
        kernel: { op: "reduce", shape: [4], inputs: { x: [1] }, value: variable("x"), combine: "sum", over: [true] },
        operands: { x: range(6, 4), out: range(166, 1) },
      },
    ],
    arenas: { a: 406 },
    scalars: {},
  };
  const [sum, rows] = [await machine.prepare(alone, { a: arena }), await machine.prepare(gather, { a: arena })];
  const started = vi.spyOn(Atomics, "add");
  for (let turn = 0; turn < 1000; turn++) machine.run(sum);
  expect(started).not.toHaveBeenCalled();
  started.mockRestore();
  // A kernel that is stopped waits for all others to have stopped.
  machine.write(arena, range(0, 6, "int"), new Int32Array(6).fill(9));
  expect(await codeOf(() => machine.run(rows))).toBe("kernel-stopped");
  machine.close();
});
