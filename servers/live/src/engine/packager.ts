import { SlabAllocator } from "@kagami/bytes";
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

/** Fragments of one broadcast live for about the same time, so they come and go together: four seconds of 2 Mbit/s. */
const SLAB_BYTES = 1 << 20;

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
  readonly #slabs = new SlabAllocator(SLAB_BYTES);
  readonly #allocate = (byteCount: number) => this.#slabs.allocate(byteCount);

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

  /** The sample's data is from now on the copy inside the fragment, so that the publisher's message can go. */
  #fragment(sample: Sample): MediaUnit {
    const isVideo = sample.kind === "video";
    const trackId = isVideo ? VIDEO_TRACK_ID : AUDIO_TRACK_ID;
    const timescale = isVideo ? VIDEO_TIMESCALE : (this.#config.audio?.sampleRate ?? 48_000);
    this.#sequenceNumber++;
    const fragment = writeFragment([sample], this.#sequenceNumber, trackId, timescale, this.#allocate);
    const { kind, dtsUs, ptsUs, durationUs, isKey } = sample;
    const data = fragment.subarray(fragment.length - sample.data.length);
    return { sample: { kind, dtsUs, ptsUs, durationUs, isKey, data }, fragment };
  }
}
