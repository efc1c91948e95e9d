import type Docker from "dockerode";
import type { HostPath } from "../../std/path.ts";
import { groupWith, homeOf, type Ids, passwdWith } from "../account.ts";
import type { Mount } from "../contract.ts";
import type { Find } from "../obstacle.ts";
import { privateFile, privateFolder } from "../private.ts";
import { textIn } from "./look.ts";
import { upload } from "./upload.ts";

/** Gives the user of jobs a name, a group and a home in a container where its image has none for it; made in `scratch` first. */
export async function complete(container: Docker.Container, user: Ids, find: Find, scratch: HostPath): Promise<void> {
  const [passwd, group] = [await textIn(container, "/etc/passwd"), await textIn(container, "/etc/group")];
  const [named, grouped] = [passwdWith(user, passwd), groupWith(user, group)];
  const missing: Mount[] = [];
  if (named !== passwd) missing.push(await privateFile(scratch, "passwd", "/etc/passwd", named));
  if (grouped !== group) missing.push(await privateFile(scratch, "group", "/etc/group", grouped));
  const home = homeOf(user.uid, named);
  if ((await find(home)) === "nothing") missing.push(await privateFolder(scratch, "home", home, 0o755));
  if (missing.length > 0) await upload(container, missing, user);
}
