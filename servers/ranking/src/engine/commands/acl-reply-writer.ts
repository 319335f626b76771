import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { AclReply } from "../acl/index.ts";

/** Writes a reply of access control, which is data, to a session. */
export function writeAclReply(reply: ReplyWriter, value: AclReply): void {
  if (value === null) reply.nil();
  else if (typeof value === "string") reply.bulkText(value);
  else if (typeof value === "number") reply.integer(value);
  else if (isList(value)) writeAll(reply, value);
  else if ("map" in value) {
    reply.map(value.map.length);
    for (const [name, item] of value.map) {
      reply.bulkText(name);
      writeAclReply(reply, item);
    }
  } else if ("set" in value) {
    reply.set(value.set.length);
    // Flags of users are bulk strings, as in Redis.
    for (const item of value.set) reply.bulkText(item);
  } else if ("double" in value) reply.double(value.double);
  else if ("simple" in value) reply.simple(value.simple);
  else reply.error(value.error);
}

function isList(value: AclReply): value is readonly AclReply[] {
  return Array.isArray(value);
}

function writeAll(reply: ReplyWriter, values: readonly AclReply[]): void {
  reply.array(values.length);
  for (const value of values) writeAclReply(reply, value);
}
