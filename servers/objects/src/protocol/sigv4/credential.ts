/** `AKID/20130524/us-east-1/s3/aws4_request`: who signs, and for which day, region and service. */
export interface Credential {
  readonly accessKeyId: string;
  /** `YYYYMMDD` */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly terminal: string;
  /** What stands behind the key id. */
  readonly scope: string;
}

/** Longer texts are no credential. */
const MAX_CREDENTIAL_LENGTH = 300;

/** Splits a credential from its end, since a key id may hold slashes; undefined if it has less than five parts. */
export function parseCredential(text: string): Credential | undefined {
  if (text.length > MAX_CREDENTIAL_LENGTH) return undefined;
  const terminalAt = text.lastIndexOf("/");
  const serviceAt = text.lastIndexOf("/", terminalAt - 1);
  const regionAt = text.lastIndexOf("/", serviceAt - 1);
  const dayAt = text.lastIndexOf("/", regionAt - 1);
  if (dayAt <= 0 || regionAt <= dayAt || serviceAt <= regionAt || terminalAt <= serviceAt) return undefined;
  return {
    accessKeyId: text.slice(0, dayAt),
    day: text.slice(dayAt + 1, regionAt),
    region: text.slice(regionAt + 1, serviceAt),
    service: text.slice(serviceAt + 1, terminalAt),
    terminal: text.slice(terminalAt + 1),
    scope: text.slice(dayAt + 1),
  };
}
