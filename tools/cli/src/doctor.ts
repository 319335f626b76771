import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { freemem, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { privacyUnavailableReason } from "@kagami/live";
import type { CommandContext } from "./commands.ts";
import { builtWebApp } from "./web-app.ts";

/** One thing looked at. `isNeeded` ones fail the check; the others are for tests and benchmarks. */
interface Finding {
  readonly what: string;
  readonly isGood: boolean;
  readonly isNeeded: boolean;
  readonly detail: string;
}

const GIB = 2 ** 30;

/** Programs that only tests and benchmarks use, with the Debian package that has them. */
const TEST_PROGRAMS = [
  { program: "ffmpeg", package: "ffmpeg" },
  { program: "chromium", package: "chromium" },
  { program: "nginx", package: "nginx libnginx-mod-rtmp" },
  { program: "gst-launch-1.0", package: "gstreamer1.0-tools" },
  { program: "memcached", package: "memcached" },
  { program: "nutcracker", package: "nutcracker" },
  { program: "memccapable", package: "libmemcached-tools" },
] as const;

/** `kagami doctor`: says what is there, what is missing and how to mend it. Exit code 1 if something needed is missing. */
export async function runDoctor({ env }: CommandContext): Promise<void> {
  const findings = [
    ...[checkNode(), checkMemory(), checkWebApp(), checkNotificationBlur()],
    ...(await checkPorts()),
    ...(await checkPrograms(env)),
  ];
  for (const { what, isGood, isNeeded, detail } of findings) {
    const mark = isGood ? "✓" : isNeeded ? "✗" : "–";
    process.stdout.write(`${mark} ${what}: ${detail}\n`);
  }
  const missing = findings.filter((finding) => finding.isNeeded && !finding.isGood);
  process.stdout.write(missing.length === 0 ? "\nKagami can run here.\n" : `\n${missing.length} to mend first.\n`);
  process.exitCode = missing.length === 0 ? 0 : 1;
}

function checkNode(): Finding {
  const isGood = Number(process.versions.node.split(".")[0]) >= 24;
  return { what: "Node", isGood, isNeeded: true, detail: isGood ? process.version : `${process.version}; run npm ci` };
}

function checkMemory(): Finding {
  const detail = `${(freemem() / GIB).toFixed(1)} of ${(totalmem() / GIB).toFixed(1)} GiB free`;
  return { what: "Memory", isGood: freemem() > GIB / 4, isNeeded: true, detail };
}

function checkWebApp(): Finding {
  const directory = builtWebApp();
  const detail = directory ?? "not built yet; npm start builds it";
  return { what: "Web app", isGood: directory !== undefined, isNeeded: false, detail };
}

/** Optional, so that nobody has to install what is under the GPL. */
function checkNotificationBlur(): Finding {
  const reason = privacyUnavailableReason();
  const detail = reason ?? "its optional package is installed";
  return { what: "Notification blur", isGood: reason === undefined, isNeeded: false, detail };
}

function checkPorts(): Promise<Finding[]> {
  return Promise.all(
    [
      { port: 8080, flag: "--listen" },
      { port: 1935, flag: "--rtmp" },
    ].map(async ({ port, flag }): Promise<Finding> => {
      const isGood = await isFree(port);
      const detail = isGood ? "free" : `in use; choose another with ${flag} 127.0.0.1:0`;
      return { what: `Port ${port}`, isGood, isNeeded: false, detail };
    }),
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function checkPrograms(env: CommandContext["env"]): Promise<Finding[]> {
  const folders = [...(env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return Promise.all(
    TEST_PROGRAMS.map(async ({ program, package: name }): Promise<Finding> => {
      const isGood = await isExecutable(folders.map((folder) => join(folder, program)));
      const detail = isGood ? "installed" : `only for tests and benchmarks; apt-get install ${name}`;
      return { what: program, isGood, isNeeded: false, detail };
    }),
  );
}

async function isExecutable(paths: readonly string[]): Promise<boolean> {
  const results = await Promise.allSettled(paths.map((path) => access(path, constants.X_OK)));
  return results.some((result) => result.status === "fulfilled");
}
