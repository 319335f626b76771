/** A route's path, compiled. Without names, `expression` is absent and the text is compared as it is. */
export interface PathPattern {
  readonly text: string;
  readonly names: readonly string[];
  readonly expression: RegExp | undefined;
}

const NAMES_PER_SEGMENT_LIMIT = 2;

/**
 * Compiles a pattern such as `/live/{name}/part-{msn}.{part}.m4s` or `/files/{path*}`.
 *
 * @throws RangeError if a brace is odd, a name is used twice, or a segment has names with nothing between them.
 */
export function compilePattern(text: string): PathPattern {
  if (!text.startsWith("/")) throw new RangeError(`Cannot use route "${text}": it must begin with "/"`);
  const names: string[] = [];
  const segments = text.split("/").slice(1);
  const sources = segments.map((segment, i) => compileSegment(text, segment, i === segments.length - 1, names));
  if (new Set(names).size !== names.length) throw new RangeError(`Cannot use route "${text}": a name is used twice`);
  const expression = names.length === 0 ? undefined : new RegExp(`^/${sources.join("/")}$`, "s");
  return { text, names, expression };
}

/** Raw values by name, still encoded; `undefined` if the path does not match. */
export function matchPattern(pattern: PathPattern, path: string): Record<string, string> | undefined {
  if (!pattern.expression) return pattern.text === path ? {} : undefined;
  const match = pattern.expression.exec(path);
  if (!match) return undefined;
  const values: Record<string, string> = {};
  for (let i = 0; i < pattern.names.length; i++) values[pattern.names[i] as string] = match[i + 1] ?? "";
  return values;
}

/** Decodes percent-encoding; `undefined` if one is bad or encodes a NUL, which no name of ours has. */
export function decodeParams(raw: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const values: Record<string, string> = {};
  for (const [name, text] of Object.entries(raw)) {
    const value = decodePath(text);
    if (value === undefined) return undefined;
    values[name] = value;
  }
  return values;
}

/** `decodeURIComponent` that returns `undefined` for bad encoding and for NUL. */
export function decodePath(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return value.includes("\0") ? undefined : value;
  } catch {
    // URIError: the caller answers 400.
    return undefined;
  }
}

function compileSegment(text: string, segment: string, isLast: boolean, names: string[]): string {
  const rest = /^\{([a-zA-Z]+)\*\}$/.exec(segment);
  if (rest?.[1]) {
    if (!isLast) throw new RangeError(`Cannot use route "${text}": only its end can take the rest`);
    names.push(rest[1]);
    return "(.*)";
  }
  const pieces = segment.split(/\{([a-zA-Z]+)\}/);
  const literals = pieces.filter((_, i) => i % 2 === 0);
  if (literals.some((literal) => /[{}]/.test(literal)))
    throw new RangeError(`Cannot use route "${text}": a brace is odd`);
  // Two names with text between them match in time linear to the segment's square at worst; more would not.
  const hasNoGap = literals.slice(1, -1).some((literal) => literal === "");
  if (hasNoGap || pieces.length > 2 * NAMES_PER_SEGMENT_LIMIT + 1) {
    throw new RangeError(`Cannot use route "${text}": a segment takes two names at most, with text between them`);
  }
  return pieces
    .map((piece, i) => {
      if (i % 2 === 0) return piece.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
      names.push(piece);
      return "([^/]+?)";
    })
    .join("");
}
