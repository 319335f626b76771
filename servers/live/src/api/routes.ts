import { bearerToken, HttpError, type Reply, type RouteRequest, type Router, readJson } from "@kagami/kit";
import { z } from "zod";
import type { Access } from "../channels/access.ts";
import type { Timing } from "../channels/channel.ts";
import type { ChannelRegistry } from "../channels/channel-registry.ts";
import { type ChannelSettings, type ChannelStore, TITLE_LIMIT } from "../channels/channel-store.ts";
import { LiveError, type LiveErrorCode } from "../errors.ts";
import { describeChannel, describeHealth } from "./channel-view.ts";
import { addPrivacyRoutes } from "./privacy-routes.ts";
import { privacyWarnings } from "./privacy-view.ts";

export interface ApiOptions {
  readonly store: ChannelStore;
  readonly registry: ChannelRegistry;
  readonly access: Access;
  readonly timing: Timing;
  /** Publishing addresses to show, for a request that came to `host`. */
  readonly publishUrls: (host: string | undefined) => { rtmpUrl: string; rtmpsUrl: string | null };
  readonly version: string;
  /** Why the privacy filter cannot run here; `undefined` if it can. */
  readonly privacyUnavailableReason: () => string | undefined;
}

const STATUS: Readonly<Record<LiveErrorCode, number>> = {
  CHANNEL_NOT_FOUND: 404,
  CHANNEL_EXISTS: 409,
  CHANNEL_NAME_INVALID: 400,
  CHANNEL_LIMIT: 409,
  OPEN_PUBLISH: 409,
  CONFIG_UNSAFE: 500,
};

const title = z.string().trim().min(1).max(TITLE_LIMIT);
const createSchema = z.strictObject({ name: z.string(), title: title.optional(), isPrivate: z.boolean().optional() });
const updateSchema = z.strictObject({ title: title.optional(), isPrivate: z.boolean().optional() });
const playTokenSchema = z.strictObject({
  expiresInS: z
    .int()
    .min(60)
    .max(31 * 86_400),
});

