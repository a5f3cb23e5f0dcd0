import { expect, test } from "vitest";
import { forecastRows } from "../../src/cli/forecast-table.ts";
import { parseStep } from "../../src/data/time-step.ts";
import { timeZone } from "../../src/data/time-zone.ts";

const rowsOf = (step: string, zone: string, ...times: number[]) => {
  const targets = { y: { point: Float64Array.from(times), quantiles: [] } };
  const forecast = { id: "", origin: 5, times: Float64Array.from(times), targets };
  return forecastRows([forecast], { step: parseStep(step), zone: timeZone(zone) }).map(({ time }) => time);
};

test("the times of a table are written alike, as they are read", () => {
  const [eleven, midnight] = [Date.UTC(2024, 2, 9, 23), Date.UTC(2024, 2, 10)];
  expect(rowsOf("1h", "UTC", eleven, midnight)).toEqual(["2024-03-09T23:00:00Z", "2024-03-10T00:00:00Z"]);
  expect(rowsOf("1d", "UTC", midnight)).toEqual(["2024-03-10"]);
  // Days there begin at 5 o'clock in Greenwich, from the change of clocks on at 4.
  const days = [Date.UTC(2024, 2, 10, 5), Date.UTC(2024, 2, 11, 4)];
  expect(rowsOf("1d", "America/New_York", ...days)).toEqual(["2024-03-10", "2024-03-11"]);
  expect(rowsOf("1d", "America/New_York", midnight)).toEqual(["2024-03-10T00:00:00Z"]);
});
