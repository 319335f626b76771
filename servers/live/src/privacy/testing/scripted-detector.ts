import type { Region } from "@kagami/kernels";
import type { Detection, Detector } from "../../engine/privacy/detection.ts";

/** A banner that the detector shall see from one time to another, the second not included. */
export interface ScriptedBanner {
  readonly fromUs: number;
  readonly toUs: number;
  readonly region: Region;
  /** Its first picture is found too late: the one before is to be hidden as well. */
  readonly reachesBack?: boolean;
}

/** Sees what it is told, by presentation time; covers the top quarter for `coverUs` where it starts covered. */
export function createScriptedDetector(
  banners: readonly ScriptedBanner[],
  cover?: { readonly startsCovered: boolean; readonly coverUs: number },
): Detector {
  let startedUs: number | undefined;
  let bannerCount = 0;
  const seen = new Set<ScriptedBanner>();
  return {
    inspect({ y }, timeUs): Detection {
      startedUs ??= timeUs;
      const found = banners.find(({ fromUs, toUs }) => timeUs >= fromUs && timeUs < toUs);
      const isFirst = found !== undefined && !seen.has(found);
      if (found !== undefined && isFirst) {
        seen.add(found);
        bannerCount++;
      }
      const isCovered = cover?.startsCovered === true && timeUs < startedUs + cover.coverUs;
      const regions = found === undefined ? [] : [found.region];
      if (isCovered) regions.push({ x: 0, y: 0, width: y.width, height: y.height >> 2 });
      return {
        state: found !== undefined ? "banner" : isCovered ? "held" : "clear",
        regions,
        reachesBack: isFirst && found.reachesBack === true,
        isUnsure: false,
        bannerCount,
        explanation: regions.map((region) => ({ region, rule: "scripted", score: 1 })),
      };
    },
  };
}