/** The HTTP API of API.md: public, studio and operator. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  addRoutes(router: Router): void {
    router.add("GET", "/api/server", (route) => this.#server(route));
    router.add("GET", "/api/channels", (route) => this.#list(route));
    router.add("POST", "/api/channels", (route) => this.#refusing(() => this.#create(route)));
    router.add("GET", "/api/channels/{name}", (route) => this.#channel(route));
    router.add("DELETE", "/api/channels/{name}", (route) => this.#refusing(() => this.#delete(route)));
    router.add("POST", "/api/channels/{name}/key", (route) => this.#refusing(() => this.#operatorKey(route)));
    router.add("GET", "/api/studio", (route) => this.#studio(route, this.#streamer(route)));
    router.add("PATCH", "/api/studio", (route) => this.#refusing(() => this.#update(route)));
    router.add("POST", "/api/studio/key", (route) => this.#refusing(() => this.#studioKey(route)));
    router.add("POST", "/api/studio/play-tokens", (route) => this.#playToken(route));
    router.add("DELETE", "/api/studio/publisher", (route) => this.#stop(route));
    router.add("GET", "/api/studio/health", (route) => this.#health(route));
    const { store, registry, privacyUnavailableReason: unavailableReason } = this.#options;
    const streamer = (route: RouteRequest) => this.#streamer(route);
    const refusing = (answer: () => Promise<Reply>) => this.#refusing(answer);
    addPrivacyRoutes(router, { store, registry, unavailableReason, streamer, refusing });
  }

  #server({ request }: RouteRequest): Reply {
    const { version, store, publishUrls } = this.#options;
    return { json: { version, ...publishUrls(request.headers.host), isOpenPublish: store.isOpenPublish } };
  }

  #list(route: RouteRequest): Reply {
    const { store, registry } = this.#options;
    const showsPrivate = route.query.get("all") === "1";
    if (showsPrivate) this.#requireOperator(route);
    const mustBeLive = route.query.get("live") === "1";
    const isLive = (settings: ChannelSettings) => registry.find(settings.name)?.isLive === true;
    const shown = store
      .list()
      .filter((settings) => (showsPrivate || !settings.isPrivate) && (!mustBeLive || isLive(settings)))
      .sort((a, b) => Number(isLive(b)) - Number(isLive(a)) || a.name.localeCompare(b.name));
    return { json: { channels: shown.map((settings) => this.#describe(settings)) } };
  }

  #channel({ params }: RouteRequest): Reply {
    const settings = this.#options.store.find(params.name ?? "");
    if (!settings) throw new HttpError(404, "CHANNEL_NOT_FOUND", `There is no channel "${params.name ?? ""}"`);
    return { json: this.#describe(settings) };
  }

  async #create(route: RouteRequest): Promise<Reply> {
    this.#requireOperator(route);
    const { name, title: given, isPrivate } = await readJson(route.request, createSchema);
    const key = await this.#options.store.create({ name, title: given ?? name, isPrivate: isPrivate ?? false });
    return { status: 201, json: { name, key } };
  }

  async #delete(route: RouteRequest): Promise<Reply> {
    this.#requireOperator(route);
    const name = route.params.name ?? "";
    await this.#options.store.delete(name);
    const channel = this.#options.registry.find(name);
    await channel?.stop();
    // Those who waited for a broadcast would wait for ever.
    channel?.fanOut.leave("ended");
    return { status: 204 };
  }

  async #operatorKey(route: RouteRequest): Promise<Reply> {
    this.#requireOperator(route);
    return { json: { key: await this.#options.store.rotateKey(route.params.name ?? "") } };
  }

  #studio(route: RouteRequest, settings: ChannelSettings): Reply {
    const urls = this.#options.publishUrls(route.request.headers.host);
    const watchPath = `/watch/${encodeURIComponent(settings.name)}`;
    return { json: { ...this.#describe(settings), ...urls, watchPath } };
  }

  async #update(route: RouteRequest): Promise<Reply> {
    const { name } = this.#streamer(route);
    await this.#options.store.update(name, await readJson(route.request, updateSchema));
    return this.#studio(route, this.#options.store.find(name) ?? this.#streamer(route));
  }

  async #studioKey(route: RouteRequest): Promise<Reply> {
    return { json: { key: await this.#options.store.rotateKey(this.#streamer(route).name) } };
  }

  async #playToken(route: RouteRequest): Promise<Reply> {
    const { name } = this.#streamer(route);
    const { expiresInS } = await readJson(route.request, playTokenSchema);
    const expiresAtMs = this.#options.timing.wallMs() + expiresInS * 1000;
    return { json: { token: this.#options.access.makePlayToken(name, expiresAtMs), expiresAtMs } };
  }

  async #stop(route: RouteRequest): Promise<Reply> {
    await this.#options.registry.find(this.#streamer(route).name)?.stop();
    return { status: 204 };
  }

  #health(route: RouteRequest): Reply {
    const settings = this.#streamer(route);
    const { registry, timing, privacyUnavailableReason } = this.#options;
    const channel = registry.find(settings.name);
    const warnings = privacyWarnings(settings, channel, privacyUnavailableReason());
    return { json: describeHealth(channel, warnings, timing.wallMs()) };
  }

  #describe(settings: ChannelSettings): object {
    const { registry, timing } = this.#options;
    return describeChannel(settings, registry.find(settings.name), timing.wallMs());
  }

  /** @throws HttpError 401 without a valid stream key. */
  #streamer({ request }: RouteRequest): ChannelSettings {
    const key = bearerToken(request);
    const settings = key === undefined ? undefined : this.#options.store.findByKey(key);
    if (!settings) {
      const message = "Send the stream key as: Authorization: Bearer KEY";
      throw new HttpError(401, "KEY_UNKNOWN", message, { "www-authenticate": "Bearer" });
    }
    return settings;
  }

  #requireOperator({ request }: RouteRequest): void {
    const token = bearerToken(request);
    if (token !== undefined && this.#options.store.isOperator(token)) return;
    const message = "Send the operator's token as: Authorization: Bearer TOKEN";
    throw new HttpError(401, "OPERATOR_ONLY", message, { "www-authenticate": "Bearer" });
  }

  async #refusing(answer: () => Promise<Reply>): Promise<Reply> {
    try {
      return await answer();
    } catch (error) {
      if (!(error instanceof LiveError)) throw error;
      throw new HttpError(STATUS[error.code], error.code, error.message);
    }
  }
}
