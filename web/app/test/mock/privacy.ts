import { execFileSync } from "node:child_process";
import type { ServerResponse } from "node:http";
import type { Privacy, PrivacySettings } from "../../src/api/types.ts";

/** A refusal that a test asks for. */
export interface MockRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const SETTINGS: PrivacySettings = {
  isEnabled: false,
  mode: "selective",
  style: "any",
  strength: 2,
  onFailure: "cover",
  zones: [],
};

const ALLOWED: Readonly<Record<string, readonly unknown[]>> = {
  isEnabled: [true, false],
  mode: ["selective", "always"],
  style: ["any", "ios", "android"],
  strength: [1, 2, 3],
  onFailure: ["cover", "pause", "pass"],
};

/** The notification blur of the mock's channel `demo`; tests change its fields and read what was asked. */
export class MockPrivacy {
  isAvailable = true;
  unavailableReason: string | null = null;
  settings = SETTINGS;
  status: Omit<Privacy["status"], "state"> & { state?: Privacy["status"]["state"] } = {
    isEncoding: false,
    regions: [],
    bannerCount: 0,
    lastHiddenAtMs: null,
    restartCount: 0,
    cpuPercent: null,
    addedLatencyMs: null,
    message: null,
  };
  /** Refuses every PATCH, or every picture, as long as it is set. */
  patchRefusal: MockRefusal | undefined;
  pictureRefusal: MockRefusal | undefined;
  /** What the detector finds in a test; `undefined` leaves the header out. */
  detects: string | undefined = "banner";
  readonly patches: unknown[] = [];
  readonly pictures: { readonly atMs: number; readonly isTest: boolean }[] = [];
  #testCount = 0;

  /** @returns whether the path is one of the blur's. */
  answer(method: string, url: URL, body: unknown, response: ServerResponse): boolean {
    switch (`${method} ${url.pathname}`) {
      case "GET /api/studio/privacy":
        this.#answerJson(response, 200, this.#privacy());
        return true;
      case "PATCH /api/studio/privacy":
        this.#patch(body as Partial<PrivacySettings>, response);
        return true;
      case "GET /api/studio/privacy/preview.jpg":
        this.#picture(url.searchParams.get("test") === "1", response);
        return true;
      default:
        return false;
    }
  }

  #privacy(): Privacy {
    const { isAvailable, unavailableReason, settings, status } = this;
    const state = status.state ?? (settings.isEnabled ? "watching" : "off");
    return { isAvailable, unavailableReason, settings, status: { ...status, state } };
  }

  #patch(change: Partial<PrivacySettings>, response: ServerResponse): void {
    this.patches.push(change);
    const refusal = this.patchRefusal ?? this.#refusalOf(change);
    if (refusal !== undefined) {
      this.#refuse(response, refusal);
      return;
    }
    this.settings = { ...this.settings, ...change };
    this.#answerJson(response, 200, this.#privacy());
  }

  #refusalOf(change: Partial<PrivacySettings>): MockRefusal | undefined {
    const isValid = Object.entries(change).every(([name, value]) =>
      name === "zones" ? areZones(value) : ALLOWED[name]?.includes(value) === true,
    );
    if (!isValid) return { status: 400, code: "PRIVACY_SETTINGS_INVALID", message: "No such setting" };
    if (change.isEnabled !== true || this.isAvailable) return undefined;
    return { status: 409, code: "PRIVACY_UNAVAILABLE", message: "No codec package" };
  }

  #picture(isTest: boolean, response: ServerResponse): void {
    this.pictures.push({ atMs: performance.now(), isTest });
    const off = { status: 409, code: "PRIVACY_OFF", message: "The blur is off" };
    const refusal = this.pictureRefusal ?? (this.settings.isEnabled ? undefined : off);
    if (refusal !== undefined) {
      this.#refuse(response, refusal);
      return;
    }
    this.#testCount = isTest ? this.#testCount + 1 : 0;
    const stills = isTest ? testStills() : plainStills();
    const index = isTest ? Math.min(this.#testCount, stills.length) - 1 : this.pictures.length % stills.length;
    const isDetected = isTest && this.#testCount > 3;
    response.writeHead(200, {
      "content-type": "image/jpeg",
      "cache-control": "no-store",
      ...(this.detects !== undefined && isTest ? { "x-kagami-detection": isDetected ? this.detects : "clear" } : {}),
    });
    response.end(stills[index]);
  }

  #refuse(response: ServerResponse, { status, code, message }: MockRefusal): void {
    this.#answerJson(response, status, { error: { code, message } });
  }

  #answerJson(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(body));
  }
}

/** Checked without a tolerance, as a strict server would. */
function areZones(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > 8) return false;
  return value.every(({ x, y, width, height }: Record<string, number>) => {
    if (x === undefined || y === undefined || width === undefined || height === undefined) return false;
    return x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1 && y + height <= 1;
  });
}

let plain: readonly Buffer[] | undefined;
let tested: readonly Buffer[] | undefined;

/** Pictures of something like a phone's game. */
function plainStills(): readonly Buffer[] {
  plain ??= makeStills("null");
  return plain;
}

/** The same with a white card that slides in, framed once it is found. */
function testStills(): readonly Buffer[] {
  const frame = "drawbox=x=8:y=18:w=344:h=72:color=red:thickness=3:enable='gte(t,0.75)'";
  tested ??= makeStills(
    `null[a];color=white:size=328x56:rate=4[card];[a][card]overlay=x=16:y='min(26,t*104-58)',${frame}`,
  );
  return tested;
}

function makeStills(filter: string): readonly Buffer[] {
  const source = "gradients=size=360x640:rate=4:c0=0x22345a:c1=0x7a3b69:x0=0:y0=0:x1=360:y1=640:seed=7:speed=0.02";
  const boxes =
    "drawbox=x=40:y=420:w=90:h=90:color=0xe0b050:thickness=fill,drawbox=y=560:h=80:color=0x18202c:thickness=fill";
  const complex = `${source},${boxes},${filter}`;
  const mjpeg = execFileSync(
    "ffmpeg",
    ["-v", "error", "-filter_complex", `${complex},format=yuvj420p`, "-frames:v", "8", "-q:v", "4", "-f", "mjpeg", "-"],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  const ends = Buffer.from([0xff, 0xd9]);
  const stills: Buffer[] = [];
  for (let at = 0; at < mjpeg.length; ) {
    const end = mjpeg.indexOf(ends, at) + ends.length;
    stills.push(mjpeg.subarray(at, end));
    at = end;
  }
  return stills;
}
