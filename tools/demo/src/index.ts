// The broadcast

// The encoders, for tests that need a stream of their own
export { AacEncoder, type AacEncoderOptions } from "./aac/encoder.ts";
export {
  createDemoBroadcast,
  type DemoAudioOptions,
  type DemoBroadcast,
  type DemoBroadcastOptions,
} from "./broadcast.ts";
export { type EncodedPicture, H264Encoder, type H264EncoderOptions } from "./h264/encoder.ts";
export { createPicture, type Picture, toI420 } from "./h264/picture.ts";
// Publishing it
export { demoPart } from "./part.ts";
export { type PublishOptions, startDemoBroadcast } from "./publish.ts";
export { type DemoLog, DemoPublishError, type DemoPublishErrorCode } from "./publish-error.ts";
// Reading the frame counter
export { COUNTER_CELL_COUNT, COUNTER_LIMIT, type CounterPixels, readFrameCounter } from "./scene/frame-counter.ts";
