import { randomBytes } from "node:crypto";
import { open, readFile, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { z } from "zod";

/** `code` is API: never renamed, never reused. */
export type FileErrorCode = "FILE_MISSING" | "FILE_UNREADABLE" | "FILE_NOT_JSON" | "FILE_INVALID" | "FILE_UNWRITABLE";

/** A file of ours cannot be used; the message names it and says how to mend it. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: FileErrorCode;
  readonly path: string;

  constructor(code: FileErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/**
 * Replaces a file so that a crash leaves the old content or the new, never a mixture: temporary file, fsync, rename,
 * fsync of the directory. The directory must exist.
 *
 * @param mode Permissions of the file; 0o644 if absent, 0o600 for secrets.
 * @throws FileError `FILE_UNWRITABLE`
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await writeSynced(temporary, data, mode);
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined); // it may never have been made, or be renamed already
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    const mend =
      code === "ENOSPC"
        ? "free space on the disk"
        : code === "ENOENT"
          ? "create its directory"
          : "check its directory's owner and mode";
    throw new FileError("FILE_UNWRITABLE", path, `Cannot write ${path} (${code}): ${mend}`, { cause });
  }
}

/**
 * Reads a JSON file and checks it against a schema.
 *
 * @throws FileError `FILE_MISSING`, `FILE_UNREADABLE`, `FILE_NOT_JSON` or `FILE_INVALID`
 */
export async function readJsonFile<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    if (code === "ENOENT") {
      throw new FileError("FILE_MISSING", path, `Cannot read ${path}: there is no such file`, { cause });
    }
    const message = `Cannot read ${path} (${code}): check that it is a file and its owner and mode`;
    throw new FileError("FILE_UNREADABLE", path, message, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const message = `Cannot read ${path}: it is not JSON. Restore it from a backup, or move it away to start afresh`;
    throw new FileError("FILE_NOT_JSON", path, message, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".") || "(top)"}: ${issue.message}`);
  const message = `Cannot use ${path}: ${issues.join("; ")}. Correct it, or move it away to start afresh`;
  throw new FileError("FILE_INVALID", path, message, { cause: parsed.error });
}

async function writeSynced(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; there the rename is as durable as it gets.
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
