import { Command, type ErrorOptions } from "commander";
import { type Field, type Fields, flagName, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { readConfigFile } from "./config-file.ts";
import { addArguments, fieldOptions } from "./field-option.ts";
import type { Io } from "./io.ts";
import { expectNeeds } from "./needs.ts";

export interface CommandDefinition<F extends Fields> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Whole sentences for `--help`. */
  readonly description: string;
  /** Flags and words without a flag: everything else about them is derived. */
  readonly fields: F;
  /** Offers `--config FILE` for those of `fields` that are settings and not about this one call. */
  readonly config?: Fields;
  /** Commands to copy, without the program's name. */
  readonly examples: readonly string[];
  readonly run: (values: ValuesOf<F>) => Promise<void>;
}

/** A command that knows its definition: the reference page is printed from it. */
export class DefinedCommand extends Command {
  readonly definition: CommandDefinition<Fields>;

  constructor(definition: CommandDefinition<Fields>) {
    super(definition.name);
    this.definition = definition;
  }

  /** A word that is missing is said with what it is; an option that there is not, with those that begin or end so, or with where they are listed. */
  override error(message: string, options?: ErrorOptions): never {
    const { fields } = this.definition;
    const [, unknown] = /^error: unknown option '-*([^'=]+).*'$/.exec(message) ?? [];
    if (options?.code === "commander.unknownOption" && unknown) {
      const names = this.options.flatMap(({ long }) => long ?? []);
      const alike = names.filter((name) => name.startsWith(`--${unknown}`) || name.endsWith(`-${unknown}`));
      return super.error(
        `${message}; ${alike.length > 0 ? `did you mean ${alike.join(" or ")}?` : "--help lists those that there are"}`,
        options,
      );
    }
    const word =
      options?.code === "commander.missingArgument"
        ? Object.entries(fields).find(([key, { positional, unit = key }]) => positional && message.includes(`'${unit}`))
        : undefined;
    return super.error(word ? `error: ${missing(...word).message}` : message, options);
  }
}

/** A command of its definition. A value comes from the flag, else from the config file, else from the field's default. */
export function defineCommand<const F extends Fields>(io: Io, definition: CommandDefinition<F>): DefinedCommand {
  const { config, examples } = definition;
  const fields: Fields = definition.fields;
  const command = new DefinedCommand(definition as unknown as CommandDefinition<Fields>);
  command.summary(definition.summary).description(definition.description);
  const words = addArguments(command, fields, { optional: config !== undefined });
  for (const [key, field] of Object.entries(fields))
    for (const option of field.positional ? [] : fieldOptions(key, field)) command.addOption(option);
  if (config)
    command.option("--config <file>", "JSON file of settings, such as a run's config.json; flags override it");
  command.addHelpText(
    "after",
    `\nExample${examples.length > 1 ? "s" : ""}:\n${examples.map((line) => `  ${io.program} ${line}`).join("\n")}`,
  );
  command.action(async () => {
    const flags = command.opts();
    const file = config && flags.config !== undefined ? await readConfigFile(flags.config, config) : {};
    const given = (key: string): unknown => {
      if (!words.includes(key)) return command.getOptionValueSource(key) === "cli" ? flags[key] : undefined;
      const word: unknown = command.processedArgs[words.indexOf(key)];
      return Array.isArray(word) && word.length === 0 ? undefined : word;
    };
    const values: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const value = given(key) ?? file[key] ?? field.default;
      if (value === undefined && field.required) throw missing(key, field);
      if (value !== undefined) values[key] = value;
    }
    expectNeeds(fields, values);
    await definition.run(values as ValuesOf<F>);
  });
  return command;
}

const missing = (key: string, field: Field): UsageError =>
  new UsageError(
    "missing-option",
    `${field.positional ? `<${field.unit}>` : `--${flagName(key, field)}`} is required: ${field.about}`,
  );
