// Simulation

// HTTP
export { bodyOf } from "./body-of.ts";
// Wire captures
export {
  bytesFrom,
  type Capture,
  type CaptureDirection,
  type CaptureEntry,
  CaptureError,
  formatCapture,
  parseCapture,
  readCaptureFile,
  writeCaptureFile,
} from "./capture.ts";
// Foreign programs
export { CHROMIUM_LAUNCH } from "./chromium.ts";
export { type ConsolePage, findUnnamed, openConsolePage, signInToConsole } from "./console-page.ts";
// Waiting and files
export { type EventuallyOptions, eventually } from "./eventually.ts";
export { type FakeConsul, type FakeConsulDoor, startFakeConsul } from "./fake-consul.ts";
export type {
  FakeConsulStore,
  FakeKv,
  FakeService,
  FakeSession,
  KvPut,
} from "./fake-consul-store.ts";
export {
  type Disk,
  DiskFault,
  type DiskFaultCode,
  type DiskFaults,
  FakeDisk,
} from "./fake-disk.ts";
export {
  type CloseReason,
  type FakeLink,
  FakeNetwork,
  type FakeSocket,
  type LinkConditions,
  type SocketHandlers,
} from "./fake-network.ts";
export { type KagamiOptions, type KagamiProcess, startKagami } from "./kagami-process.ts";
export { freePort, type Reference, type ReferenceOptions, type ReferencePlace, startReference } from "./reference.ts";
export {
  type NginxRtmpOptions,
  startEtcd,
  startMemcached,
  startNats,
  startNginxRtmp,
  startRedis,
} from "./reference-presets.ts";
// Speaking S3
export { type S3ChunkPlan, signedChunks, unsignedChunks } from "./s3/s3-chunks.ts";
export {
  encodeS3,
  encodeS3Path,
  encodeS3Query,
  type S3Credentials,
  S3Signer,
  type S3SignRequest,
  sha256Hex,
  timeOf,
  UNSIGNED_PAYLOAD,
} from "./s3/s3-signer.ts";
export { withTempDir } from "./temp-dir.ts";
export {
  findCommand,
  isProcessAlive,
  type RunToolOptions,
  runTool,
  ToolError,
  type ToolErrorCode,
  type ToolResult,
} from "./tool.ts";
