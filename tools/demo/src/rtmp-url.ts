import { DemoPublishError } from "./publish-error.ts";

/** Where to publish. */
export interface RtmpTarget {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  readonly streamName: string;
  /** The address without the key. */
  readonly tcUrl: string;
  /** The address for people: the key is left out. */
  readonly shownUrl: string;
}

const DEFAULT_RTMP_PORT = 1935;

/**
 * Takes `rtmp://host[:port]/app/key` apart; the key may have a query, and all before the last slash is the app.
 *
 * @throws DemoPublishError `DEMO_URL_INVALID`.
 */
export function parseRtmpUrl(text: string): RtmpTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const parts = url?.pathname.split("/").filter((part) => part !== "") ?? [];
  const key = parts.pop();
  if (url?.protocol !== "rtmp:" || url.hostname === "" || key === undefined || parts.length === 0) {
    throw new DemoPublishError(
      "DEMO_URL_INVALID",
      `Cannot publish to "${text}": give an address such as rtmp://127.0.0.1:1935/live/demo`,
    );
  }
  const port = url.port === "" ? DEFAULT_RTMP_PORT : Number(url.port);
  const app = parts.join("/");
  const tcUrl = `rtmp://${url.hostname}:${port}/${app}`;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port, app, streamName: decodeURIComponent(key) + url.search, tcUrl, shownUrl: `${tcUrl}/...` };
}
