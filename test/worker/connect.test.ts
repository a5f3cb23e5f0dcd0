import { describe, expect, test } from "vitest";
import { connectWorker } from "../../src/worker/connect.ts";
import { serveWorker } from "../../src/worker/serve.ts";
import { workerHere } from "./worker-here.ts";

/** A worker that says what it is told to. */
class FakeWorker extends EventTarget {
  postMessage(message: unknown): void {
    structuredClone(message);
  }
  terminate(): void {
    // Nothing runs.
  }
  breakDown(message: string): void {
    this.dispatchEvent(Object.assign(new Event("error"), { message }));
  }
}

test("a worker that does not hand over itself is told how", () => {
  // In plain JavaScript it is easily left out.
  expect(() => (serveWorker as () => void)()).toThrow(
    /scope: expected the worker's own self, serveWorker\(self\), got nothing/,
  );
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
    const said = (data: unknown) => worker.dispatchEvent(Object.assign(new Event("message"), { data }));
    const first = client.call("stop", {});
    said({ number: 1, back: undefined });
    await expect(first).resolves.toBeUndefined();
    const waiting = client.call("pause", {});
    worker.breakDown("");
    await expect(waiting).rejects.toMatchObject({ code: "worker-failed", message: /refuses workers/ });
    const [one, other] = [client.call("resume", {}), client.call("step", {})];
    // The worker's own code, in any order; an answer that nobody waits for is nothing.
    said({ number: 2, back: "late" });
    said({ number: 4, error: { code: "no-training", message: "none" } });
    said({ number: 3, back: undefined });
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
  });

  test("fails a call whose values cannot be sent, and answers others", async () => {
    const client = workerHere();
    await expect(client.call("read", { id: 1, text: (() => "") as never })).rejects.toThrow(/could not be cloned/);
    await expect(client.call("stop", {})).resolves.toBeUndefined();
    client.close();
  });
});
