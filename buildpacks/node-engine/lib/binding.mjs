// Service bindings: directories of small files that the platform hands to a build and that never reach the image.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { emptyLayer, layerPath, writeEnv, writeLayer } from "./layer.mjs";

/**
 * Points npm at the bound npmrc and Node.js at the bound certificates, here and, through a layer that only the build
 * sees, in the buildpacks that follow. What the user set in the environment stays.
 */
export function useBindings(env) {
  const configuration = boundFiles(env, "npmrc");
  const npmrc = configuration.find((file) => file.endsWith("npmrc"));
  // Certificates beside an npmrc are for npm's registry; install scripts that download something need them as well.
  const beside = configuration.filter((file) => /\.(pem|crt)$/.test(file));
  const certificates = [...beside, ...boundFiles(env, "ca-certificates")];
  const settings = {
    ...configurationOf(env, npmrc),
    NODE_EXTRA_CA_CERTS: certificates.length > 0 && join(layerPath("npm-config"), "ca.pem"),
  };
  const unset = Object.entries(settings).filter(([name, value]) => value && !env[name] && !env[name.toLowerCase()]);
  if (unset.length === 0) return;

  const layer = emptyLayer("npm-config");
  const bundle = certificates.map((file) => `${readFileSync(file, "utf8")}\n`).join("");
  if (bundle) writeFileSync(join(layer, "ca.pem"), bundle);
  writeEnv("npm-config", Object.fromEntries(unset.map(([name, value]) => [`env.build/${name}.default`, value])));
  writeLayer("npm-config", ["build"], {});
  Object.assign(env, Object.fromEntries(unset));
}

/**
 * Where the package managers find npm's configuration. They run on the app's Node.js, whose prefix is not the one this
 * machine's npm was set up with, and Yarn knows no other global configuration than that of its prefix: where the user
 * has none, the global one takes its place, because npm refuses to read one file as both.
 */
function configurationOf(env, npmrc) {
  const system = join(dirname(dirname(process.execPath)), "etc", "npmrc");
  const user = join(env.HOME ?? homedir(), ".npmrc");
  const hasUser = npmrc || env.NPM_CONFIG_USERCONFIG || env.npm_config_userconfig || existsSync(user);
  if (!existsSync(system)) return { NPM_CONFIG_USERCONFIG: npmrc };
  if (hasUser) return { NPM_CONFIG_USERCONFIG: npmrc, NPM_CONFIG_GLOBALCONFIG: system };
  return { NPM_CONFIG_USERCONFIG: system, NPM_CONFIG_GLOBALCONFIG: "/dev/null" };
}

/** The files of all bindings of a type, sorted, without `type` and `provider` themselves. */
function boundFiles(env, type) {
  const root = env.SERVICE_BINDING_ROOT ?? join(env.CNB_PLATFORM_DIR ?? process.argv[3], "bindings");
  if (!existsSync(root)) return [];
  const visible = (directory) =>
    readdirSync(directory)
      .filter((name) => !name.startsWith(".."))
      .sort();
  return visible(root)
    .map((name) => join(root, name))
    .filter((binding) => {
      const file = join(binding, "type");
      return existsSync(file) && readFileSync(file, "utf8").trim() === type;
    })
    .flatMap((binding) => visible(binding).map((name) => join(binding, name)))
    .filter((file) => !/\/(type|provider)$/.test(file));
}
