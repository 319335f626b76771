import {
  AUDIO_TRACK_ID,
  buildInit,
  mimeTypeOf,
  type Sample,
  type StreamConfig,
  VIDEO_TIMESCALE,
  VIDEO_TRACK_ID,
  writeFragment,
} from "@kagami/media";
import type { StreamInit } from "./burst.ts";
import type { IngestEvent } from "./ingest.ts";
import type { MediaUnit } from "./media-unit.ts";

export type Packaged =
  | { readonly kind: "init"; readonly init: StreamInit }
  | { readonly kind: "unit"; readonly unit: MediaUnit };

/**
 * Gives every sample the one CMAF fragment that all deliveries share, and every change of tracks an initialization
 * segment. The segment is written when the first sample needs it: publishers announce picture and sound one after the
 * other, and a segment for half of them would be thrown away.
 */
export class Packager {
  #config: StreamConfig = {};
  #isInitDue = false;
  #generation = 0;
  #sequenceNumber = 0;

  /** What viewers must be given for an event of the ingest, in order. */
  package(event: IngestEvent): Packaged[] {
    if (event.kind === "tracks") {
      this.#config = { video: event.video, audio: event.audio };
      this.#isInitDue = true;
      return [];
    }
    if (event.kind !== "sample") return [];
    const unit: Packaged = { kind: "unit", unit: this.#fragment(event.sample) };
    return this.#isInitDue ? [{ kind: "init", init: this.#init() }, unit] : [unit];
  }

  #init(): StreamInit {
    this.#isInitDue = false;
    this.#generation++;
    const config = this.#config;
    return { generation: this.#generation, config, segment: buildInit(config), mime: mimeTypeOf(config) };
  }

  #fragment(sample: Sample): MediaUnit {
    this.#sequenceNumber++;
    const fragment =
      sample.kind === "video"
        ? writeFragment([sample], this.#sequenceNumber, VIDEO_TRACK_ID, VIDEO_TIMESCALE)
        : writeFragment([sample], this.#sequenceNumber, AUDIO_TRACK_ID, this.#config.audio?.sampleRate ?? 48_000);
    return { sample, fragment };
  }
}
