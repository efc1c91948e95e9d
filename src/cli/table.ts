import type { CommandEntry } from "./entry.ts";

/** All commands, in the order `--help` lists them. */
export const commands: readonly CommandEntry[] = [
  { names: ["build"], summary: "build an image from source", load: () => import("./command/build.ts") },
  {
    names: ["rebase"],
    summary: "move an image onto a newer run image without rebuilding it",
    load: () => import("./command/rebase.ts"),
  },
  {
    names: ["inspect", "inspect-image"],
    summary: "show what an image is made of",
    load: () => import("./command/inspect.ts"),
  },
  { names: ["run"], summary: "start an image of the local store", load: () => import("./command/run.ts") },
  {
    names: ["detect"],
    summary: "show which buildpacks would build an app, and why",
    load: () => import("./command/detect.ts"),
  },
  { names: ["images"], summary: "list the images of the local store", load: () => import("./command/images.ts") },
  { names: ["rm"], summary: "remove images from the local store", load: () => import("./command/rm.ts") },
  {
    names: ["prune"],
    summary: "remove what no image of the local store needs",
    load: () => import("./command/prune.ts"),
  },
  {
    names: ["copy"],
    summary: "copy an image between the local store, registries, directories and archives",
    load: () => import("./command/copy.ts"),
  },
  {
    names: ["pull"],
    summary: "fetch an image from its registry into the local store",
    load: () => import("./command/pull.ts"),
  },
  {
    names: ["push"],
    summary: "send an image of the local store to its registry",
    load: () => import("./command/push.ts"),
  },
  {
    names: ["manifest"],
    summary: "put images for several platforms together under one name",
    load: () => import("./command/manifest.ts"),
  },
  { names: ["login"], summary: "prove to a registry who you are", load: () => import("./command/login.ts") },
  { names: ["logout"], summary: "forget who you are at a registry", load: () => import("./command/logout.ts") },
  {
    names: ["sbom"],
    summary: "get the bills of materials of images",
    load: () => import("./command/sbom.ts"),
  },
  {
    names: ["doctor"],
    summary: "show what builds depend on here, and what to do about it",
    load: () => import("./command/doctor.ts"),
  },
  { names: ["base"], summary: "make run images from distribution packages", load: () => import("./command/base.ts") },
  { names: ["builder"], summary: "make and inspect builders", load: () => import("./command/builder.ts") },
  {
    names: ["buildpack"],
    summary: "make and inspect buildpacks and their packages",
    load: () => import("./command/buildpack.ts"),
  },
  {
    names: ["extension"],
    summary: "make and inspect packages of image extensions",
    load: () => import("./command/extension.ts"),
  },
  {
    names: ["config"],
    summary: "show or change the settings in PACK_HOME/config.toml",
    load: () => import("./command/config.ts"),
  },
  {
    names: ["report"],
    summary: "print what those who help need to know",
    load: () => import("./command/report.ts"),
  },
  {
    names: ["completion"],
    summary: "print a completion script for a shell",
    load: () => import("./command/completion.ts"),
  },
  { names: ["version"], summary: "print the version", load: () => import("./command/version.ts") },
];
