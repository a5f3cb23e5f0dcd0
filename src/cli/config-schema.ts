import { z } from "zod";
import type { Field, Fields } from "../schema/fields.ts";
import type { Kind } from "../schema/kinds.ts";

/** The fields of a config file as one zod object: unknown keys are mistakes, everything may be left out. */
export function documentSchema(fields: Fields): z.ZodObject {
  const entries = Object.entries(fields).map(([key, field]) => [key, described(field).optional()] as const);
  return z.strictObject({ $schema: z.string().optional(), ...Object.fromEntries(entries) });
}

/** The JSON schema of a config file, with which editors complete and check it while it is written. @public */
export const jsonSchema = (title: string, fields: Fields): object => ({
  title,
  ...z.toJSONSchema(documentSchema(fields), { io: "input" }),
});

const described = ({ about, kind, default: fallback, otherwise }: Field): z.ZodType =>
  zodOf(kind).meta({
    description: otherwise === undefined ? about : `${about} (default: ${otherwise})`,
    ...(fallback !== undefined && { default: fallback }),
  });

function zodOf(kind: Kind): z.ZodType {
  switch (kind.type) {
    case "integer": {
      const { min, max } = kind;
      return z.int().check(...(min === undefined ? [] : [z.gte(min)]), ...(max === undefined ? [] : [z.lte(max)]));
    }
    case "number": {
      const { min, above, max, below } = kind;
      return z
        .number()
        .check(
          ...(min === undefined ? [] : [z.gte(min)]),
          ...(above === undefined ? [] : [z.gt(above)]),
          ...(max === undefined ? [] : [z.lte(max)]),
          ...(below === undefined ? [] : [z.lt(below)]),
        );
    }
    case "choice":
      return z.enum(kind.names as [string, ...string[]]);
    case "text":
      return z.string();
    case "switch":
      return z.boolean();
    case "infinity":
      return z.never();
    case "list":
      return z.array(zodOf(kind.of)).min(1);
    case "either":
      return z.union([zodOf(kind.of[0]), zodOf(kind.of[1])]);
  }
}
