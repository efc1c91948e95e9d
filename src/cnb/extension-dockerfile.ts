import { Fault } from "../std/fault.ts";
import {
  type Dockerfile,
  type DockerfileStage,
  declaredArguments,
  type Instruction,
  parseDockerfile,
} from "./dockerfile.ts";
import type { ExtendKind } from "./extend-config.ts";
import { labelNames } from "./label.ts";
import { referenceOf } from "./run-image.ts";

/** A Dockerfile that an extension left, checked. */
export interface ExtensionDockerfile {
  /** The image it begins with in place of the given one. */
  readonly switchesTo?: string;
  /** Whether it has instructions beside FROM. */
  readonly extends: boolean;
  /** Its text with `FROM ${base_image}` whatever it begins with: what an engine applies. */
  readonly text: string;
  /** The arguments it declares. */
  readonly arguments: readonly string[];
  /** Whether it takes files from its context. */
  readonly readsContext: boolean;
  /** Whether it has a LABEL about `io.buildpacks.rebasable`. */
  readonly saysRebasable: boolean;
  /** Sentences about instructions that extensions should not use. */
  readonly warnings: readonly string[];
}

const baseImage = "$" + "{base_image}";
const recommended = ["ADD", "ARG", "COPY", "ENV", "LABEL", "RUN", "SHELL", "USER", "WORKDIR"];

function refuse(place: string, found: string, hint?: string): Fault {
  return new Fault("dockerfile.extension", `Cannot use ${place}: ${found}`, hint === undefined ? {} : { hint });
}

function onlyStage({ stages }: Dockerfile, place: string): DockerfileStage {
  const [stage, ...others] = stages;
  if (stage === undefined) throw refuse(place, "it has no FROM");
  if (others.length > 0)
    throw refuse(place, "it has several FROM", "an extension adds to the one image it is given; leave one FROM");
  return stage;
}

function checkBuildHead({ head }: Dockerfile, stage: DockerfileStage, place: string): void {
  const hint = `begin it with "ARG base_image" and "FROM ${baseImage}"`;
  const [name, ...others] = declaredArguments(head);
  if (head.length !== 1 || name !== "base_image" || others.length > 0)
    throw refuse(place, "it does not begin with ARG base_image", hint);
  if (stage.base !== baseImage) throw refuse(place, `its FROM is not ${baseImage}`, hint);
}

/** The image a run.Dockerfile switches to; undefined when it stays on the one it is given. */
function switchOf({ base }: DockerfileStage, place: string): string | undefined {
  if (base === baseImage) return undefined;
  if (base.includes("$")) throw refuse(place, `its FROM is ${base}`, `write FROM ${baseImage} or the name of an image`);
  if (base === "scratch" || referenceOf(base) === undefined)
    throw refuse(place, `its FROM is ${JSON.stringify(base)}, which names no run image`);
  return base;
}

function warningsOf(instructions: readonly Instruction[], place: string): readonly string[] {
  return instructions
    .filter(({ name }) => !recommended.includes(name))
    .map(({ name, from }) => `${place} command ${name} on line ${from + 1} is not recommended`);
}

function textFor({ lines, head }: Dockerfile, { start }: DockerfileStage): string {
  const flags = start.text.split(/\s+/).filter((word) => word.startsWith("--"));
  const isDeclared = declaredArguments(head).includes("base_image");
  const begin = [...(isDeclared ? [] : ["ARG base_image"]), ["FROM", ...flags, baseImage].join(" ")];
  return [...lines.slice(0, start.from), ...begin, ...lines.slice(start.to)].join("\n");
}

/**
 * The text of a `build.Dockerfile` or `run.Dockerfile` to what is to be known of it (Image Extension spec, "Dockerfiles"). Throws Fault
 * `dockerfile.parse`, and `dockerfile.extension` for one that breaks the rules of its kind; both name `place`.
 */
export function parseExtensionDockerfile(text: string, kind: ExtendKind, place: string): ExtensionDockerfile {
  const dockerfile = parseDockerfile(text, place);
  const stage = onlyStage(dockerfile, place);
  if (kind === "build") checkBuildHead(dockerfile, stage, place);
  const switchesTo = kind === "run" ? switchOf(stage, place) : undefined;
  const { instructions } = stage;
  const has = (...names: readonly string[]) => instructions.some(({ name }) => names.includes(name));
  return {
    ...(switchesTo !== undefined && { switchesTo }),
    extends: instructions.length > 0,
    text: textFor(dockerfile, stage),
    arguments: declaredArguments(instructions),
    readsContext:
      has("ADD", "COPY", "ONBUILD") || instructions.some((one) => one.name === "RUN" && /--mount/.test(one.text)),
    saysRebasable: instructions.some((one) => one.name === "LABEL" && one.text.includes(labelNames.rebasable)),
    warnings: warningsOf(instructions, place),
  };
}
