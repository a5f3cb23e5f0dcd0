import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { forecastCsv, forecastRows } from "../../src/cli/forecast-table.ts";
import { parquetOf } from "../../src/cli/parquet.ts";
import { parseStep } from "../../src/data/time-step.ts";
import { timeZone } from "../../src/data/time-zone.ts";

const rowsOf = (step: string, zone: string, ...times: number[]) => {
  const targets = { y: { point: Float64Array.from(times), quantiles: [] } };
  const forecast = { id: "", origin: 5, times: Float64Array.from(times), targets };
  return forecastRows([forecast], { step: parseStep(step), timeZone: timeZone(zone) }).map(({ time }) => time);
};

test("the times of a table are written alike, as they are read", () => {
  const [eleven, midnight] = [Date.UTC(2024, 2, 9, 23), Date.UTC(2024, 2, 10)];
  expect(rowsOf("1h", "UTC", eleven, midnight)).toEqual(["2024-03-09T23:00:00Z", "2024-03-10T00:00:00Z"]);
  expect(rowsOf("1d", "UTC", midnight)).toEqual(["2024-03-10"]);
  // Days there begin at 5 o'clock in Greenwich, from the change of clocks on at 4.
  const days = [Date.UTC(2024, 2, 10, 5), Date.UTC(2024, 2, 11, 4)];
  expect(rowsOf("1d", "America/New_York", ...days)).toEqual(["2024-03-10", "2024-03-11"]);
  expect(rowsOf("1d", "America/New_York", midnight)).toEqual(["2024-03-10T00:00:00Z"]);
  // One that is no beginning of a day, or hours that happen to be midnights: none is written as a day.
  expect(rowsOf("1d", "UTC", midnight, eleven)).toEqual(["2024-03-10T00:00:00Z", "2024-03-09T23:00:00Z"]);
  expect(rowsOf("1h", "UTC", midnight)).toEqual(["2024-03-10T00:00:00Z"]);
});

test("a table has the columns that tell something: several series by name, steps from 1 without times, quantiles", () => {
  const quantiles = [{ level: 0.1, values: Float64Array.of(-1, 1e-9) }];
  const point = Float64Array.of(Math.fround(0.1), 123456789);
  const forecast = (id: string, more: object = {}) => ({
    ...{ id, origin: 5, times: undefined },
    targets: { y: { point, quantiles: [], ...more } },
  });
  const csv = (...forecasts: ReturnType<typeof forecast>[]): string =>
    forecastCsv(forecastRows(forecasts, { step: undefined, timeZone: timeZone("UTC") }));
  expect(csv(forecast(""))).toBe("time,target,value\n6,y,0.1\n7,y,123456800\n");
  expect(csv(forecast("a", { quantiles }), forecast("", { quantiles }))).toBe(
    [
      "series,time,target,value,q0.1",
      "a,6,y,0.1,-1",
      "a,7,y,123456800,1e-9",
      ",6,y,0.1,-1",
      ",7,y,123456800,1e-9",
      "",
    ].join("\n"),
  );
  expect(csv()).toBe("time,target,value\n");
});

// What pandas, polars and pyarrow read of such a file: datetime64, with UTC where moments are written, and int32.
test.each([
  ["days", ["2024-03-10", "1969-12-31"], { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MILLIS" }],
  [
    "moments",
    ["2024-03-10T05:00:00Z", "1960-03-10T05:00:00.250Z"],
    { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
  ],
  ["steps", ["9", "10"], undefined],
])("in Parquet %s are times or numbers, no text", async (_, times, logical_type) => {
  const rows = times.map((time) => ({ series: "", time, target: "y", value: 0.1, quantiles: {} }));
  const file = (await parquetOf(rows)).slice().buffer;
  expect(parquetMetadata(file).schema.find(({ name }) => name === "time")?.logical_type).toEqual(logical_type);
  const found = await parquetReadObjects({ file });
  expect(found).toEqual(
    rows.map(({ quantiles, time, ...row }) => ({ ...row, time: logical_type ? new Date(time) : Number(time) })),
  );
});
