import type { Engine } from "../engine.ts";
import { commandStatistics, errorStatistics, keyspaceSection, latencyStatistics } from "./count-sections.ts";
import type { InfoFields } from "./format.ts";
import { clientsSection, cpuSection, memorySection, replicationSection, serverSection } from "./server-sections.ts";
import { persistenceSection, statsSection } from "./work-sections.ts";

interface Section {
  readonly name: string;
  readonly title: string;
  /** Whether INFO shows it when nothing is asked for, and whether `all` has it. */
  readonly isDefault: boolean;
  readonly isInAll: boolean;
  readonly fields: (engine: Engine) => InfoFields;
}

const section = (
  name: string,
  title: string,
  fields: Section["fields"],
  isDefault = true,
  isInAll = true,
): Section => ({
  name,
  title,
  isDefault,
  isInAll,
  fields,
});

/** In the order in which Redis shows them. */
const SECTIONS: readonly Section[] = [
  section("server", "Server", serverSection),
  section("clients", "Clients", clientsSection),
  section("memory", "Memory", memorySection),
  section("persistence", "Persistence", persistenceSection),
  section("stats", "Stats", statsSection),
  section("replication", "Replication", replicationSection),
  section("cpu", "CPU", cpuSection),
  section("modules", "Modules", () => [], true, false),
  section("commandstats", "Commandstats", commandStatistics, false),
  section("errorstats", "Errorstats", errorStatistics),
  section("latencystats", "Latencystats", latencyStatistics, false),
  section("cluster", "Cluster", () => [["cluster_enabled", 0]]),
  section("keyspace", "Keyspace", keyspaceSection),
];

/**
 * The text of INFO.
 *
 * @param names Sections in lower case, or `all`, `default`, `everything`; none is `default`. Unknown ones are passed over.
 */
export function infoText(engine: Engine, names: readonly string[]): string {
  const wanted = SECTIONS.filter((candidate) => isWanted(candidate, names));
  return wanted
    .map(({ title, fields }) => {
      const lines = fields(engine).map(([name, value]) => `${name}:${value}\r\n`);
      return `# ${title}\r\n${lines.join("")}`;
    })
    .join("\r\n");
}

function isWanted({ name, isDefault, isInAll }: Section, names: readonly string[]): boolean {
  if (names.length === 0) return isDefault;
  return names.some((word) => {
    if (word === "everything") return true;
    if (word === "all") return isInAll;
    return word === "default" ? isDefault : word === name;
  });
}
