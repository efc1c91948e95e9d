import { Command, Option } from "commander";
import { type CompletedCommand, completionScript, type Shell, shells } from "../completion.ts";
import type { Act, CommandEntry } from "../entry.ts";

const never: Act = () => Promise.reject(new Error("completion only lists commands"));

async function listCommands(commands: readonly CommandEntry[]): Promise<CompletedCommand[]> {
  const program = new Command();
  for (const entry of commands) (await entry.load()).define(program, never, commands);
  const describe = (command: Command, parents: readonly string[]): CompletedCommand[] => {
    const words = [...parents, command.name()];
    const flags = command.options.map((option) => ({
      long: option.long ?? option.flags,
      takesPath: option.required || option.optional,
      summary: option.description,
    }));
    return [
      { words, summary: command.description(), flags },
      ...command.commands.flatMap((child) => describe(child, words)),
    ];
  };
  return program.commands.flatMap((command) => describe(command, []));
}

/** Adds `pack completion`. */
export function define(program: Command, act: Act, all: readonly CommandEntry[]): void {
  program
    .command("completion")
    .description("print a completion script for a shell")
    .addOption(new Option("-s, --shell <shell>", "the shell the script is for").choices([...shells]).default("bash"))
    .addHelpText("after", "\nFor bash: source <(pack completion)\nFor fish: pack completion -s fish | source")
    .action((options: { shell: Shell }) =>
      act(async (context) => {
        context.result(completionScript(options.shell, await listCommands(all)).trimEnd());
        return 0;
      }),
    );
}
