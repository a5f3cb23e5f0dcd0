import { describe, expect, it } from "vitest";
import { ofFile } from "../../src/checkpoint/of-file.ts";
import { FailureError, ShapeError, UsageError } from "../../src/shared/errors.ts";

const thrown = (error: Error): unknown => {
  try {
    return ofFile("runs/a/model.safetensors", () => {
      throw error;
    });
  } catch (caught) {
    return caught;
  }
};

describe("what is wrong in a file", () => {
  it.each([
    new UsageError("bad-config", "model: expected an object"),
    new ShapeError("shape-mismatch", "model: expected an object"),
    new FailureError("bad-config", "model: expected an object"),
    new FailureError("bad-config", "runs/a/model.safetensors: model: expected an object"),
  ])("is a failure that names the file once: $name $message", (error) => {
    const caught = thrown(error);
    expect(caught).toBeInstanceOf(FailureError);
    expect(caught).toMatchObject({
      ...{ code: error.code, cause: error, message: "runs/a/model.safetensors: model: expected an object" },
    });
  });

  it("stays as it is where a cell of the caller's is missing, or the program is wrong", () => {
    for (const error of [new UsageError("unknown-cell", "pass it in cells"), new TypeError("x is undefined")])
      expect(thrown(error)).toBe(error);
  });
});
