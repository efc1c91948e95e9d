import type { LauncherSource } from "../../cnb/build-metadata.ts";
import type { Buildpack } from "../../cnb/buildpack.ts";
import type { RunImageNames } from "../../cnb/label.ts";
import type { ProjectMetadata } from "../../cnb/project-file.ts";
import type { DiffId } from "../../oci/digest.ts";
import type { Layer } from "../../oci/image.ts";
import { type Emit, logTo } from "../../std/event.ts";
import { Fault } from "../../std/fault.ts";
import type { HostPath, Place } from "../../std/path.ts";
import type { BlobStore } from "../../store/contract.ts";
import type { Owner } from "../../tar/entry.ts";
import type { LayerTar } from "../../tar/layer.ts";
import type { Analyzed } from "../analyze.ts";
import type { Built } from "../build.ts";
import type { StoredParts } from "../extend.ts";
import type { Verdicts } from "../kept/kept.ts";
import type { Verdict } from "../kept/record.ts";
import type { Workspace } from "../workspace.ts";
import { type MadeLayer, makeLayer } from "./make.ts";
import type { BuildpackLayers, PlannedLayer } from "./request.ts";

/** What the export works with. */
export interface ExportInputs {
  readonly analyzed: Analyzed;
  /** The run image with what extensions added to it; the image as it is unless given. */
  readonly extendedRun?: StoredParts | undefined;
  readonly group: readonly BuildpackLayers[];
  /** The image extensions that took part. */
  readonly extensions: readonly Buildpack[];
  readonly built: Built;
  readonly workspace: Workspace;
  /** Where the app is after the build. */
  readonly app: Place;
  readonly owner: Owner;
  readonly launcher: { readonly path: HostPath; readonly source: LauncherSource };
  /** The Platform API the launcher is told to follow. */
  readonly platformApi: string;
  readonly runImageNames: RunImageNames;
  readonly project: ProjectMetadata | undefined;
  readonly defaultProcess: string | undefined;
  /** Labels of the config and annotations of the manifest that the user sets; they win over all others. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly execEnv: string;
  /** RFC 3339. */
  readonly created: string;
  readonly store: BlobStore;
  readonly verdicts: Verdicts;
  /** Layers the restore could not read back. */
  readonly damaged: ReadonlySet<string>;
  readonly emit: Emit;
  readonly signal: AbortSignal | undefined;
}

/** One layer of the image above its base, and why it is what it is. */
export interface ExportedLayer {
  readonly id: string;
  readonly diffId: DiffId;
  /** The tar's length in bytes; undefined for one taken over unread. */
  readonly size: number | undefined;
  readonly action: "add" | "reuse";
  readonly reason: string;
}

/** A layer in its place, and what is said about it. */
export interface Placed {
  readonly layer: Layer;
  readonly createdBy: string;
  readonly report: ExportedLayer;
}

/** The layers of an image as they are made, bottom first. */
export class Assembly {
  readonly #inputs: ExportInputs;
  readonly #log: ReturnType<typeof logTo>;
  readonly placed: Placed[] = [];
  readonly made: MadeLayer[] = [];

  constructor(inputs: ExportInputs) {
    this.#inputs = inputs;
    this.#log = logTo(inputs.emit);
  }

  #place(placed: Placed): void {
    const { report } = placed;
    this.placed.push(placed);
    this.#inputs.emit({
      type: "layer",
      id: report.id,
      action: report.action,
      diffId: report.diffId,
      reason: report.reason,
      ...(report.size !== undefined && { size: report.size }),
    });
  }

  async add(
    id: string,
    history: string,
    tar: LayerTar,
    known: readonly (string | undefined)[],
    { quiet = false, verdict }: { readonly quiet?: boolean; readonly verdict?: Verdict | undefined } = {},
  ): Promise<MadeLayer> {
    const { store, analyzed, signal } = this.#inputs;
    const request = {
      id,
      createdBy: history,
      tar,
      verdict,
      known,
      damaged: this.#inputs.damaged,
    };
    const made = await makeLayer(store, analyzed.runImage.stored.image.family, request, signal);
    this.made.push(made);
    const reason = made.isKnown
      ? "its content is that of the previous image"
      : request.known.some(Boolean)
        ? "its content changed"
        : "the previous image has no such layer";
    if (!quiet) this.#log.info(`${made.isKnown ? "Reusing" : "Adding"} layer '${id}'`);
    this.#log.debug(`Layer '${id}' SHA: ${made.layer.diffId}`);
    this.#place({
      layer: made.layer,
      createdBy: history,
      report: { id, diffId: made.layer.diffId, size: made.size, action: made.isKnown ? "reuse" : "add", reason },
    });
    return made;
  }

  /** A layer whose directory the buildpack left out: it stays what it was in the previous image. */
  takeOver(planned: PlannedLayer, sha: string): void {
    const layer = this.#inputs.analyzed.previous?.stored.image.layers.find((item) => item.diffId === sha);
    if (!layer) {
      throw new Fault("layer.missing", `Cannot reuse layer '${planned.id}': the previous image does not have ${sha}`, {
        exit: "export",
        hint: "build with --clear-cache, so that the buildpack makes the layer again",
      });
    }
    this.#log.info(`Reusing layer '${planned.id}'`);
    const reason = "the buildpack kept it without its contents";
    this.#place({
      layer,
      createdBy: planned.createdBy,
      report: { id: planned.id, diffId: layer.diffId, size: undefined, action: "reuse", reason },
    });
  }
}
