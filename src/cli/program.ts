import { Command } from "commander";
import { VERSION } from "../shared/version.ts";
import { backtestCommand } from "./backtest.ts";
import { benchCommand } from "./bench.ts";
import { compareCommand } from "./compare.ts";
import { convertCommand } from "./convert.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { evaluateCommand } from "./evaluate.ts";
import { report } from "./failure.ts";
import { forecastCommand } from "./forecast.ts";
import { generateCommand } from "./generate.ts";
import { infoCommand } from "./info.ts";
import { inspectCommand } from "./inspect.ts";
import { EXIT, type Io } from "./io.ts";
import { packCommand } from "./pack.ts";
import { predictCommand } from "./predict.ts";
import { quantizeCommand } from "./quantize.ts";
import { resumeCommand } from "./resume.ts";
import { runCommand } from "./run.ts";
import { runsCommand } from "./runs.ts";
import { scoreCommand } from "./score.ts";
import { studyCommand } from "./study.ts";
import { trainCommand } from "./train-text.ts";
import { verifyCommand } from "./verify.ts";

/** Every command, in the order of the help. */
const COMMANDS = [
  ...[
    trainCommand,
    resumeCommand,
    predictCommand,
    forecastCommand,
    backtestCommand,
    generateCommand,
    evaluateCommand,
    scoreCommand,
    quantizeCommand,
    packCommand,
    inspectCommand,
  ],
  ...[infoCommand, runsCommand, compareCommand],
  ...[runCommand, convertCommand, verifyCommand],
  ...[demoCommand, studyCommand, benchCommand, doctorCommand],
] as const;

/** The command line as commander sees it, before anything is run. */
export function createProgram(io: Io): Command {
  const program = new Command("longshort")
    .description("Train, run and explain recurrent neural networks.")
    .version(VERSION, "-v, --version", "print the version")
    .addHelpText(
      "after",
      `\nlongshort COMMAND --help shows the options of a command with examples.\nExit codes: ${EXIT.success} success, ${EXIT.failure} failure, ${EXIT.usage} invalid arguments or input, ${EXIT.interrupted} stopped by\nCtrl-C (143 by SIGTERM, 129 by closing the terminal).`,
    );
  for (const command of COMMANDS) program.addCommand(command(io));
  for (const command of withSubcommands(program)) {
    command.exitOverride().helpOption("-h, --help", "print this help");
    if (command.commands.length > 0) command.helpCommand(false).showHelpAfterError("(--help lists the commands)");
    command.configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => Math.max(60, Math.min(io.stdout.columns, 120)),
      getErrHelpWidth: () => Math.max(60, Math.min(io.stderr.columns, 120)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
  return program;
}

/**
 * Runs the command line on `argv` (without the names of Node and of the script) and returns the exit code: 0 success,
 * 1 failure, 2 a wrong call, 130 stopped by what `Io.onInterrupt` tells. Never throws.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const program = createProgram(io);
    await program.parseAsync(argv[0] === "help" ? helpWords(argv.slice(1), program) : argv, { from: "user" });
    return EXIT.success;
  } catch (error) {
    return report(error, io);
  }
}

/** `help train text` is `train text --help`; a name that is no command is a mistake as it is without `help`. */
function helpWords(names: readonly string[], program: Command): string[] {
  let command: Command | undefined = program;
  for (const name of names) command = command?.commands.find((one) => one.name() === name);
  return command ? [...names, "--help"] : [...names];
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
