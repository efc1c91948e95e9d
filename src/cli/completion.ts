/** A command as a completion script knows it. */
export interface CompletedCommand {
  readonly words: readonly string[];
  readonly summary: string;
  readonly flags: readonly { readonly long: string; readonly takesPath: boolean; readonly summary: string }[];
}

/** Shells a script can be written for. */
export const shells = ["bash", "zsh", "fish"] as const;
/** One of them. */
export type Shell = (typeof shells)[number];

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function bash(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(
    (command) =>
      `    ${quoted(command.words.join(" "))}) flags=${quoted(command.flags.map((flag) => flag.long).join(" "))} ;;`,
  );
  const paths = [
    ...new Set(commands.flatMap((command) => command.flags.filter((flag) => flag.takesPath).map((flag) => flag.long))),
  ];
  const words = [...new Set(commands.map((command) => command.words[0]!))].join(" ");
  return `_pack() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} flags=
  case "$previous" in ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;; esac
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W ${quoted(words)} -- "$current")); return; fi
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${commands
  .filter((command) => command.words.length === 2)
  .map(
    (command) =>
      `    ${quoted(command.words.join(" "))}) flags=${quoted(command.flags.map((flag) => flag.long).join(" "))} ;;`,
  )
  .join("\n")}
    *) case "\${COMP_WORDS[1]}" in
${cases.map((line) => `  ${line}`).join("\n")}
    esac ;;
  esac
  case "$current" in -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;; *) COMPREPLY=($(compgen -f -- "$current")) ;; esac
}
complete -o filenames -F _pack pack plinth
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  return `#compdef pack plinth
autoload -U +X bashcompinit && bashcompinit
${bash(commands)}`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const [first, second] = command.words;
    const here =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    const name =
      second === undefined
        ? `complete -c pack -n __fish_use_subcommand -a ${first} -d ${quoted(command.summary)}`
        : `complete -c pack -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${quoted(command.summary)}`;
    const flags = command.flags.map(
      (flag) =>
        `complete -c pack -n ${quoted(here)} -l ${flag.long.slice(2)}${flag.takesPath ? " -r" : ""} -d ${quoted(flag.summary)}`,
    );
    return [name, ...flags];
  });
  return `${lines.join("\n")}\ncomplete -c plinth -w pack\n`;
}

/** The text of a completion script: sourced by the shell, it completes commands, flags and paths. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return { bash, zsh, fish }[shell](commands);
}
