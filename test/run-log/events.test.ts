import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openEventFile } from "../../src/cli/event-file.ts";
import { crc32c, maskedCrc32c } from "../../src/formats/crc32c.ts";
import { record, wholeRecords } from "../../src/run-log/record.ts";
import { DataClass, DataType, SessionLog_SessionStatus } from "./proto/event_pb.js";
import { crc32cByBits, readEvents } from "./read-events.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-events-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("CRC-32C", () => {
  it("has the values of RFC 3720, appendix B.4", () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, k) => k);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(ascending)).toBe(0x46dd794e);
    expect(crc32c(ascending.toReversed())).toBe(0x113fdb5c);
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
    expect([crc32cByBits(ascending), crc32cByBits(new Uint8Array(32))]).toEqual([0x46dd794e, 0x8a9136aa]);
  });

  it("is turned and moved in a record", () =>
    // Twelve bytes that every event file begins with, for its first record has 24 bytes.
    expect(maskedCrc32c(Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0))).toBe(0x224b7fa3));
});

describe("records", () => {
  it("are counted as far as they are whole, whatever byte is wrong", () => {
    const [first, second] = [record(Uint8Array.of(1, 2, 3)), record(new Uint8Array(0))];
    const both = Uint8Array.from([...first, ...second]);
    expect(wholeRecords(both)).toBe(both.length);
    for (let cut = 0; cut < both.length; cut++)
      expect(wholeRecords(both.subarray(0, cut))).toBe(cut < first.length ? 0 : first.length);
    for (let at = first.length; at < both.length; at++) {
      const damaged = both.slice();
      damaged[at]! ^= 1;
      expect(wholeRecords(damaged)).toBe(first.length);
    }
  });
});

describe("an event file", () => {
  let now = 1_700_000_000_500;
  const open = () => openEventFile(join(folder, "tensorboard"), () => now);

  it("says what was written, read by code that was generated from the schema", () => {
    const file = open();
    expect(file.path).toMatch(/events\.out\.tfevents\.1700000000\.longshort$/);
    file.start(0);
    file.scalars(5, { "loss/train": 1.5, "speed/tokens per second": 1e6 });
    file.scalars(6, {});
    file.text(300, "sample", "it was – 李白 *");
    const events = readEvents(Uint8Array.from(readFileSync(file.path)));
    expect(events.map(({ what }) => what.case)).toEqual(["fileVersion", "sessionLog", "summary", "summary"]);
    const [version, start, scalars, text] = events;
    expect(version).toMatchObject({ wallTime: 1_700_000_000.5, step: 0n, what: { value: "brain.Event:2" } });
    expect(start).toMatchObject({ step: 0n, what: { value: { status: SessionLog_SessionStatus.START } } });
    expect(scalars).toMatchObject({ step: 5n, wallTime: 1_700_000_000.5 });
    expect(scalars!.what.value).toMatchObject({
      value: [
        { tag: "loss/train", value: { case: "simpleValue", value: 1.5 } },
        { tag: "speed/tokens per second", value: { case: "simpleValue", value: 1e6 } },
      ],
    });
    expect(text).toMatchObject({ step: 300n });
    expect(text!.what.value).toMatchObject({
      value: [
        {
          tag: "sample",
          metadata: { pluginData: { pluginName: "text" }, dataClass: DataClass.TENSOR },
          value: {
            case: "tensor",
            value: {
              dtype: DataType.DT_STRING,
              tensorShape: { dim: [{ size: 1n }] },
              stringVal: [new TextEncoder().encode("it was – 李白 *")],
            },
          },
        },
      ],
    });
    expect(JSON.stringify(events, (_, one) => (typeof one === "bigint" ? Number(one) : one))).not.toContain("$unknown");
  });

  it("goes on in the same file, behind what is whole of it", () => {
    const { path } = open();
    const before = readFileSync(path);
    appendFileSync(path, record(new Uint8Array(40)).subarray(0, 33));
    now += 60_000;
    const again = open();
    expect(again.path).toBe(path);
    again.start(300);
    const events = readEvents(readFileSync(path));
    expect(readFileSync(path).subarray(0, before.length).equals(before)).toBe(true);
    expect(events).toHaveLength(5);
    expect(events.at(-1)).toMatchObject({ step: 300n, what: { case: "sessionLog" } });
  });

  it("begins anew where nothing of it is whole", () => {
    const { path } = open();
    writeFileSync(path, "nonsense");
    expect(open().path).toBe(path);
    expect(readEvents(readFileSync(path))).toHaveLength(1);
  });
});
