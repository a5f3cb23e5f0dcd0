import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { relay } from "../../src/train/relay.ts";

type Work = Parameters<typeof relay<number, string>>[0];

async function all(work: Work, outer?: AbortSignal): Promise<{ told: number[]; result: string }> {
  const told: number[] = [];
  const events = relay(work, outer);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { told, result: value };
    told.push(value);
  }
}

describe("what a work tells", () => {
  test("comes in its order, the work standing still until it was handled, and then its result", async () => {
    let at = 0;
    const events = relay<number, string>(async (tell) => {
      for (at = 1; at <= 3; at++) await tell(at);
      return "done";
    });
    for (const expected of [1, 2, 3]) {
      expect(await events.next()).toEqual({ done: false, value: expected });
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      expect(at).toBe(expected);
    }
    expect(await events.next()).toEqual({ done: true, value: "done" });
  });

  test("is nothing where it tells nothing", async () => {
    expect(await all(async () => "done")).toEqual({ told: [], result: "done" });
  });

  test("ends with the error of the work", async () => {
    const work: Work = async (tell) => {
      await tell(1);
      throw new Error("broken");
    };
    await expect(all(work)).rejects.toThrow("broken");
    await expect(all(() => Promise.reject(new Error("at once")))).rejects.toThrow("at once");
  });

  test("ends the work where its reader leaves, and waits for it", async () => {
    let ended = "";
    const work: Work = async (tell, signal) => {
      for (let k = 0; !signal.aborted; k++) await tell(k);
      await setImmediate();
      ended = "after all";
      return ended;
    };
    for await (const event of relay(work)) if (event === 2) break;
    expect(ended).toBe("after all");
  });

  test("hands on a signal, also one that was aborted before", async () => {
    const controller = new AbortController();
    const work: Work = async (tell, signal) => {
      for (let k = 0; k < 9 && !signal.aborted; k++) {
        await tell(k);
        if (k === 1) controller.abort();
      }
      return signal.aborted ? "aborted" : "done";
    };
    expect(await all(work, controller.signal)).toEqual({ told: [0, 1], result: "aborted" });
    expect(await all(work, AbortSignal.abort())).toEqual({ told: [], result: "aborted" });
  });
});
