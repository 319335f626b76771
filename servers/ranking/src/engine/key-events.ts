/** Classes of keyspace notifications, as bits; the letters are those of `notify-keyspace-events`. */
export const EventClass = {
  generic: 1, // g
  string: 2, // $
  list: 4, // l
  set: 8, // s
  hash: 16, // h
  sortedSet: 32, // z
  expired: 64, // x
  evicted: 128, // e
  keyMiss: 256, // m
  newKey: 512, // n
  board: 1024, // of ours: RANK and WIN, with the letter b
} as const;

/** Bits beside the classes: over which kinds of channels notifications are sent (`K` and `E`). */
export const NotifyChannel = { keyspace: 1 << 16, keyevent: 1 << 17 } as const;
