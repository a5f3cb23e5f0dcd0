/** docs/reference: every command with its options, printed from the definitions of src/cli, and the JSON schemas of config files. */

const modules = [
  "cli/program",
  "cli/command",
  "cli/config-schema",
  "cli/field-option",
  "schema/kinds",
  "schema/fields",
];

/** The commands are only described, never run. */
const io = { stdout: { columns: 80 }, stderr: { columns: 80 }, env: {}, program: "longshort" };

/**
 * All generated files of docs/reference by their name.
 *
 * @param load Imports a module by its path without ending, from dist/ or from src/.
 */
export async function commandPages(load) {
  const library = Object.assign({}, ...(await Promise.all(modules.map(load))));
  const commands = leavesOf(library.createProgram(io), []);
  const files = new Map([["commands.md", page(commands, library)]]);
  for (const { name, command } of commands) {
    const { config } = command.definition ?? {};
    if (!config) continue;
    const schema = library.jsonSchema(`Settings of longshort ${name}`, config);
    files.set(schemaName(name), `${JSON.stringify(schema, null, 2)}\n`);
  }
  return files;
}

const schemaName = (name) => `${name.replaceAll(" ", "-")}.schema.json`;

/** Commands that do something, with their whole names. */
function leavesOf(command, names) {
  if (command.commands.length === 0) return [{ name: names.join(" "), command }];
  return command.commands.flatMap((one) => leavesOf(one, [...names, one.name()]));
}

function page(commands, library) {
  const list = commands.map(
    ({ name, command }) => `| [\`${name}\`](#longshort-${name.replaceAll(" ", "-")}) | ${command.summary()} |`,
  );
  return `${[
    "# Commands",
    "Printed from the commands' own definitions by `npm run docs:reference`; `longshort COMMAND --help` says the same. Exit codes: 0 success, 1 failure, 2 invalid arguments or input, 130 stopped by Ctrl-C (143 by SIGTERM, 129 by closing the terminal).",
    ["| command | what it does |", "| --- | --- |", ...list].join("\n"),
    ...commands.map((one) => section(one, library)),
  ].join("\n\n")}\n`;
}

function section({ name, command }, library) {
  const parts = [`## longshort ${name}`, command.description(), fence(`longshort ${name} ${command.usage()}`.trim())];
  const words = command.registeredArguments.map((one) => `| \`${one.name()}\` | ${one.description} |`);
  if (words.length > 0) parts.push(["| argument | what it is |", "| --- | --- |", ...words].join("\n"));
  const options = command.options.filter(({ hidden }) => !hidden).map((option) => row(option, library));
  if (options.length > 0)
    parts.push(["| option | what it is | values | default |", "| --- | --- | --- | --- |", ...options].join("\n"));
  const { config, examples } = command.definition ?? {};
  if (config) parts.push(configKeys(name, config, library));
  if (examples) parts.push(fence(examples.map((line) => `longshort ${line}`).join("\n")));
  return parts.join("\n\n");
}

function row(option, { FieldOption, defaultOf, expectation }) {
  if (!(option instanceof FieldOption)) return `| \`${option.flags}\` | ${cell(option.description)} | | |`;
  const { field } = option;
  const isSwitch = field.kind.type === "switch";
  const about = option.negate ? (field.off ?? field.about) : field.about;
  return `| \`${option.flags}\` | ${cell(about)} | ${isSwitch ? "" : expectation(field.kind)} | ${cell(defaultOf(field) ?? (field.required ? "needed" : ""))} |`;
}

/** Keys of a config file that are not the flag in camel case are named. */
function configKeys(name, config, { flagName }) {
  const plain = (key) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const others = Object.entries(config).filter(
    ([key, field]) => !field.positional && flagName(key, field) !== plain(key),
  );
  const renamed = others.map(([key, field]) => `\`${key}\` (\`--${flagName(key, field)}\`)`).join(", ");
  return `Keys of a config file are the options' names in camel case (\`hiddenSize\`)${renamed === "" ? "" : `, except ${renamed}`}; arguments are ${Object.keys(
    config,
  )
    .filter((key) => config[key].positional)
    .map((key) => `\`${key}\``)
    .join(", ")}. Its JSON schema: [${schemaName(name)}](${schemaName(name)}).`;
}

const fence = (text) => `\`\`\`sh\n${text}\n\`\`\``;
const cell = (text) =>
  text
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;")
    .replace(/ \(default: .*\)$/, "");
