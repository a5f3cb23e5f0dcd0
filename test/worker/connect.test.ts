import { afterEach, describe, expect, test, vi } from "vitest";
import type { Cell } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { openMachine } from "../../src/compute/open.ts";
import { gradientFlow } from "../../src/explain/gradient-flow.ts";
import { connectWorker } from "../../src/worker/connect.ts";
import { serveWorker } from "../../src/worker/serve.ts";
import { workerHere } from "./worker-here.ts";

/** A worker that says what it is told to. */
class FakeWorker extends EventTarget {
  postMessage(message: unknown): void {
    structuredClone(message);
  }
  terminated = false;
  terminate(): void {
    this.terminated = true;
  }
  breakDown(message: string): void {
    this.dispatchEvent(Object.assign(new Event("error"), { message }));
  }
  say(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

afterEach(() => void vi.unstubAllGlobals());

test("a worker that does not hand over itself is told how", () => {
  // In plain JavaScript it is easily left out.
  expect(() => (serveWorker as () => void)()).toThrow(
    /scope: expected the worker's own self, serveWorker\(self\), got nothing/,
  );
  for (const half of [{ addEventListener() {} }, { postMessage() {} }])
    expect(() => serveWorker(half as never)).toThrow(expect.objectContaining({ code: "bad-option" }));
});

test("what is no call to the worker is not answered: a page may send its worker other messages too", async () => {
  const said: unknown[] = [];
  let hear: (event: { data: unknown }) => void = () => undefined;
  serveWorker({
    postMessage: (message) => void said.push(message),
    addEventListener: (type, listener) => {
      expect(type).toBe("message");
      hear = listener;
    },
  });
  for (const data of [undefined, "stop", { call: 7, number: 1 }, { call: "stop", number: 2, given: {} }])
    hear({ data });
  await expect.poll(() => said).toEqual([{ number: 2, back: undefined }]);
});

describe("a call with a signal", () => {
  const reason = new Error("the dialog was closed");

  test("rejects with its reason, and the worker is told; an answer that comes all the same is nothing", async () => {
    const worker = new FakeWorker();
    const posted = vi.spyOn(worker, "postMessage");
    const client = connectWorker(worker as unknown as Worker);
    const controller = new AbortController();
    const { signal } = controller;
    const call = (how?: { signal: AbortSignal }) => client.call("stop", {}, how);
    const [aborted, other] = [call({ signal }), call()];
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    worker.say({ number: 1, back: undefined });
    worker.say({ number: 2, back: undefined });
    await expect(other).resolves.toBeUndefined();
    await expect(call({ signal })).rejects.toBe(reason);
    expect(posted.mock.calls.map(([message]) => message)).toEqual([
      { call: "stop", number: 1, given: {} },
      { call: "stop", number: 2, given: {} },
      { abort: 1 },
    ]);
  });

  test("is over once it is answered or failed: an abort then is told to nobody", async () => {
    const worker = new FakeWorker();
    const client = connectWorker(worker as unknown as Worker);
    const controller = new AbortController();
    const calls = [1, 2].map(() => client.call("stop", {}, { signal: controller.signal }));
    worker.say({ number: 1, back: undefined });
    worker.say({ number: 2, error: { code: "closed", message: "none" } });
    await Promise.allSettled(calls);
    const posted = vi.spyOn(worker, "postMessage");
    controller.abort(reason);
    expect(posted).not.toHaveBeenCalled();
    await expect(calls[0]).resolves.toBeUndefined();
  });
});

describe("a page that talks to its worker", () => {
  test("fails a call to a worker that was closed", async () => {
    const client = workerHere();
    await client.call("stop", {});
    client.close();
    await expect(client.call("stop", {})).rejects.toMatchObject({ code: "worker-failed", message: /was closed/ });
  });

  test("is told by code and message what a call failed of, also one that there is not", async () => {
    const client = workerHere();
    await expect(client.call("read", { id: 7, text: "a" })).rejects.toMatchObject({
      ...{ name: "FailureError", code: "closed", message: "model 7 is not open" },
    });
    for (const name of ["fly", "toString", "constructor"])
      await expect(client.call(name as "stop", {})).rejects.toMatchObject({
        ...{ code: "unknown-choice", message: `this worker knows no call "${name}"` },
      });
    await expect(client.call("train", undefined as never)).rejects.toMatchObject({ code: "unexpected" });
    client.close();
  });

  test("goes on with a worker that stumbled once; who waited then is told", async () => {
    const worker = new FakeWorker();
    const client = connectWorker(worker as unknown as Worker);
    const first = client.call("stop", {});
    worker.say({ number: 1, back: undefined });
    await expect(first).resolves.toBeUndefined();
    const waiting = client.call("pause", {});
    worker.breakDown("");
    await expect(waiting).rejects.toMatchObject({ code: "worker-failed", message: /refuses workers/ });
    const [one, other] = [client.call("resume", {}), client.call("step", {})];
    // The worker's own code, in any order; an answer that nobody waits for is nothing.
    worker.say({ number: 2, back: "late" });
    worker.say({ number: 4, error: { code: "no-training", message: "none" } });
    worker.say({ number: 3, back: undefined });
    await expect(other).rejects.toMatchObject({ code: "no-training", message: "none" });
    await expect(one).resolves.toBeUndefined();
  });

  test("fails calls to a worker that did not start, also later ones", async () => {
    const worker = new FakeWorker();
    const client = connectWorker(worker as unknown as Worker);
    const asked = client.call("stop", {});
    worker.breakDown("no such file");
    for (const call of [asked, client.call("stop", {})])
      await expect(call).rejects.toMatchObject({ code: "worker-failed", message: /no such file/ });
    client.close();
    expect(worker.terminated).toBe(true);
  });

  test("fails a call whose answer it cannot read, and goes on", async () => {
    const worker = new FakeWorker();
    const client = connectWorker(worker as unknown as Worker);
    const asked = client.call("stop", {});
    worker.dispatchEvent(new Event("messageerror"));
    await expect(asked).rejects.toMatchObject({ code: "worker-failed", message: /no room for/ });
    const next = client.call("stop", {});
    worker.say({ number: 2, back: undefined });
    await expect(next).resolves.toBeUndefined();
  });

  test("hears how a training goes, and how it ended", () => {
    const worker = new FakeWorker();
    const client = connectWorker(worker as unknown as Worker);
    const [progress, ended] = [{ step: 3 }, { code: "diverged", message: "no number" }];
    worker.say({ progress });
    [client.onProgress, client.onEnd] = [vi.fn(), vi.fn()];
    worker.say({ progress });
    expect(client.onProgress).toHaveBeenCalledExactlyOnceWith(progress);
    expect(client.onEnd).not.toHaveBeenCalled();
    worker.say({ ended });
    expect(client.onEnd).toHaveBeenLastCalledWith(expect.objectContaining({ name: "FailureError", ...ended }));
    worker.say({ ended: undefined });
    expect(client.onEnd).toHaveBeenLastCalledWith(undefined);
  });

  test("may ask again where the host had no memory for a machine", async () => {
    const client = workerHere();
    const given = { cells: ["gru", "lstm"], hiddenSize: 3, steps: 2, scale: 2, forgetBias: 3, seed: 1 };
    const Given = WebAssembly.Memory;
    vi.stubGlobal("WebAssembly", Object.create(WebAssembly));
    WebAssembly.Memory = class extends Given {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.maximum! > 1) throw new RangeError("no memory");
        super(descriptor);
      }
    };
    await expect(client.call("flow", given)).rejects.toMatchObject({ code: "out-of-memory" });
    vi.unstubAllGlobals();
    // The bias is that of the gate that keeps.
    const { scale, steps, hiddenSize, seed } = given;
    using machine = await openMachine("wasm", { threads: 1 });
    const flowOf = (cell: Cell, bias: Record<string, number>) =>
      gradientFlow({ machine, cell, bias, scale, steps, hiddenSize, seed });
    expect(await client.call("flow", given)).toEqual({
      gru: await flowOf(gru(), { z: 3 }),
      lstm: await flowOf(lstm(), { f: 3 }),
    });
    client.close();
  });

  test("fails a call whose values cannot be sent, and answers others", async () => {
    const client = workerHere();
    await expect(client.call("read", { id: 1, text: (() => "") as never })).rejects.toThrow(/could not be cloned/);
    await expect(client.call("stop", {})).resolves.toBeUndefined();
    client.close();
  });
});
