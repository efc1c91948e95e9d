import type { Command } from "commander";
import { Fault } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { insecureFlag, outsideOptions, repeated } from "../input.ts";

interface Flags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly credentialHelper?: string;
  readonly insecureRegistry?: string[];
}

async function readSecret(flags: Flags): Promise<{ username: string; password: string }> {
  const { askPerson, canAsk, readStandardInput } = await import("../prompt.ts");
  const refuse = (found: string, hint: string): never => {
    throw new Fault("usage.login", `Cannot log in: ${found}`, { exit: "usage", hint });
  };
  if (flags.passwordStdin) {
    const { username } = flags;
    if (!username) return refuse("nothing says who you are", "give your user name with --username");
    return { username, password: await readStandardInput() };
  }
  if (!canAsk())
    return refuse("there is nobody to ask for the password", "give it on standard input, with --password-stdin");
  const username = flags.username ?? (await askPerson("User: ", false));
  return { username, password: await askPerson("Password: ", true) };
}

async function run(context: Context, registry: string, flags: Flags): Promise<number> {
  const { login, registryNamed } = await import("../../login.ts");
  registryNamed(registry);
  const { username, password } = await readSecret(flags);
  const report = await login({
    registry,
    username,
    password,
    outside: outsideOptions(context, flags),
    onEvent: context.emit,
    signal: context.signal,
    ...(flags.credentialHelper && { helper: flags.credentialHelper }),
  });
  context.say(`Logged in to ${report.registry} as ${username} (kept in ${report.place})`);
  return 0;
}

/** Adds `pack login`. */
export function define(program: Command, act: Act): void {
  program
    .command("login <registry>")
    .description("prove to a registry who you are, and keep that for later commands")
    .option("-u, --username <name>", "who you are (default: you are asked)")
    .option("--password-stdin", "read the password from standard input (default: you are asked)")
    .option(
      "--credential-helper <name>",
      "keep the password with docker-credential-<name> (default: what the credentials file says)",
    )
    .addOption(insecureFlag(repeated))
    .action((registry: string, flags: Flags) => act((context) => run(context, registry, flags)));
}
