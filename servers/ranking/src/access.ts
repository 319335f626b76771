import { readFileSync } from "node:fs";
import { isLoopback, parseAddress } from "@kagami/kit";
import type { RankingConfig } from "./config.ts";
import { loadUserFile } from "./engine/acl/index.ts";
import type { Engine } from "./engine/engine.ts";
import { RankingError } from "./errors.ts";

const LEAST_TOKEN_LENGTH = 16;

/**
 * Takes the users of the ACL file and the password of the settings, and refuses to serve others than this machine when
 * nobody would be asked who they are.
 *
 * @throws RankingError `ACL_FILE_INVALID`, `ACCESS_OPEN`
 */
export function admitUsers(engine: Engine, config: RankingConfig): void {
  if (config.aclFile !== "") loadUsers(engine, config.aclFile);
  if (config.password !== "") engine.users.setDefaultPassword(Buffer.from(config.password));
  if (config.openAccess || engine.users.isLoginNeeded) return;
  const asksCertificates = config.tlsClientCa !== "";
  const addresses = [config.listen, config.tlsListen === "off" || asksCertificates ? config.listen : config.tlsListen];
  const open = addresses.find((address) => !isLoopback(parseAddress(address).host));
  if (open === undefined) return;
  throw new RankingError(
    "ACCESS_OPEN",
    `Cannot listen at ${open}: others than this machine could connect and the default user has no password. ` +
      "Set password, or a password for default in aclFile, or openAccess if that is meant",
  );
}

function loadUsers(engine: Engine, path: string): void {
  let content: string;
  try {
    content = readFileSync(path, "latin1");
  } catch (cause) {
    const mend = "Give the path of a file that this user can read; it may be empty";
    throw new RankingError("ACL_FILE_INVALID", `Cannot read ${path}: ${(cause as Error).message}. ${mend}`, { cause });
  }
  const result = loadUserFile(engine.users, content, path);
  if (result.error !== undefined) throw new RankingError("ACL_FILE_INVALID", result.error);
}

/**
 * Refuses to show the store's keys to whoever asks.
 *
 * @throws RankingError `ACCESS_OPEN`
 */
export function checkAdminToken({ admin, adminToken }: RankingConfig): void {
  if (adminToken !== "" && adminToken.length < LEAST_TOKEN_LENGTH) {
    throw new RankingError("ACCESS_OPEN", `Cannot use adminToken: it needs at least ${LEAST_TOKEN_LENGTH} characters`);
  }
  if (admin === "off" || adminToken !== "" || isLoopback(parseAddress(admin).host)) return;
  throw new RankingError(
    "ACCESS_OPEN",
    `Cannot serve the admin page at ${admin}: others than this machine could ask it for keys and clients. ` +
      "Set adminToken, or an address of 127.0.0.1",
  );
}
