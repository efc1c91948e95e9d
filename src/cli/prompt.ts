import { Fault } from "../std/fault.ts";

/** The longest text that is read as a password, in bytes. */
const limit = 64 * 1024;

function interrupted(): Fault {
  return new Fault("interrupted", "Cannot finish: interrupted; nothing was changed", { exit: "interrupted" });
}

/** All of standard input, without the end of its last line. Throws Fault `usage.password` for one that is endless. */
export async function readStandardInput(): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin) {
    parts.push(part);
    length += part.length;
    if (length > limit)
      throw new Fault("usage.password", `Cannot read password: standard input has more than ${limit} bytes`, {
        exit: "usage",
      });
  }
  return Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, "");
}

/** Whether a person can be asked. */
export function canAsk(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY);
}

/** Asks a person for a line; with `secret` nothing of it is shown. Throws Fault `interrupted` when they press Ctrl-C. */
export async function askPerson(question: string, secret: boolean): Promise<string> {
  const { stdin, stderr } = process;
  // What is typed early must not be shown either.
  stdin.setRawMode(true);
  stderr.write(question);
  let text = "";
  let take: (part: Buffer) => void = () => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      take = (part) => {
        for (const key of part.toString()) {
          if (key === "\r" || key === "\n" || key === "\u0004") return resolve(text);
          if (key === "\u0003") return reject(interrupted());
          const isBack = key === "\u007f" || key === "\b";
          if (isBack) text = [...text].slice(0, -1).join("");
          else if (key >= " ") text += key;
          if (!secret) stderr.write(isBack ? "\b \b" : key);
        }
      };
      stdin.on("data", take);
      stdin.once("end", () => resolve(text));
      stdin.resume();
    });
  } finally {
    stdin.off("data", take);
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}
