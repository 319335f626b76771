/**
 * Whether a text fits a pattern of policies: `*` is any run of characters, `?` is one, the rest is itself. Time is at
 * most the product of both lengths, memory is constant; patterns are limited where policies are read.
 */
export function globMatches(pattern: string, text: string): boolean {
  let [p, t, starAt, resumeAt] = [0, 0, -1, 0];
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      starAt = p++;
      resumeAt = t;
    } else if (wanted !== undefined && (wanted === "?" || wanted === text[t])) {
      p++;
      t++;
    } else if (starAt >= 0) {
      // The last star takes one more character; earlier stars need not be tried again.
      p = starAt + 1;
      t = ++resumeAt;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
