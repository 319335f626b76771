import type { Condition } from "./conditions.ts";

/** Whom a statement is about. Statements of a user's own policies are about that user and have none. */
export type PrincipalPattern =
  | { readonly kind: "everyone" }
  | { readonly kind: "users"; readonly names: readonly string[] };

/** A statement, read and checked. */
export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly principal: PrincipalPattern | undefined;
  /** Patterns in lower case: actions are compared without case. */
  readonly actions: readonly string[];
  /** Patterns without `arn:aws:s3:::`: `bucket` or `bucket/key`. May hold `${aws:username}`. */
  readonly resources: readonly string[];
  readonly conditions: readonly Condition[];
}

/** A policy of a bucket or of a user, as evaluated. The text that the client put is kept beside it. */
export interface Policy {
  readonly statements: readonly Statement[];
  /** Whether a condition asks for tags of the object, which must then be looked up before the decision. */
  readonly needsObjectTags: boolean;
}

/** Who asks. */
export type Principal = { readonly kind: "anonymous" } | { readonly kind: "user"; readonly name: string };

/** What is asked. */
export interface AccessRequest {
  readonly principal: Principal;
  /** `s3:GetObject`, in lower case. */
  readonly action: string;
  /** `bucket` or `bucket/key`. */
  readonly resource: string;
  /** Values of a condition key (in lower case but for the tag name behind a slash); undefined if the request has none. */
  readonly lookup: (key: string) => string | undefined;
}
