import { formatIsoDate } from "@kagami/clock";
import {
  DAY_MS,
  type LifecycleFilter,
  type LifecycleRule,
  type LifecycleTransition,
} from "../../engine/lifecycle/lifecycle.ts";
import { parseIsoDate } from "../dates.ts";
import { invalidArgument, S3Error } from "../errors.ts";
import {
  booleanOf,
  childOf,
  childrenOf,
  element,
  integerOf,
  requiredTextOf,
  rootNamed,
  textElement,
  textOf,
  type XmlElement,
  xmlDocument,
} from "../xml/index.ts";
import { onlyChildren } from "./only-children.ts";

/** As S3. */
const LIFECYCLE_RULE_LIMIT = 1_000;
const ID_LIMIT_CHARACTERS = 255;
const DAYS_LIMIT = 36_500;
const TAG_KEY_LIMIT_CHARACTERS = 128;
const NEWER_VERSIONS_LIMIT = 100;

const NO_FILTER: LifecycleFilter = { prefix: "", tags: {}, sizeGreaterThan: undefined, sizeLessThan: undefined };

/**
 * Reads a lifecycle configuration. Transitions of noncurrent versions are refused; which classes there are the caller knows.
 *
 * @throws S3Error MalformedXML, InvalidArgument, InvalidRequest, NotImplemented
 * @see Amazon S3 API Reference, PutBucketLifecycleConfiguration
 */
export function readLifecycle(root: XmlElement): readonly LifecycleRule[] {
  rootNamed(root, "LifecycleConfiguration");
  onlyChildren(root, ["Rule"]);
  const elements = childrenOf(root, "Rule");
  if (elements.length === 0 || elements.length > LIFECYCLE_RULE_LIMIT) throw new S3Error("MalformedXML");
  const rules = elements.map(readRule);
  if (new Set(rules.map(({ id }) => id)).size !== rules.length) {
    throw invalidArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", "");
  }
  return rules;
}

const ACTIONS = ["Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", "Transition"];
const REFUSED = "NoncurrentVersionTransition";
/** More classes than there are: each at most once in a rule. */
const TRANSITION_LIMIT = 8;

function readRule(rule: XmlElement, index: number): LifecycleRule {
  onlyChildren(rule, ["ID", "Prefix", "Filter", "Status", ...ACTIONS, REFUSED]);
  if (childrenOf(rule, REFUSED).length > 0) {
    throw new S3Error("NotImplemented", { message: `Lifecycle rules with ${REFUSED} are not implemented` });
  }
  if (!ACTIONS.some((name) => childrenOf(rule, name).length > 0)) {
    throw new S3Error("InvalidRequest", { message: "At least one action needs to be specified in a rule" });
  }
  const status = requiredTextOf(rule, "Status");
  if (status !== "Enabled" && status !== "Disabled") throw new S3Error("MalformedXML");
  const given = textOf(rule, "ID") ?? "";
  if (given.length > ID_LIMIT_CHARACTERS) {
    throw invalidArgument(`ID length should not exceed allowed limit of ${ID_LIMIT_CHARACTERS}`, "ID", given);
  }
  const filter = readFilter(rule);
  const made: LifecycleRule = {
    id: given === "" ? `rule-${index + 1}` : given,
    isEnabled: status === "Enabled",
    filter,
    ...readExpiration(childOf(rule, "Expiration")),
    ...readNoncurrent(childOf(rule, "NoncurrentVersionExpiration")),
    abortUploadDays: readAbort(childOf(rule, "AbortIncompleteMultipartUpload")),
    ...readTransitions(childrenOf(rule, "Transition")),
  };
  checkTogether(made);
  return made;
}

function checkTogether(rule: LifecycleRule): void {
  const { filter, abortUploadDays, expiredObjectDeleteMarker } = rule;
  checkTransitions(rule);
  const hasTags = Object.keys(filter.tags).length > 0;
  const hasSizes = filter.sizeGreaterThan !== undefined || filter.sizeLessThan !== undefined;
  if (abortUploadDays !== undefined && (hasTags || hasSizes)) {
    throw new S3Error("InvalidRequest", {
      message: "AbortIncompleteMultipartUpload cannot be specified with Tags or object sizes",
    });
  }
  if (expiredObjectDeleteMarker && hasTags) {
    throw new S3Error("InvalidRequest", { message: "ExpiredObjectDeleteMarker cannot be specified with Tags" });
  }
}

