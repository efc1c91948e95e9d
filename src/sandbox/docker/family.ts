// A limit on resident memory marks all processes of a job, as on the machine itself (`tree.ts`); here only the shell is sure to be
// there. A killed process may have forked just before: look again until there is nothing to see.
const killMarked = [
  "turn=0",
  "while [ $turn -lt 100 ]; do",
  "  turn=$((turn + 1)); left=",
  "  for process in /proc/[0-9]*; do",
  "    while read -r line; do",
  "      case $line in",
  '        "Max resident set"*" $bytes "*) kill -s KILL "${process#/proc/}" && left=yes; break ;;',
  '        "Max processes"*) break ;;',
  "      esac",
  '    done <"$process/limits"',
  "  done",
  '  [ -n "$left" ] || break',
  "done",
];

/**
 * The command that runs another one with the mark (`newMark`), umask 022 and both outputs in one stream, and ends with its code, in
 * the shell's convention, once all of its family is killed.
 */
export function asFamily(mark: number, argv: readonly string[]): string[] {
  const script = [
    "mark=$1 bytes=$2; shift 2",
    "umask 022",
    // The shell says so when a signal ends what it started; that is none of the program's words.
    "exec 2>/dev/null",
    "code=0",
    '(ulimit -S -m "$mark"; exec "$@" 2>&1) || code=$?',
    ...killMarked,
    "exit $code",
  ];
  return ["/bin/sh", "-c", script.join("\n"), "sh", String(mark), String(mark * 1024), ...argv];
}

/** The command that kills all processes with a mark. */
export function endFamily(mark: number): string[] {
  return ["/bin/sh", "-c", ["exec 2>/dev/null", "bytes=$1", ...killMarked].join("\n"), "sh", String(mark * 1024)];
}

/** The command that kills every process of its own user at once; not for root, whose processes are also the container's own. */
export const endEverything = ["/bin/sh", "-c", "kill -s KILL -1"];
