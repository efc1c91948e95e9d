import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { type BuildOptions, type BuildReport, build } from "../../src/build.ts";
import type { ImageConfig } from "../../src/oci/config.ts";
import { diffIdOfTar } from "../../src/oci/digest.ts";
import { type Image, withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { ociArchitecture } from "../../src/oci/platform.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { Event, Level } from "../../src/std/event.ts";
import { Fault } from "../../src/std/fault.ts";
import { hostPath } from "../../src/std/path.ts";
import { removeTree } from "../../src/std/remove.ts";
import type { StoredImage } from "../../src/store/contract.ts";
import { type Layout, openLayout } from "../../src/store/layout.ts";

/** A shell buildpack of a test: what its scripts do, and what its descriptor says besides id, version and api. */
export interface ShellBuildpack {
  readonly id: string;
  readonly version?: string;
  readonly api?: string;
  /** Lines of the table `[buildpack]`. */
  readonly info?: string;
  /** Further text of the descriptor: targets, order. */
  readonly more?: string;
  readonly detect?: string;
  readonly build?: string;
}

/** A finished flow: its report or its fault, and everything it said. */
export interface Outcome {
  readonly report: BuildReport | undefined;
  readonly fault: Fault | undefined;
  readonly events: readonly Event[];
  /** Log lines from a level upwards. */
  lines(level?: Level): string[];
  /** What buildpacks printed while building. */
  readonly output: string;
}

const ranks: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A folder of its own for a test file, with buildpacks, an app and a PACK_HOME that has a run image `run`. */
export class Bench {
  readonly root = mkdtempSync(join(tmpdir(), "plinth-test-"));
  readonly home = join(this.root, "home");
  readonly app = join(this.root, "app");

  /** `app: false` leaves the app empty. */
  constructor(options: { readonly app?: boolean } = {}) {
    mkdirSync(this.app);
    if (options.app ?? true) this.write("app/file.txt", "content\n");
    // What buildpacks closed stays closed in what is kept of their layers; an ordinary user must open it to remove it.
    afterAll(() => removeTree(this.root));
  }

  /** Writes a file below the folder and gives its path. */
  write(path: string, text: string, mode = 0o644): string {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    chmodSync(full, mode);
    return full;
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  exists(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** Writes a buildpack and gives its directory; a composite has `order` in `more` and no scripts. */
  buildpack(spec: ShellBuildpack, folder = `bp/${spec.id.replaceAll("/", "_")}-${spec.version ?? "1.0.0"}`): string {
    const info = `api = "${spec.api ?? "0.12"}"\n[buildpack]\nid = "${spec.id}"\nversion = "${spec.version ?? "1.0.0"}"\n${spec.info ?? ""}\n${spec.more ?? ""}\n`;
    this.write(`${folder}/buildpack.toml`, info);
    if (!spec.more?.includes("[[order]]")) {
      this.write(`${folder}/bin/detect`, `#!/bin/sh\n${spec.detect ?? "exit 0"}\n`, 0o755);
      this.write(`${folder}/bin/build`, `#!/bin/sh\nset -e\n${spec.build ?? "exit 0"}\n`, 0o755);
    }
    return join(this.root, folder);
  }

  /** Opens the local store; the caller disposes of it. */
  store(): Layout {
    return openLayout(hostPath(join(this.home, "store")));
  }

  /** Stores a run image of one empty layer. */
  async runImage(name = "run", change: (config: ImageConfig) => ImageConfig = (config) => config): Promise<Image> {
    await using store = this.store();
    const layer = await store.put(mediaTypes.oci.tar, [Buffer.alloc(1024), Buffer.from(name)].slice(0, 1));
    const config: ImageConfig = {
      architecture: ociArchitecture(process.arch),
      os: "linux",
      history: [{ created_by: "base" }],
      diffIds: [],
      config: {
        Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "CNB_USER_ID=1000", "CNB_GROUP_ID=1000"],
        User: "1000:1000",
        Labels: { "io.buildpacks.base.distro.name": "debian", "io.buildpacks.base.distro.version": "12" },
      },
    };
    const plain = withLayers({ family: "oci", layers: [], config }, [
      { diffId: diffIdOfTar(layer.digest), descriptor: layer },
    ]);
    const image = { ...plain, config: change(plain.config) };
    await store.write(image, [parseReference(`${name}:latest`)], store);
    return image;
  }

  /** Runs a build with these buildpacks (all required, in order), or whatever the options say. */
  async build(buildpacks: readonly string[], options: Partial<BuildOptions> = {}): Promise<Outcome> {
    const events: Event[] = [];
    const finish = (report: BuildReport | undefined, fault: Fault | undefined): Outcome => ({
      report,
      fault,
      events,
      lines: (level = "info") =>
        events.flatMap((event) => (event.type === "log" && ranks[event.level] >= ranks[level] ? [event.text] : [])),
      output: events.flatMap((event) => (event.type === "output" ? [event.text] : [])).join(""),
    });
    try {
      const report = await build({
        app: this.app,
        home: this.home,
        image: "app",
        runImage: "run",
        pullPolicy: "never",
        ...(buildpacks.length > 0 && { buildpacks }),
        onEvent: (event) => events.push(event),
        ...options,
      });
      return finish(report, undefined);
    } catch (error) {
      if (error instanceof Fault) return finish(undefined, error);
      throw error;
    }
  }

  /** A `builder.toml` whose order has these groups: ids, with a `?` at the end for optional ones. */
  builder(directories: readonly string[], groups: readonly (readonly string[])[], more = ""): string {
    const uris = directories.map((directory) => `[[buildpacks]]\nuri = ${JSON.stringify(directory)}\n`);
    const orders = groups.map((group) => {
      const entries = group.map(
        (id) => `{ id = "${id.replace(/\?$/, "")}"${id.endsWith("?") ? ", optional = true" : ""} }`,
      );
      return `[[order]]\ngroup = [${entries.join(", ")}]\n`;
    });
    return this.write(
      `builder-${Math.random().toString(36).slice(2)}.toml`,
      `${uris.join("")}${orders.join("")}${more}`,
    );
  }

  /** Reads an image of the local store and hands it to `look` while it can be read. */
  async look<T>(name: string, look: (stored: StoredImage) => Promise<T> | T): Promise<T> {
    await using store = this.store();
    const stored = await store.read(parseReference(`${name}:latest`));
    if (!stored) throw new Error(`there is no image ${name}`);
    return await look(stored);
  }
}
