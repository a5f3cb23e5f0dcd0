import { afterEach, expect, test, vi } from "vitest";
import { platform } from "#platform";
import type { Kernel, Plan, Range } from "../../../src/compute/plan.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";

/*
 * Threads that die, or that a machine loses by being closed: nobody waits for them without end.
 */

/** Patience of one second in the place of half a minute. */
vi.mock("../../../src/compute/wasm/work.ts", async (original) => ({
  ...(await original<typeof import("../../../src/compute/wasm/work.ts")>()),
  patienceFor: () => 1,
}));

afterEach(() => void vi.restoreAllMocks());

const range = (offset: number, length: number, type: Range["type"] = "float"): Range => ({
  ...{ arena: "a", offset, length, type },
});
const planOf = (kernel: Kernel, operands: Readonly<Record<string, Range>>): Plan => ({
  ...{ launches: [{ kernel, operands }], arenas: { a: 406 }, scalars: {} },
});
/** Rows of a table [4, 40] by six indices. */
const gather = planOf(
  { op: "gather", rows: 6, vocabulary: 4, columns: 40 },
  { indices: range(0, 6, "int"), table: range(6, 160), out: range(166, 240) },
);

async function open() {
  const machine = await openWasm({ threads: 3 }, { launch: 0, plan: 0 });
  const arena = machine.arena("a", 406);
  return { machine, arena, prepare: () => machine.prepare(gather, { a: arena }) };
}

/** Of the threads that are started the last one is late with its first job, and ends with its second, without a word. */
function lastOneDies(): void {
  const late = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)";
  const start = platform.startThread;
  let started = 0;
  vi.spyOn(platform, "startThread").mockImplementation((source) => {
    const mortal = source.replace("function perform() {", `$& if (jobs > 0) process.exit(1); else ${late};`);
    expect(mortal).not.toBe(source);
    return start(++started === 2 ? mortal : source);
  });
}

test.each([
  ["at a barrier", 0],
  ["after a kernel was stopped", 9],
])("a thread that dies is not waited for without end: %s", async (_, index) => {
  lastOneDies();
  const { machine, arena, prepare } = await open();
  const prepared = await prepare();
  machine.run(prepared);
  machine.write(arena, range(0, 6, "int"), new Int32Array(6).fill(index));
  for (let turn = 0; turn < 2; turn++)
    expect(() => machine.run(prepared)).toThrow(expect.objectContaining({ code: "thread-lost" }));
  // What is prepared now is for one thread.
  machine.write(arena, range(0, 166), new Float32Array(166).fill(2));
  machine.write(arena, range(0, 6, "int"), new Int32Array(6));
  machine.run(await prepare());
  expect(machine.limits.threads).toBe(1);
  expect(await machine.read(arena, range(166, 240))).toEqual(new Float32Array(240).fill(2));
  machine.close();
});

test("others wait for the thread that issues as long as it takes", async () => {
  const { machine, arena, prepare } = await open();
  const prepared = await prepare();
  machine.write(arena, range(6, 160), new Float32Array(160).fill(2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { notify } = Atomics;
  // It is held up behind waking them.
  const woke = vi.spyOn(Atomics, "notify").mockImplementationOnce((...what) => {
    const woken = notify(...what);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
    return woken;
  });
  machine.run(prepared);
  expect(woke).toHaveBeenCalled();
  expect(await machine.read(arena, range(166, 240))).toEqual(new Float32Array(240).fill(2));
  machine.close();
});

test("a machine that is closed while a plan is compiled says so to whoever prepares it", async () => {
  const { machine, prepare } = await open();
  await prepare();
  const { compile } = WebAssembly;
  vi.spyOn(WebAssembly, "compile").mockImplementation(async (bytes) => {
    machine.close();
    return compile(bytes as BufferSource);
  });
  await expect(prepare()).rejects.toMatchObject({ code: "closed" });
});

test("a machine that is closed before its first plan is printed starts no threads", async () => {
  const start = vi.spyOn(platform, "startThread");
  const { machine, prepare } = await open();
  const preparing = prepare();
  machine.close();
  await expect(preparing).rejects.toMatchObject({ code: "closed" });
  expect(start).not.toHaveBeenCalled();
});

test("a page that cannot fetch the code of the threads goes on alone", async () => {
  vi.doMock("../../../src/compute/wasm/helpers.ts", () => {
    throw new TypeError("Failed to fetch dynamically imported module");
  });
  const { machine, prepare } = await open();
  machine.run(await prepare());
  expect(machine.limits.threads).toBe(1);
  machine.close();
  vi.doUnmock("../../../src/compute/wasm/helpers.ts");
});
