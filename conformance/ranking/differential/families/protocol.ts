import type { Family, Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

const PIECES = [
  "PING\r\n",
  "PING\n",
  "\r\n",
  "\n",
  "  PING  \r\n",
  'SET p0 "a b\\x41\\n"\r\n',
  "SET p0 'it\\'s'\r\n",
  'GET "unbalanced\r\n',
  "GET 'a'b\r\n",
  "GET p0\r\n",
  "ECHO \xff\xfe\r\n",
  "*1\r\n$4\r\nPING\r\n",
  "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n",
  "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
  "*0\r\n",
  "*-1\r\n",
  "*x\r\n",
  "*1\r\n:1\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$x\r\n",
  "*1\r\n$4294967296\r\n",
  "*2147483648\r\n",
  "*2147483648\r\n",
  "*+1\r\n$4\r\nPING\r\n",
  "*01\r\n$4\r\nPING\r\n",
  "*1 \r\n$4\r\nPING\r\n",
  "*1\r\n$04\r\nPING\r\n",
  "*2\r\n$3\r\nGET\r\n$2\r\np0xx*1\r\n$4\r\nPING\r\n",
  "HELLO 3\r\n",
  "HELLO 4\r\n",
  "HELLO x\r\n",
  "SELECT 1\r\n",
  "CLIENT SETNAME a b\r\n",
  "CLIENT GETNAME\r\n",
  "CLIENT REPLY SKIP\r\n",
  "CLIENT REPLY OFF\r\n",
  "QUIT\r\n",
  "RESET\r\n",
  "\0\r\n",
  "$4\r\nPING\r\n",
  "+PING\r\n",
] as const;

/** Half a command at the end says nothing more: it is dropped with the connection. */
const ENDS = ["", "", "", "*1\r\n$4\r\nPI", "*2\r\n", "*", "PIN", "$"] as const;

/** Inline commands, protocol errors and half commands, on connections of their own. */
export const PROTOCOL: Family = {
  name: "protocol",
  weight: 1,
  next: (v: Vocabulary): Step[] => [
    { kind: "bytes", bytes: v.many(1, 6, () => v.one(...PIECES)).join("") + v.one(...ENDS) },
  ],
};
