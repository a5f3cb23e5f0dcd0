import { type Fields, flagName } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";

/**
 * What was asked for and would change nothing, for want of what it belongs to, is a mistake. A value that is the default asks for nothing:
 * a run's config.json names every setting.
 *
 * @throws UsageError "bad-option"
 */
export function expectNeeds(fields: Fields, values: Readonly<Record<string, unknown>>): void {
  for (const [key, field] of Object.entries(fields)) {
    const { needs } = field;
    if (!needs || values[key] === field.default || !Object.hasOwn(fields, needs.key)) continue;
    const other = fields[needs.key]!;
    const has = values[needs.key];
    if (needs.values ? needs.values.includes(has) : has !== other.default) continue;
    const [flag, wanted] = [`--${flagName(key, field)}`, `--${flagName(needs.key, other)}`];
    const asked = needs.values ? `${wanted} ${needs.values.join(" or ")}` : wanted;
    throw new UsageError(
      "bad-option",
      has === undefined || !needs.values
        ? `${flag}: give ${asked} as well`
        : `${flag}: it changes nothing beside ${wanted} ${String(has)}; give ${asked}, or leave it out`,
    );
  }
}
