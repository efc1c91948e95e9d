import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import { Fault } from "../../std/fault.ts";
import { type Engine, engineFault, statusOf } from "./engine.ts";
import { ownerText } from "./owner.ts";
import { type ContainerParts, containerSpec } from "./spec.ts";

/** A running container; disposing of it removes it and its volumes. */
export interface Running extends AsyncDisposable {
  readonly container: Docker.Container;
}

/** What an image of the engine says of itself. */
export async function readImage({ docker, place }: Engine, name: string): Promise<{ readonly env: readonly string[] }> {
  try {
    const { Config } = await docker.getImage(name).inspect();
    return { env: Config.Env ?? [] };
  } catch (error) {
    if (statusOf(error) !== 404) throw engineFault(`look at image ${name}`, { place } as Engine, error);
    throw new Fault("sandbox.image", `Cannot open sandbox docker: there is no image ${name} at ${place}`);
  }
}

async function start({ docker }: Engine, parts: ContainerParts): Promise<Running> {
  const container = await docker.createContainer(containerSpec(parts));
  const remove = async () => {
    await container.remove({ force: true, v: true }).catch((error) => {
      // It removes itself when it ends, and may just be about to.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
    });
  };
  try {
    const line = (await container.attach({ stream: true, stdin: true, hijack: true })) as Duplex;
    line.on("error", () => {});
    line.resume();
    await container.start();
    return {
      container,
      [Symbol.asyncDispose]: async () => {
        await remove();
        line.destroy();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Starts a container and stays connected with it. Throws Fault `sandbox.docker`. */
export async function startContainer(engine: Engine, parts: Omit<ContainerParts, "owner" | "init">): Promise<Running> {
  const owner = await ownerText();
  try {
    return await start(engine, { ...parts, owner, init: true }).catch(() =>
      // Not every engine has been installed with its program for this.
      start(engine, { ...parts, owner, init: false }),
    );
  } catch (error) {
    throw engineFault("start a container", engine, error);
  }
}
