import { expect, test } from "vitest";
import { MetricsFile } from "../../src/checkpoint/metrics-file.ts";
import type { FileLayer } from "../../src/platform/files.ts";

test("a line that is added while others are written is written with the next ones", async () => {
  let stored = "";
  const files: Pick<FileLayer, "size" | "append" | "sync"> = {
    size: async () => stored.length,
    append: async (_, lines) => {
      metrics.add({ step: 2 });
      stored += lines;
    },
    sync: async () => undefined,
  };
  const { metrics } = await MetricsFile.open(files as FileLayer, "metrics.jsonl", 0);
  metrics.add({ step: 1 });
  expect(await metrics.flush()).toBe(stored.length);
  files.append = async (_, lines) => {
    stored += lines;
  };
  expect(await metrics.flush()).toBe(stored.length);
  expect(stored).toBe('{"step":1}\n{"step":2}\n');
});
