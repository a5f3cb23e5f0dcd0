import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";
import { findTimeColumns } from "../../src/data/time-columns.ts";

const file = (name: string, text: string) => new File([text], name);
const found = (text: string, taken: readonly string[] = [], name = "t.csv") =>
  findTimeColumns(file(name, text), { taken });

test.each<[string, string, readonly string[] | undefined]>([
  ["days", "day,y\n2024-01-01,1\n2024-01-02,2\n", ["day"]],
  ["months in quotation marks", '"Month";"y"\n"1949-01";1,5\n"1949-02";2\n', ["Month"]],
  ["clocks with offsets", "y\tat\n1\t2024-01-01T10:00:00+02:00\n", ["at"]],
  ["parts of a date", "No,Year,month,day,hour,y\n1,2010,1,1,0,5\n", ["Year", "month", "day", "hour"]],
  ["a year alone", "year,y\n2010,1\n", undefined],
  ["two columns of dates", "from,to,y\n2024-01-01,2024-01-02,1\n", undefined],
  ["a date that is missing", "day,y\n2024-01-01,1\n,2\n", undefined],
  ["numbers that could be dates", "id,y\n20240131,1\n1700000000,2016.07\n", undefined],
  ["numbers with a point", "a,y\n2016.07,1\n2016.08,2\n", undefined],
  ["no header", "1,2\n3,4\n", undefined],
  ["a header alone", "day,y\n", undefined],
])("%s", async (_, text, wanted) => expect(await found(text)).toEqual(wanted));

test("columns that are something else are left out", async () => {
  expect(await found("from,to,y\n2024-01-01,2024-01-02,1\n", ["to"])).toEqual(["from"]);
});

test("JSON lines", async () => {
  expect(await found('{"y":1,"at":"2024-01-01"}\n{"y":2,"at":"2024-01-02"}\n', [], "t.jsonl")).toEqual(["at"]);
});

test("Parquet: times and texts that are dates, not numbers; nested columns are no columns", async () => {
  const parquet = (columnData: ColumnSource[]) =>
    findTimeColumns(new File([parquetWriteBuffer({ columnData })], "t.parquet"), { taken: [] });
  const y = { name: "y", data: [1, 2], type: "DOUBLE" as const };
  const days = ["2024-01-01", "2024-01-02"];
  expect(await parquet([y, { name: "day", data: days, type: "STRING" }])).toEqual(["day"]);
  expect(await parquet([{ name: "at", data: days.map((d) => new Date(d)), type: "TIMESTAMP" }, y])).toEqual(["at"]);
  expect(await parquet([y, { name: "n", data: [20240101, 20240102], type: "INT32" }])).toBeUndefined();
  const nested = { name: "more", data: [{ day: "2024-01-01" }, { day: "2024-01-02" }], type: "JSON" as const };
  expect(await parquet([nested, { name: "day", data: days, type: "STRING" }, y])).toEqual(["day"]);
  await expect(findTimeColumns(file("t.parquet", "PAR1"), { taken: [] })).rejects.toMatchObject({
    code: "bad-parquet",
  });
});
