// Requests

// Texts in headers
export { decodeHeaderText, encodeHeaderText } from "./encoded-words.ts";
export { MAX_USER_METADATA_BYTES, metadataOf } from "./request-metadata.ts";
// Replies
export {
  DEFAULT_CONTENT_TYPE,
  metadataHeaders,
  type ResponseHeaders,
  responseOverridesOf,
} from "./response-headers.ts";
