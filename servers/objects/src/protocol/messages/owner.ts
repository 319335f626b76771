import { element, textElement } from "../xml/index.ts";

/** Who owns or began something, as listings name them. */
export interface Owner {
  readonly id: string;
  readonly displayName: string;
}

/** `<Owner>`, or `<Initiator>` with the same inside; nothing if there is none to name. */
export function ownerElement(name: "Owner" | "Initiator", owner: Owner | undefined): string {
  if (owner === undefined) return "";
  return element(name, textElement("ID", owner.id) + textElement("DisplayName", owner.displayName));
}
