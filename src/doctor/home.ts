import { access, constants, statfs } from "node:fs/promises";
import { homeAt } from "../reach/home.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { isDirectory } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { openLayout } from "../store/layout.ts";
import { areaOf, type DoctorOptions, type Finding } from "./diagnosis.ts";

const finding = areaOf("store");
const gigabyte = 1024 ** 3;

/** The folder itself, or the nearest one above it that is there. */
async function nearest(path: HostPath): Promise<HostPath> {
  return path === "/" || (await isDirectory(path)) ? path : nearest(hostPath(under(path, "..")));
}

async function place(root: HostPath): Promise<Finding> {
  const there = await nearest(root);
  const isOurs = await access(there, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isOurs) return finding("place", "fail", `${there} cannot be written`, "set PACK_HOME to a directory of yours");
  return finding("place", "ok", there === root ? root : `${root} is made by the first build`);
}

async function disk(root: HostPath): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearest(root));
  const free = (bavail * bsize) / gigabyte;
  const found = `${free.toFixed(1)} GB free`;
  if (free < 0.1) return finding("disk", "fail", found, "`pack prune` removes what no image needs");
  return free < 2
    ? finding("disk", "warn", found, "`pack prune` removes what no image needs")
    : finding("disk", "ok", found);
}

async function images(store: HostPath): Promise<Finding> {
  if (!(await isDirectory(store))) return finding("images", "none", "there are none yet");
  try {
    await using layout = openLayout(store);
    const listed = await layout.list();
    return finding("images", "ok", `${listed.length} images and caches can be read`);
  } catch (error) {
    const hint = error instanceof Fault ? error.hint : undefined;
    return finding("images", "fail", reasonOf(error), hint);
  }
}

/** Where images and caches are kept: whether there is room, and whether what is there can be read. */
export async function lookAtHome(options: DoctorOptions): Promise<Finding[]> {
  const { root, store } = homeAt(options.home);
  return Promise.all([place(root), disk(root), images(store)]);
}
