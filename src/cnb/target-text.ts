import type { Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import type { Distro, TargetPattern } from "./target.ts";

function refuse(text: string, found: string): never {
  throw new Fault("usage.target", `Cannot understand target ${JSON.stringify(text.slice(0, 200))}: ${found}`, {
    exit: "usage",
    hint: "write os/arch, os/arch/variant or os/arch:distribution@version",
  });
}

/** `os[/arch][/variant][:name@version[@version…][;name@version…]]` to a target, the words of `--target`. Throws Fault `usage.target`. */
export function parseTargetText(text: string): TargetPattern {
  const [platform = "", distros, ...more] = text.split(":");
  if (more.length > 0) refuse(text, "it has two colons");
  const [os = "", arch, variant, ...rest] = platform.split("/");
  if (rest.length > 0) refuse(text, "it has more than os, arch and variant");
  if (os === "") refuse(text, "it names no operating system");
  if (os !== "linux") refuse(text, `nothing is made for ${os}`);
  for (const part of [arch, variant])
    if (part !== undefined && !/^[a-z0-9._]+$/.test(part)) refuse(text, `"${part}" is no architecture`);
  return {
    os,
    ...(arch && { arch }),
    ...(variant && { variant }),
    distros: (distros?.split(";") ?? []).flatMap((one): Partial<Distro>[] => {
      const [name = "", ...versions] = one.split("@");
      if (!/^[\w.-]+$/.test(name) || versions.some((version) => !/^[\w.+~-]+$/.test(version)))
        refuse(text, `"${one}" is no distribution`);
      return versions.length === 0 ? [{ name }] : versions.map((version) => ({ name, version }));
    }),
  };
}

/** Targets with one distribution at most, in their order: each is made for itself. */
export function expandTargets(targets: readonly TargetPattern[]): readonly TargetPattern[] {
  return targets.flatMap((target) =>
    target.distros.length < 2 ? [target] : target.distros.map((distro) => ({ ...target, distros: [distro] })),
  );
}

/** The parts of a target, outermost first: os, arch, variant, `name@version`, as far as they are said. */
export function targetParts({ os, arch, variant, distros }: TargetPattern): readonly string[] {
  const distro = distros.map(({ name = "", version = "" }) => `${name}@${version}`);
  return [os, arch, variant, ...distro].filter((part): part is string => Boolean(part));
}

/** The name of one platform's package beside that of all: its tag with the platform, or the platform alone for `latest`. */
export function suffixedName(name: Reference, target: TargetPattern): Reference {
  const suffix = targetParts(target).join("-").replaceAll("@", "-");
  const { tag = "latest" } = name;
  return { registry: name.registry, repository: name.repository, tag: tag === "latest" ? suffix : `${tag}-${suffix}` };
}
