import { existsSync } from "node:fs";
import { heading, run, which } from "./steps.ts";

/** A system package that tests use, and the file or program that proves that it is there. */
interface SystemPackage {
  readonly name: string;
  readonly program?: string;
  readonly file?: string;
  readonly why: string;
}

export const TEST_PACKAGES: readonly SystemPackage[] = [
  { name: "ffmpeg", program: "ffmpeg", why: "publishes and plays as a real client" },
  { name: "chromium", program: "chromium", why: "the browser that plays the stream" },
  { name: "fontconfig", program: "fc-list", why: "tells whether the blur's corpus would be drawn with its fonts" },
  {
    name: "fonts-dejavu-extra",
    file: "/usr/share/fonts/truetype/dejavu/DejaVuSansCondensed.ttf",
    why: "letters of the blur's corpus",
  },
  {
    name: "fonts-liberation",
    file: "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    why: "letters of the blur's corpus",
  },
  {
    name: "fonts-droid-fallback",
    file: "/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf",
    why: "Chinese and Japanese in the blur's corpus",
  },
  {
    name: "fonts-urw-base35",
    file: "/usr/share/fonts/opentype/urw-base35/URWGothic-Book.otf",
    why: "letters of the blur's corpus",
  },
  { name: "nginx", program: "nginx", why: "the peer that RTMP is compared with" },
  {
    name: "libnginx-mod-rtmp",
    file: "/usr/lib/nginx/modules/ngx_rtmp_module.so",
    why: "the peer that RTMP is compared with",
  },
  { name: "gstreamer1.0-tools", program: "gst-launch-1.0", why: "a second foreign publisher and player" },
  {
    name: "gstreamer1.0-plugins-bad",
    file: "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstrtmp2.so",
    why: "RTMP for GStreamer",
  },
  {
    name: "gstreamer1.0-plugins-good",
    file: "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstflv.so",
    why: "FLV for GStreamer",
  },
  {
    name: "gstreamer1.0-libav",
    file: "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstlibav.so",
    why: "decoders for GStreamer",
  },
  {
    name: "memcached",
    program: "memcached",
    why: "the servers behind the cache proxy, and what its replies are compared with",
  },
  {
    name: "redis-server",
    program: "redis-server",
    why: "what the replies of the ranking store are compared with, and its peer",
  },
  { name: "nutcracker", program: "nutcracker", why: "the peer that the cache proxy is compared with" },
  { name: "libmemcached-tools", program: "memccapable", why: "the outside judge of the memcached protocols" },
  { name: "redis-tools", program: "redis-check-rdb", why: "the outside judge of RDB files" },
  { name: "strace", program: "strace", why: "counts the system calls of the cache proxy and its peer" },
  { name: "php-cli", program: "php", why: "runs php-memcache and php-memcached" },
  { name: "php-memcache", file: "/etc/php/8.2/mods-available/memcache.ini", why: "a memcached client" },
  { name: "php-memcached", file: "/etc/php/8.2/mods-available/memcached.ini", why: "a memcached client" },
  { name: "python3-pymemcache", file: "/usr/lib/python3/dist-packages/pymemcache", why: "a memcached client" },
  { name: "python3-pylibmc", file: "/usr/lib/python3/dist-packages/pylibmc", why: "a memcached client" },
  { name: "python3-redis", file: "/usr/lib/python3/dist-packages/redis", why: "a client of the ranking store" },
  {
    name: "libatomic1",
    file: "/usr/lib/x86_64-linux-gnu/libatomic.so.1",
    why: "the index of the object store is linked to it",
  },
  { name: "s3cmd", program: "s3cmd", why: "a client of the object store" },
  { name: "rclone", program: "rclone", why: "a client of the object store" },
  { name: "awscli", file: "/usr/bin/aws", why: "a client of the object store" },
  { name: "wrk", program: "wrk", why: "puts load on the object store and its peers" },
  { name: "python3-boto3", file: "/usr/lib/python3/dist-packages/boto3", why: "a client of the object store" },
];

function isMissing(entry: SystemPackage): boolean {
  if (entry.program !== undefined) return which(entry.program) === undefined;
  const path = entry.file ?? "";
  return ![path, path.replace("x86_64", "aarch64")].some((candidate) => existsSync(candidate));
}

/**
 * Installs the missing packages with apt when this is Debian and we are root.
 *
 * @returns what is still missing, each with its reason.
 */
export async function ensureSystemPackages(wanted: readonly SystemPackage[]): Promise<SystemPackage[]> {
  const missing = wanted.filter(isMissing);
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || which("apt-get") === undefined) return missing;
  heading(`Installing system packages: ${missing.map((entry) => entry.name).join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { env });
  const names = missing.map((entry) => entry.name);
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], { env });
  return wanted.filter(isMissing);
}
