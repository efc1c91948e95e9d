import type { Command } from "commander";
import { addListSettings } from "../config/list.ts";
import { addPlainSettings } from "../config/plain.ts";
import type { Act } from "../entry.ts";

/** Adds `pack config`, which reads and writes the file that pack has. */
export function define(program: Command, act: Act): void {
  const command = program.command("config").description("show or change the settings in PACK_HOME/config.toml");
  addPlainSettings(command, act);
  addListSettings(command, act);
}
