// The body
export { parseBoundary } from "./boundary.ts";
export { FormDecoder, MAX_FORM_BYTES_BEFORE_FILE } from "./form-decoder.ts";
export { type FormFields, fillFileName, MAX_FORM_FIELDS } from "./form-fields.ts";
// The answer
export { type FormReply, formReply, type PostedObject } from "./form-reply.ts";
// The policy
export {
  checkFileSize,
  checkPostPolicy,
  MAX_POLICY_CONDITIONS,
  type PostPolicy,
  parsePostPolicy,
  type SizeRange,
} from "./post-policy.ts";
