import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { cellRoom } from "./cell.ts";
import { everyRoom } from "./every-room.ts";
import { hosts } from "./host.ts";
import { lessonsRoom } from "./lessons.ts";
import { narrowPages } from "./narrow-pages.ts";
import { openPlayground, type Playground } from "./playground.ts";
import { inspectReport } from "./report.ts";
import { sequenceRoom } from "./sequence.ts";
import { trainingRoom } from "./training.ts";

/*
 * The playground in a real browser: each room is opened and used, and the numbers that it shows are compared with the
 * library's own, computed here. One build and one browser serve all tests.
 */
describe("the playground", () => {
  let playground: Playground | undefined;

  beforeAll(async () => {
    if (chromiumPath) playground = await openPlayground();
  }, 120_000);

  afterAll(() => playground?.close());

  beforeEach((context) => {
    if (!chromiumPath) context.skip("Chromium is not installed (apt-get install chromium, or its path in CHROMIUM)");
  });

  const of = (): Playground => playground!;
  cellRoom(of);
  sequenceRoom(of);
  trainingRoom(of);
  lessonsRoom(of);
  inspectReport(of);
  narrowPages(of);
  hosts(of);
  everyRoom(of);
});
