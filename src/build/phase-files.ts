import { cp, mkdir } from "node:fs/promises";
import { formatAnalyzed } from "../cnb/analyzed-file.ts";
import type { Buildpack } from "../cnb/buildpack.ts";
import type { ExtendKind } from "../cnb/extend-config.ts";
import { formatGroup, groupOf } from "../cnb/group-file.ts";
import type { PlanEntry } from "../cnb/plan.ts";
import { formatPlan } from "../cnb/plan-file.ts";
import { formatReference } from "../oci/reference.ts";
import type { Analyzed } from "../phase/analyze.ts";
import type { Workspace } from "../phase/workspace.ts";
import { readText, writeText } from "../std/file.ts";
import { hostPath, under } from "../std/path.ts";

/** What the phases of a build have decided. */
export interface PhaseResults {
  readonly analyzed: Analyzed;
  readonly group: readonly Buildpack[];
  readonly extensions: readonly Buildpack[];
  /** Which images were extended. */
  readonly extended: Readonly<Record<ExtendKind, boolean>>;
  readonly entries: readonly PlanEntry[];
  readonly workspace: Workspace;
  /** The reference of the image the build stood on, if it was one. */
  readonly buildImage: string | undefined;
}

/**
 * Writes `analyzed.toml`, `group.toml`, `plan.toml`, `metadata.toml` and what extensions generated into a directory, which is made when it is not there (Platform
 * spec, "Data Format"). No phase of ours reads them: they are for people and for other tools.
 */
export async function writePhaseFiles(directory: string, results: PhaseResults): Promise<void> {
  const { analyzed, group, extensions, extended, entries, workspace, buildImage } = results;
  const { previous, runImage, target } = analyzed;
  const elements = [
    ...extensions.map((buildpack) => ({ buildpack, optional: true, extension: true as const })),
    ...group.map((buildpack) => ({ buildpack, optional: false })),
  ];
  const files = {
    "analyzed.toml": formatAnalyzed({
      ...(previous && { previousImage: previous }),
      ...((buildImage || extended.build) && {
        buildImage: { reference: buildImage ?? "", ...(extended.build && { extend: true }) },
      }),
      runImage: {
        reference: runImage.reference,
        image: runImage.given ?? formatReference(runImage.name),
        extend: extended.run,
        target,
      },
    }),
    "group.toml": formatGroup(groupOf(elements)),
    "plan.toml": formatPlan(entries),
    "metadata.toml": (await readText(under(workspace.config.host, "metadata.toml"))) ?? "",
  };
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeText(under(hostPath(directory), name), text);
  if (extensions.length > 0)
    await cp(workspace.generated.host, under(hostPath(directory), "generated"), {
      recursive: true,
      verbatimSymlinks: true,
    });
}
