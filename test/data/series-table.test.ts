import { expect, test } from "vitest";
import { readSeriesTable } from "../../src/data/series-table.ts";

const file = (...rows: string[]): Blob => new Blob([["id,t,x,y,kind", ...rows].map((row) => `${row}\n`).join("")]);
const table = file("a,2,1,10,up", "b,1,5,50,down", "a,1,2,20,up", "a,3,3,30,up");
const columns = { channels: ["y", "x"], series: "id" };

test("the rows of a series are its steps, its channels in the order they are asked for", async () => {
  const { inputs, labels, places } = await readSeriesTable(table, { ...columns, label: "kind" });
  expect(inputs).toEqual([
    { channels: 2, values: Float64Array.of(10, 1, 20, 2, 30, 3) },
    { channels: 2, values: Float64Array.of(50, 5) },
  ]);
  expect(labels).toEqual(["up", "down"]);
  expect(places).toEqual([expect.stringMatching(/, series "a"$/), expect.stringMatching(/, series "b"$/)]);
});

test("with a time they are in its order; without a label column series alone are read", async () => {
  const days = file("a,2024-01-02,1,10,up", "a,2024-01-01,2,20,up");
  const read = await readSeriesTable(days, { ...columns, channels: ["x"], time: "t" });
  expect(read.inputs).toEqual([{ channels: 1, values: Float64Array.of(2, 1) }]);
  expect("labels" in read).toBe(false);
});

test.each([
  [
    "a value that is missing",
    ["a,1,,1,up", "a,2,1,1,up"],
    "missing-value",
    /series "a": column "x" has no value at step 1/,
  ],
  ["two labels of one series", ["a,1,1,1,up", "a,2,1,1,down"], "category-changes", /kind/],
  ["a series without a label", ["a,1,1,1,up", "b,1,1,1,"], "no-label", /series "b": expected a label in column "kind"/],
  ["text for a number", ["a,1,x,1,up"], "not-a-number", /"x"/],
])("%s is refused", async (_, rows, code, message) => {
  const reading = readSeriesTable(file(...rows), { ...columns, label: "kind" });
  await expect(reading).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