/** Each class once, all by days or all by dates, and before the object expires. */
function checkTransitions({ transitions = [], expirationDays, expirationDateMs }: LifecycleRule): void {
  const byDays = transitions.filter(({ days }) => days !== undefined);
  if (byDays.length > 0 && byDays.length < transitions.length) {
    throw new S3Error("InvalidRequest", {
      message: "Found mixed 'Date' and 'Days' based Transition actions in a rule",
    });
  }
  if (new Set(transitions.map(({ storageClass }) => storageClass)).size !== transitions.length) {
    throw new S3Error("InvalidRequest", {
      message: "'StorageClass' must be different for 'Transition' actions in a rule",
    });
  }
  for (const { days, dateMs } of transitions) {
    const isLate =
      (days !== undefined && expirationDays !== undefined && days >= expirationDays) ||
      (dateMs !== undefined && expirationDateMs !== undefined && dateMs >= expirationDateMs);
    if (isLate) {
      throw invalidArgument("'Expiration' must be later than each 'Transition' of the rule", "Expiration", "");
    }
  }
}

function readTransitions(elements: readonly XmlElement[]): Pick<LifecycleRule, "transitions"> {
  if (elements.length === 0) return {};
  if (elements.length > TRANSITION_LIMIT) throw new S3Error("MalformedXML");
  const transitions = elements.map((element): LifecycleTransition => {
    onlyChildren(element, ["Days", "Date", "StorageClass"]);
    const days = integerOf(element, "Days");
    const date = textOf(element, "Date");
    if ((days === undefined) === (date === undefined)) throw new S3Error("MalformedXML");
    if (days !== undefined && (days < 0 || days > DAYS_LIMIT)) {
      throw invalidArgument(`'Days' for Transition action must be 0 to ${DAYS_LIMIT}`, "Days", String(days));
    }
    const storageClass = requiredTextOf(element, "StorageClass");
    if (!/^[A-Z_]{1,32}$/.test(storageClass)) throw new S3Error("MalformedXML");
    return { days, dateMs: date === undefined ? undefined : readDate(date), storageClass };
  });
  return { transitions };
}

function readFilter(rule: XmlElement): LifecycleFilter {
  const filter = childOf(rule, "Filter");
  const prefix = textOf(rule, "Prefix");
  if (filter && prefix !== undefined) throw new S3Error("MalformedXML");
  if (!filter) {
    // One of both must be there, so that a rule for everything is never an oversight.
    if (prefix === undefined) throw new S3Error("MalformedXML");
    return { ...NO_FILTER, prefix };
  }
  const and = childOf(filter, "And");
  if (!and) {
    if (filter.children.length > 1) throw new S3Error("MalformedXML");
    return readFilterParts(filter);
  }
  if (filter.children.length > 1 || and.children.length < 2) throw new S3Error("MalformedXML");
  return readFilterParts(and);
}

function readFilterParts(element: XmlElement): LifecycleFilter {
  onlyChildren(element, ["Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan"]);
  const sizeGreaterThan = readSize(element, "ObjectSizeGreaterThan");
  const sizeLessThan = readSize(element, "ObjectSizeLessThan");
  if (sizeGreaterThan !== undefined && sizeLessThan !== undefined && sizeLessThan <= sizeGreaterThan + 1) {
    throw new S3Error("InvalidRequest", {
      message: "ObjectSizeLessThan must be greater than ObjectSizeGreaterThan by more than one",
    });
  }
  return { prefix: textOf(element, "Prefix") ?? "", tags: readTags(element), sizeGreaterThan, sizeLessThan };
}

function readTags(filter: XmlElement): Readonly<Record<string, string>> {
  const tags = new Map<string, string>();
  for (const tag of childrenOf(filter, "Tag")) {
    const key = requiredTextOf(tag, "Key");
    if (key === "" || key.length > TAG_KEY_LIMIT_CHARACTERS) throw new S3Error("InvalidTag");
    if (tags.has(key)) throw new S3Error("InvalidRequest", { message: "Duplicate Tag Keys are not allowed." });
    tags.set(key, requiredTextOf(tag, "Value"));
  }
  return Object.fromEntries(tags);
}

function readSize(element: XmlElement, name: string): number | undefined {
  const size = integerOf(element, name);
  if (size !== undefined && size < 0) throw invalidArgument(`'${name}' must not be negative`, name, String(size));
  return size;
}

type Expiration = Pick<LifecycleRule, "expirationDays" | "expirationDateMs" | "expiredObjectDeleteMarker">;

