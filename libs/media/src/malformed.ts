/** Why bytes were refused. `code` is API: never renamed, never reused. */
export type MalformedCode =
  | "FLV_TRUNCATED"
  | "FLV_PACKET_TYPE"
  | "FLV_MULTITRACK"
  | "FLV_SIGNATURE"
  | "FLV_TAG_TOO_LARGE"
  | "AVC_CONFIG"
  | "AVC_SPS"
  | "HEVC_CONFIG"
  | "HEVC_SPS"
  | "AV1_CONFIG"
  | "AV1_SEQUENCE_HEADER"
  | "AV1_OBU"
  | "VP9_CONFIG"
  | "VP9_FRAME"
  | "AAC_CONFIG"
  | "OPUS_CONFIG"
  | "OPUS_PACKET"
  | "NAL_LENGTH"
  | "NAL_ANNEX_B"
  | "MP4_BOX"
  | "MP4_TRACK"
  | "MP4_FRAGMENT";

/** Input from a peer that cannot be read. It is a value, not an exception: the caller answers as its protocol says. */
export interface Malformed {
  readonly kind: "malformed";
  readonly code: MalformedCode;
  /** What failed, where and how to mend it; for people. */
  readonly message: string;
}

/** Makes a refusal. */
export function malformed(code: MalformedCode, message: string): Malformed {
  return { kind: "malformed", code, message };
}

/** Whether a result is a refusal. */
export function isMalformed(result: object): result is Malformed {
  return "kind" in result && result.kind === "malformed";
}
