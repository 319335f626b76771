import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bytesFrom,
  type Capture,
  CaptureError,
  formatCapture,
  parseCapture,
  readCaptureFile,
  writeCaptureFile,
} from "./capture.ts";
import { withTempDir } from "./temp-dir.ts";

const EXAMPLE = `# Recorded from OBS 32 against nginx-rtmp.
# Handshake only.

# C0 and the first of C1
> 03 00 00
  01 02   # time
< 03

# no direction was missed
>
`;

test("a capture keeps who sent what, and why", () => {
  expect(parseCapture(EXAMPLE)).toEqual({
    provenance: "Recorded from OBS 32 against nginx-rtmp.\nHandshake only.",
    entries: [
      { from: "client", bytes: Uint8Array.of(3, 0, 0, 1, 2), comment: "C0 and the first of C1" },
      { from: "server", bytes: Uint8Array.of(3), comment: "" },
      { from: "client", bytes: new Uint8Array(), comment: "no direction was missed" },
    ],
  });
});

test("the bytes of one side come in one piece", () => {
  expect(bytesFrom(parseCapture("> 01\n< 02\n> 03"), "client")).toEqual(Uint8Array.of(1, 3));
});

test.each([
  { text: "> 01\n> 0", line: 2, why: "half a byte" },
  { text: "> 01 zz", line: 1, why: "not hexadecimal" },
  { text: "01 02", line: 1, why: "nobody sent it" },
])("a wrong line is named: $why", ({ text, line }) => {
  expect(() => parseCapture(text)).toThrow(CaptureError);
  expect(() => parseCapture(text)).toThrow(`line ${line}`);
});

const comment = fc.array(fc.stringMatching(/^[a-z0-9#>< ]*[a-z]$/), { maxLength: 3 }).map((lines) => lines.join("\n"));
const entry = fc.record({
  from: fc.constantFrom("client" as const, "server" as const),
  bytes: fc.uint8Array({ maxLength: 40 }),
  comment,
});

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.record({ provenance: comment, entries: fc.array(entry, { maxLength: 5 }) }), (capture) => {
      expect(parseCapture(formatCapture(capture))).toEqual(capture);
    }),
  );
});

test("any text is a capture or is refused", () => {
  const line = fc.oneof(fc.string(), fc.stringMatching(/^[<># ]?[0-9a-f ]*$/));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        for (const { bytes } of parseCapture(lines.join("\n")).entries) expect(bytes).toBeInstanceOf(Uint8Array);
      } catch (error) {
        expect(error).toBeInstanceOf(CaptureError);
      }
    }),
  );
});

test("files are written and read, and an error names the file", async () => {
  await withTempDir(async (dir) => {
    const path = join(dir, "x.hex");
    const capture: Capture = {
      provenance: "by hand",
      entries: [{ from: "client", bytes: Uint8Array.of(1), comment: "" }],
    };
    await writeCaptureFile(path, capture);
    expect(await readCaptureFile(path)).toEqual(capture);
    await writeFile(path, "> 0");
    await expect(readCaptureFile(path)).rejects.toThrow(/x\.hex: Cannot read capture: line 1/);
    await expect(readCaptureFile(join(dir, "none.hex"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
