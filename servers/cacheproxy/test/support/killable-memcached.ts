import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { eventually, findCommand } from "@kagami/testkit";

/** A real memcached that can be stopped, continued and killed. */
export interface KillableMemcached {
  readonly port: number;
  /** Ends it at once; resolves when it has ended. */
  kill(): Promise<void>;
  stop(): void;
  go(): void;
}

/** Starts a memcached at this port of the loopback; resolves when it accepts connections. */
export async function startKillableMemcached(port: number): Promise<KillableMemcached> {
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn(findCommand("memcached"), ["-l", "127.0.0.1", "-p", String(port), "-U", "0", ...user], {
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  const accepts = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  await eventually(accepts, { what: "memcached" });
  return {
    port,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    stop: () => void child.kill("SIGSTOP"),
    go: () => void child.kill("SIGCONT"),
  };
}
