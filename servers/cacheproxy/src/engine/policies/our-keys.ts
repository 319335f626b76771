/**
 * First byte of all keys the proxy makes itself: entries of the gutter pool, copies of hot keys, pieces of big values. It
 * occurs in no UTF-8 text, and clients' own keys that begin with it are refused where it matters, so that no value of
 * one kind is ever found under a key of another.
 */
export const OUR_KEY_BYTE = 0xff;

/** memcached's limit. */
const KEY_BYTES_LIMIT = 250;
/** Of keys that a line cannot hold as they are: in base64 they have the length above. */
const BINARY_KEY_BYTES_LIMIT = 187;

/**
 * A key of the proxy's own.
 *
 * @param name ASCII; its first letter tells kinds apart, and none is the beginning of another of its kind.
 * @returns `undefined` if it is longer than memcached allows.
 */
export function ourKey(name: string, clientKey: Uint8Array): Uint8Array | undefined {
  const length = 1 + name.length + clientKey.length;
  const isBinary = clientKey.some((byte) => byte <= 0x20 || byte === 0x7f);
  if (length > (isBinary ? BINARY_KEY_BYTES_LIMIT : KEY_BYTES_LIMIT)) return undefined;
  const key = new Uint8Array(length);
  key[0] = OUR_KEY_BYTE;
  for (let i = 0; i < name.length; i++) key[1 + i] = name.charCodeAt(i);
  key.set(clientKey, 1 + name.length);
  return key;
}
