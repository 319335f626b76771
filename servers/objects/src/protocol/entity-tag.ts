/** An entity tag without its quotes; one that has none is left as it is, as S3 does. */
export function unquoteEtag(etag: string): string {
  const text = etag.trim();
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
