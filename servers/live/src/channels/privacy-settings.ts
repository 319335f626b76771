import { z } from "zod";

const ZONE_LIMIT = 8;

/** Room for the rounding of `x + width`. */
const EDGE = 1 + 1e-6;

const fraction = z.number().min(0).max(1);

const zoneSchema = z
  .strictObject({ x: fraction, y: fraction, width: fraction.positive(), height: fraction.positive() })
  .refine(({ x, width }) => x + width <= EDGE, { message: "x + width must not be more than 1", path: ["width"] })
  .refine(({ y, height }) => y + height <= EDGE, { message: "y + height must not be more than 1", path: ["height"] });

/** A channel's settings of the privacy filter, as they are stored and as API.md shows them. */
export const privacySettingsSchema = z.strictObject({
  isEnabled: z.boolean(),
  mode: z.enum(["selective", "always"]),
  style: z.enum(["any", "ios", "android"]),
  strength: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  onFailure: z.enum(["cover", "pause", "pass"]),
  zones: z.array(zoneSchema).max(ZONE_LIMIT),
});

/** What `PATCH /api/studio/privacy` takes: any of the settings. */
export const privacyChangeSchema = privacySettingsSchema.partial();

export type PrivacySettings = z.output<typeof privacySettingsSchema>;

export type PrivacyChange = z.output<typeof privacyChangeSchema>;

/** The settings with a change; what the change does not name stays. */
export function changePrivacy(settings: PrivacySettings, change: PrivacyChange): PrivacySettings {
  return {
    isEnabled: change.isEnabled ?? settings.isEnabled,
    mode: change.mode ?? settings.mode,
    style: change.style ?? settings.style,
    strength: change.strength ?? settings.strength,
    onFailure: change.onFailure ?? settings.onFailure,
    zones: change.zones ?? settings.zones,
  };
}

/** Off, and what is used when somebody switches it on. */
export function defaultPrivacy(onFailure: PrivacySettings["onFailure"]): PrivacySettings {
  return { isEnabled: false, mode: "selective", style: "any", strength: 2, onFailure, zones: [] };
}
