import { Command, CommanderError } from "commander";
import { bundle } from "../bundle.ts";
import { exitCodes, Fault } from "../std/fault.ts";
import { type GlobalFlags, openContext } from "./context.ts";
import type { Act } from "./entry.ts";
import { failureOf, failureText } from "./failure.ts";
import { styleFor } from "./render/style.ts";
import { commands } from "./table.ts";

function interruptible(): AbortSignal {
  const controller = new AbortController();
  let count = 0;
  const interrupt = () => {
    count += 1;
    // The second interrupt is a person who does not want to wait for the cleaning up.
    if (count > 1) process.exit(exitCodes.interrupted);
    controller.abort(
      new Fault("interrupted", "Cannot finish: interrupted; nothing was changed", { exit: "interrupted" }),
    );
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}

function report(error: unknown, flags: GlobalFlags): number {
  const failure = failureOf(error);
  if (flags.json) process.stdout.write(`${JSON.stringify({ type: "failure", ...failure })}\n`);
  else
    process.stderr.write(
      `${failureText(failure, styleFor(Boolean(process.stderr.isTTY) && !process.env["NO_COLOR"] && flags.color !== false))}\n`,
    );
  if (flags.verbose && error instanceof Error && !flags.json) process.stderr.write(`${error.stack}\n`);
  return failure.exit;
}

function usageFault(error: CommanderError): Fault {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const hint = rest.join(" ").replace(/[()]/g, "").trim();
  return new Fault("usage", `Cannot understand the command line: ${first}`, {
    exit: "usage",
    hint: hint || "`pack <command> --help` lists what a command takes",
  });
}

const globalFlags = new Set([
  "--no-color",
  "--force-color",
  "--timestamps",
  "-q",
  "--quiet",
  "-v",
  "--verbose",
  "--json",
]);

/** The words with the flags every command takes moved to the front, so that they may stand anywhere before a `--`. */
function globalsFirst(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  const ours = end < 0 ? argv : argv.slice(0, end);
  const isGlobal = (word: string) => globalFlags.has(word);
  return [...ours.filter(isGlobal), ...ours.filter((word) => !isGlobal(word)), ...(end < 0 ? [] : argv.slice(end))];
}

/** How wide help is: as wide as the terminal, but no line is longer than people like to read. */
function helpWidth(): number {
  return Math.min(process.stdout.columns ?? 80, 80);
}

/** A command and every command below it. */
function withChildren(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withChildren)];
}

/** The whole program: arguments in, exit code out; nothing is thrown. */
export async function main(words: readonly string[]): Promise<number> {
  const argv = globalsFirst(words);
  const program = new Command("pack");
  let exit = 0;
  const signal = interruptible();
  const flags = (): GlobalFlags => program.opts<GlobalFlags>();
  const act: Act = async (work) => {
    const context = openContext(flags(), signal);
    try {
      exit = await work(context);
    } finally {
      context.close();
    }
  };
  program
    .description("Build reproducible OCI images from source, and move them onto a patched base in seconds.")
    .version(bundle.version(), "--version", "print the version")
    .option("--no-color", "no colours")
    .option("--force-color", "colours even when the output is no terminal")
    .option("--timestamps", "begin each line with the time")
    .option("-q, --quiet", "print only the result")
    .option("-v, --verbose", "print details")
    .option("--json", "print one JSON event a line")
    .configureOutput({ writeErr: () => {}, outputError: () => {}, getOutHelpWidth: helpWidth })
    .exitOverride()
    .showSuggestionAfterError()
    .helpCommand(false);
  const wanted = argv.filter((word) => !word.startsWith("-")).slice(0, 2);
  for (const entry of commands) {
    if (entry.names.includes(wanted[0] ?? ""))
      await entry.load().then((module) => module.define(program, act, commands));
    else program.command(entry.names[0]!).description(entry.summary).allowUnknownOption();
  }
  for (const command of withChildren(program)) {
    command.copyInheritedSettings(program).exitOverride();
  }
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return exitCodes.usage;
    }
    await program.parseAsync(argv, { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 || error.code === "commander.help" ? 0 : report(usageFault(error), flags());
    return report(signal.aborted && !(error instanceof Fault) ? signal.reason : error, flags());
  }
}
