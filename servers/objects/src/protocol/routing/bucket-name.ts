const RESERVED_PREFIXES = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/**
 * Whether a bucket can have this name at all: 3 to 63 of `a-z 0-9 . -`, letters or digits at both ends, no two dots in
 * a row. Requests for other names are refused before any look-up.
 *
 * @see Amazon S3 User Guide, "Bucket naming rules"
 */
export function isBucketName(name: string): boolean {
  const length = name.length;
  if (length < 3 || length > 63) return false;
  let previous = 0x2e;
  for (let i = 0; i < length; i++) {
    const code = name.charCodeAt(i);
    const isAlphanumeric = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
    if (!isAlphanumeric) {
      if (code === 0x2e) {
        if (previous === 0x2e) return false;
      } else if (code !== 0x2d || i === 0) return false;
    }
    previous = code;
  }
  return previous !== 0x2e && previous !== 0x2d;
}

/** Whether a bucket may be created under this name: a {@link isBucketName} that is no IPv4 address and not reserved. */
export function isNewBucketName(name: string): boolean {
  if (!isBucketName(name)) return false;
  if (RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix))) return false;
  if (RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))) return false;
  return !/^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