function readExpiration(element: XmlElement | undefined): Expiration {
  const nothing = { expirationDays: undefined, expirationDateMs: undefined, expiredObjectDeleteMarker: false };
  if (!element) return nothing;
  onlyChildren(element, ["Days", "Date", "ExpiredObjectDeleteMarker"]);
  if (element.children.length !== 1) throw new S3Error("MalformedXML");
  const expirationDays = readDays(element, "Days");
  const date = textOf(element, "Date");
  const expirationDateMs = date === undefined ? undefined : readDate(date);
  return {
    expirationDays,
    expirationDateMs,
    expiredObjectDeleteMarker: booleanOf(element, "ExpiredObjectDeleteMarker"),
  };
}

function readDate(text: string): number {
  const ms = parseIsoDate(text.trim()) ?? parseIsoDate(`${text.trim()}T00:00:00Z`);
  if (ms === undefined) throw new S3Error("MalformedXML");
  if (ms % DAY_MS !== 0) throw invalidArgument("'Date' must be at midnight GMT", "Date", text);
  return ms;
}

function readNoncurrent(
  element: XmlElement | undefined,
): Pick<LifecycleRule, "noncurrentDays" | "newerNoncurrentVersions"> {
  if (!element) return { noncurrentDays: undefined, newerNoncurrentVersions: 0 };
  onlyChildren(element, ["NoncurrentDays", "NewerNoncurrentVersions"]);
  const newer = integerOf(element, "NewerNoncurrentVersions") ?? 0;
  if (newer < 0 || newer > NEWER_VERSIONS_LIMIT) {
    throw invalidArgument("'NewerNoncurrentVersions' must be 0 to 100", "NewerNoncurrentVersions", String(newer));
  }
  const noncurrentDays = readDays(element, "NoncurrentDays");
  if (noncurrentDays === undefined) throw new S3Error("MalformedXML");
  return { noncurrentDays, newerNoncurrentVersions: newer };
}

function readAbort(element: XmlElement | undefined): number | undefined {
  if (!element) return undefined;
  onlyChildren(element, ["DaysAfterInitiation"]);
  const days = readDays(element, "DaysAfterInitiation");
  if (days === undefined) throw new S3Error("MalformedXML");
  return days;
}

function readDays(element: XmlElement, name: string): number | undefined {
  const days = integerOf(element, name);
  if (days === undefined || (days >= 1 && days <= DAYS_LIMIT)) return days;
  throw invalidArgument(`'${name}' for action must be a positive integer of at most ${DAYS_LIMIT}`, name, String(days));
}

/** What {@link readLifecycle} reads. */
export function writeLifecycle(rules: readonly LifecycleRule[]): string {
  return xmlDocument("LifecycleConfiguration", rules.map(writeRule).join(""));
}

function writeRule(rule: LifecycleRule): string {
  const expiration =
    textElement("Days", rule.expirationDays) +
    textElement("Date", rule.expirationDateMs === undefined ? undefined : formatIsoDate(rule.expirationDateMs)) +
    textElement("ExpiredObjectDeleteMarker", rule.expiredObjectDeleteMarker || undefined);
  const noncurrent =
    textElement("NoncurrentDays", rule.noncurrentDays) +
    textElement("NewerNoncurrentVersions", rule.newerNoncurrentVersions || undefined);
  const abort = textElement("DaysAfterInitiation", rule.abortUploadDays);
  return element(
    "Rule",
    textElement("ID", rule.id) +
      element("Filter", writeFilter(rule.filter)) +
      textElement("Status", rule.isEnabled ? "Enabled" : "Disabled") +
      (expiration === "" ? "" : element("Expiration", expiration)) +
      (rule.noncurrentDays === undefined ? "" : element("NoncurrentVersionExpiration", noncurrent)) +
      (rule.transitions ?? []).map(writeTransition).join("") +
      (abort === "" ? "" : element("AbortIncompleteMultipartUpload", abort)),
  );
}

function writeTransition({ days, dateMs, storageClass }: LifecycleTransition): string {
  const date = dateMs === undefined ? undefined : formatIsoDate(dateMs);
  return element(
    "Transition",
    textElement("Days", days) + textElement("Date", date) + textElement("StorageClass", storageClass),
  );
}

function writeFilter({ prefix, tags, sizeGreaterThan, sizeLessThan }: LifecycleFilter): string {
  const parts = [
    textElement("ObjectSizeGreaterThan", sizeGreaterThan),
    textElement("ObjectSizeLessThan", sizeLessThan),
    ...Object.entries(tags).map(([key, value]) =>
      element("Tag", textElement("Key", key) + textElement("Value", value)),
    ),
  ].filter((part) => part !== "");
  if (prefix !== "" || parts.length === 0) parts.unshift(textElement("Prefix", prefix));
  return parts.length === 1 ? (parts[0] as string) : element("And", parts.join(""));
}
