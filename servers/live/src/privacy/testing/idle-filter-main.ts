import { Socket } from "node:net";
import { createPlainKernels } from "@kagami/kernels";
import { serveFilter } from "../filter-process.ts";
import type { CodecLibrary } from "../load-codec.ts";
import { createScriptedDetector } from "./scripted-detector.ts";

// A filter process without a codec, which is started at once: takes streams, and says every second that it is well.

await serveFilter({
  pipe: new Socket({ fd: 3 }),
  tools: {
    codec: {} as CodecLibrary,
    kernels: createPlainKernels(),
    createDetector: () => createScriptedDetector([]),
    nowMs: () => performance.now(),
    work: { decodedCount: 0, encodedCount: 0, decodeMs: 0, detectMs: 0, obscureMs: 0, encodeMs: 0 },
  },
  usage: () => ({ cpuUs: 0, residentBytes: 0 }),
});
process.exit(0);
