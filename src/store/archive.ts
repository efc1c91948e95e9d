import { tmpdir } from "node:os";
import type { Image } from "../oci/image.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { readDockerForm, writeDockerForm } from "./archive/docker-form.ts";
import { type ArchivedImages, isOciForm, readOciForm, writeOciForm } from "./archive/oci-form.ts";
import { type OpenArchive, openArchiveFile } from "./archive/open.ts";
import { writeArchive } from "./archive/write.ts";
import type { BlobSource, DocumentTexts } from "./contract.ts";
import { documentsFor } from "./document.ts";
import { type Exchange, type ExchangeOptions, findEntry, marksFor, soleEntry } from "./exchange.ts";
import type { ArchiveForm } from "./locate.ts";
import { checkNames, nameText } from "./name.ts";

/** How an archive is opened. */
export interface ArchiveOptions extends ExchangeOptions {
  /** The form to write, and to insist on when reading if `isFormSaid`; else the form shows when it is read. */
  readonly form: ArchiveForm;
  readonly isFormSaid?: boolean;
  /** Where a compressed archive is unpacked while it is read; the system's folder for temporary files unless said. */
  readonly scratch?: HostPath;
}

interface Opened {
  readonly archive: OpenArchive;
  readonly images: ArchivedImages;
}

async function openImages(file: HostPath, options: ArchiveOptions): Promise<Opened | undefined> {
  const archive = await openArchiveFile(file, options.scratch ?? hostPath(tmpdir()));
  if (archive === undefined) return undefined;
  try {
    const isOci = options.isFormSaid ? options.form === "oci" : isOciForm(archive);
    return { archive, images: await (isOci ? readOciForm(archive) : readDockerForm(archive)) };
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

/** An archive file as a place of exchange: it holds what the last write put there, or what another tool made. */
class Archive implements Exchange {
  readonly #file: HostPath;
  readonly #options: ArchiveOptions;
  #opened: Promise<Opened | undefined> | undefined;
  /** What has been opened: images that were read before a write replaced the file still read from it. */
  readonly #open: Opened[] = [];

  constructor(file: HostPath, options: ArchiveOptions) {
    this.#file = file;
    this.#options = options;
  }

  async read(name: Reference, platform = this.#options.platform) {
    const images = await this.#images();
    const entry = images && findEntry(images.entries, name, this.#options.tag);
    return entry && images.read(entry, `${this.#file} (${formatReference(name)})`, platform);
  }

  async sole(platform = this.#options.platform) {
    const images = await this.#images();
    const { tag } = this.#options;
    const entry = images && soleEntry(images.entries, this.#file, tag, platform);
    return entry && images.read(entry, this.#file, platform);
  }

  async write(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts) {
    const { form, tag, compression = "gzip" } = this.#options;
    const { configText } = documentsFor(image, texts);
    const tagged = names.filter((name) => name.tag !== undefined || name.digest === undefined);
    const identity = await writeArchive(this.#file, async (writer) => {
      const written =
        form === "docker"
          ? await writeDockerForm(writer, image, blobs, {
              names: tag === undefined ? [...new Set(tagged.map(nameText))] : [tag],
              configText,
            })
          : await writeOciForm(writer, image, blobs, {
              marks: marksFor(names, tag),
              compression,
              ...(texts && { texts }),
            });
      checkNames(names, written.digest);
      return written;
    });
    this.#opened = undefined;
    return identity;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const last = await this.#opened?.catch(() => undefined);
    for (const { archive } of new Set([...this.#open.splice(0), ...(last ? [last] : [])]))
      await archive[Symbol.asyncDispose]();
  }

  async #images(): Promise<ArchivedImages | undefined> {
    this.#opened ??= openImages(this.#file, this.#options);
    const opened = await this.#opened.catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    if (opened === undefined) this.#opened = undefined;
    else if (!this.#open.includes(opened)) this.#open.push(opened);
    return opened?.images;
  }
}

/**
 * The image archive at `file`: `docker save`'s form or an OCI image layout in a tar, also compressed. A write replaces the file
 * with one that holds this image alone; layers of the Docker form are uncompressed. Memory stays bounded whatever the layers' sizes.
 */
export function openArchive(file: HostPath, options: ArchiveOptions): Exchange {
  return new Archive(file, options);
}
