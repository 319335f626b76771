import type { VideoCodec } from "@kagami/media";
import type { BannerStyle, Detection, ManualZone } from "../../engine/privacy/detection.ts";

/** How a protected channel's picture is made. */
export type PrivacyMode = "selective" | "always";

/** What the filter needs to know of a channel; may change while it runs. */
export interface FilterSettings {
  readonly mode: PrivacyMode;
  readonly style: BannerStyle;
  /** 1 to 3; each cannot be read back, more hides shapes and colours too. */
  readonly strength: number;
  readonly zones: readonly ManualZone[];
  /** Hides the top band until the detector has watched for a while: after a restart nobody knows what was there. */
  readonly startsCovered: boolean;
}

/** Which stream a message is about; given by the relay, never used again within a filter process's life. */
export type FilterStreamId = number;

/** From the relay to the filter process. */
export type FilterRequest =
  | { readonly kind: "open"; readonly streamId: FilterStreamId; readonly settings: FilterSettings }
  | { readonly kind: "settings"; readonly streamId: FilterStreamId; readonly settings: FilterSettings }
  | {
      /** Pictures that follow are coded by this; the first of them is a key frame. */
      readonly kind: "config";
      readonly streamId: FilterStreamId;
      readonly codec: VideoCodec;
      /** avcC, hvcC, av1C or vpcC. */
      readonly record: Uint8Array;
    }
  | {
      /** A coded picture, in decoding order. */
      readonly kind: "picture";
      readonly streamId: FilterStreamId;
      /** Grows by one with each picture of the stream; starts at 0 with `open`. */
      readonly sequence: number;
      readonly ptsUs: number;
      readonly isKey: boolean;
      /**
       * Sent only to bring the decoder to where it was before a restart: it is decoded and inspected, and not answered.
       */
      readonly isReplay: boolean;
      /** As in an MP4 sample (length-prefixed NAL units for H.264 and H.265). */
      readonly data: Uint8Array;
    }
  /** Asks for still pictures of what the detector sees, for 5 s from now; `isTest` shows a made-up banner in them. */
  | { readonly kind: "preview"; readonly streamId: FilterStreamId; readonly isTest: boolean }
  /** Whatever is held for the stream is answered, then `closed` follows. */
  | { readonly kind: "close"; readonly streamId: FilterStreamId }
  /** The stream is let go at once, and no answer of it is wanted any more. */
  | { readonly kind: "abandon"; readonly streamId: FilterStreamId };

/** From the filter process to the relay. */
export type FilterReply =
  | {
      /**
       * Answers `config`, before any picture of it is answered: what viewers must be given to decode every picture that
       * follows, passed or replaced. For H.264 the publisher's parameter sets and the encoder's own in one record.
       */
      readonly kind: "config";
      readonly streamId: FilterStreamId;
      readonly codec: VideoCodec;
      readonly record: Uint8Array;
    }
  /** The picture, and all before it that have no answer yet, go to viewers as the publisher sent them. */
  | { readonly kind: "pass"; readonly streamId: FilterStreamId; readonly sequence: number }
  | {
      /** Takes the place, decoding time and duration of the next picture without an answer. */
      readonly kind: "replace";
      readonly streamId: FilterStreamId;
      readonly sequence: number;
      readonly ptsUs: number;
      readonly isKey: boolean;
      readonly data: Uint8Array;
    }
  /** The picture cannot be decoded and is left out; pictures go on at the next key frame. */
  | { readonly kind: "drop"; readonly streamId: FilterStreamId; readonly sequence: number }
  | {
      /** Whenever the state or the regions change. */
      readonly kind: "detection";
      readonly streamId: FilterStreamId;
      readonly ptsUs: number;
      readonly isEncoding: boolean;
      readonly width: number;
      readonly height: number;
      readonly detection: Detection;
    }
  /** A still picture for the studio, JPEG, regions and their reasons drawn in. */
  | {
      readonly kind: "preview";
      readonly streamId: FilterStreamId;
      readonly isTest: boolean;
      /** What the detector said of this very picture. */
      readonly state: Detection["state"];
      readonly jpeg: Uint8Array;
    }
  /** Once a second for the whole process. */
  | { readonly kind: "stats"; readonly stats: FilterStats }
  | { readonly kind: "closed"; readonly streamId: FilterStreamId }
  /** The stream cannot go on in this process; it has been closed. */
  | { readonly kind: "failed"; readonly streamId: FilterStreamId; readonly code: string; readonly message: string };

/** Totals since the process started. */
export interface FilterStats {
  readonly decodedCount: number;
  readonly encodedCount: number;
  /** CPU time of the process, in microseconds. */
  readonly cpuUs: number;
  /** Time in the stages, in microseconds. */
  readonly decodeUs: number;
  readonly detectUs: number;
  readonly obscureUs: number;
  readonly encodeUs: number;
  readonly residentBytes: number;
}
