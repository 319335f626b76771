import { HttpError, type Reply, type RouteRequest, type Router, readBody } from "@kagami/kit";
import type { ChannelRegistry } from "../channels/channel-registry.ts";
import type { ChannelSettings, ChannelStore } from "../channels/channel-store.ts";
import { changePrivacy, type PrivacyChange, privacyChangeSchema } from "../channels/privacy-settings.ts";
import { describePrivacy } from "./privacy-view.ts";

const BODY_LIMIT_BYTES = 16_384;

export interface PrivacyRoutesOptions {
  readonly store: ChannelStore;
  readonly registry: ChannelRegistry;
  /** Why the filter cannot run here. */
  readonly unavailableReason: () => string | undefined;
  /** The channel whose key came with a request. @throws HttpError 401 */
  readonly streamer: (route: RouteRequest) => ChannelSettings;
  /** Answers refusals of the store as the API does. */
  readonly refusing: (answer: () => Promise<Reply>) => Promise<Reply>;
}

/** The part of API.md that is about the notification blur. */
export function addPrivacyRoutes(router: Router, options: PrivacyRoutesOptions): void {
  const { store, registry, unavailableReason, streamer, refusing } = options;
  const describe = (settings: ChannelSettings): Reply => ({
    json: describePrivacy(settings, registry.find(settings.name), unavailableReason()),
  });
  router.add("GET", "/api/studio/privacy", (route) => describe(streamer(route)));
  router.add("PATCH", "/api/studio/privacy", (route) =>
    refusing(async () => {
      const settings = streamer(route);
      const change = await readChange(route);
      const reason = unavailableReason();
      if (change.isEnabled === true && !settings.privacy.isEnabled && reason !== undefined) {
        throw new HttpError(409, "PRIVACY_UNAVAILABLE", `The notification blur cannot be switched on here: ${reason}`);
      }
      // As it is now: another request may have changed it while this one's body came.
      const before = store.find(settings.name) ?? settings;
      const privacy = changePrivacy(before.privacy, change);
      await store.update(settings.name, { privacy });
      registry.find(settings.name)?.applyPrivacy(privacy);
      return describe({ ...before, privacy });
    }),
  );
  router.add("GET", "/api/studio/privacy/preview.jpg", (route) => preview(route, options));
}

async function preview(route: RouteRequest, { registry, streamer }: PrivacyRoutesOptions): Promise<Reply> {
  const settings = streamer(route);
  const broadcast = registry.find(settings.name)?.broadcast;
  if (!broadcast) throw new HttpError(409, "NOT_LIVE", `Channel "${settings.name}" is not live just now`);
  if (!settings.privacy.isEnabled || !broadcast.privacy) {
    throw new HttpError(409, "PRIVACY_OFF", "The notification blur is off; switch it on to see what it sees");
  }
  const still = await broadcast.privacy.preview(route.query.get("test") === "1");
  if (!still) {
    const message = "No picture came in time. The stream or its filter stands still, or many previews are asked for";
    throw new HttpError(503, "PREVIEW_LATE", message, { "retry-after": "1" });
  }
  const headers = { "content-type": "image/jpeg", "cache-control": "no-store", "x-kagami-detection": still.state };
  return { body: still.jpeg, headers };
}

/** @throws HttpError 400 `PRIVACY_SETTINGS_INVALID`, naming each setting that is wrong */
async function readChange({ request }: RouteRequest): Promise<PrivacyChange> {
  const text = new TextDecoder().decode(await readBody(request, BODY_LIMIT_BYTES));
  const parsed = privacyChangeSchema.safeParse(asJson(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 5).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join(".")}: ${message}`;
  });
  throw invalid(problems.join("; "));
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("the body is not JSON");
  }
}

function invalid(problem: string): HttpError {
  return new HttpError(400, "PRIVACY_SETTINGS_INVALID", `The settings cannot be taken: ${problem}`);
}
