import { randomBytes, randomInt } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ACCESS_KEY_CHARACTERS = 20;
const SECRET_BYTES = 30;

/** An access key of 20 capital letters and digits, as clients expect them to look. */
export function randomAccessKey(): string {
  let key = "KG";
  while (key.length < ACCESS_KEY_CHARACTERS) key += LETTERS[randomInt(LETTERS.length)];
  return key;
}

/** A secret of 40 characters (240 bits). */
export function randomSecretKey(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
