import { manifestLimit } from "../../oci/manifest.ts";
import { isObject, parseJson } from "../../std/json.ts";
import { httpUrl } from "./address.ts";
import { oddFault } from "./failure.ts";
import { headerOf, type Reply } from "./reply.ts";
import { actionOn, ask, type Repository } from "./repository.ts";

/** How many pages of a list are asked for. */
const pageLimit = 1000;

/** The URL of the next page, undefined on the last one (RFC 8288); it must be of the same registry. */
export function nextPage(reply: Reply): URL | undefined {
  const link = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(headerOf(reply, "link") ?? "");
  const url = link ? httpUrl(link[1]!, reply.url) : undefined;
  return url?.host === reply.url.host ? url : undefined;
}

/** The tags of a repository in the registry's order; undefined when there is no such repository. */
export async function listTags(at: Repository): Promise<readonly string[] | undefined> {
  const tags: string[] = [];
  let to: string | URL | undefined = "tags/list";
  for (let page = 0; to !== undefined; page++) {
    if (page >= pageLimit) throw oddFault(actionOn(at, "pull"), `its list of tags has more than ${pageLimit} pages`);
    const reply: Reply = await ask(at, "pull", { method: "GET", to, hold: manifestLimit }, [200, 404]);
    if (reply.status === 404) return page === 0 ? undefined : tags;
    const document = parseJson(reply.body.toString(), `tags of ${at.client.registry}/${at.name}`);
    const found = isObject(document) ? document["tags"] : undefined;
    if (Array.isArray(found)) tags.push(...found.filter((tag): tag is string => typeof tag === "string"));
    to = nextPage(reply);
  }
  return tags;
}
