/** Suggestions for misspelt names. */

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= other.length; j++) {
      const substituted = at(i - 1, j - 1) + (one[i - 1] === other[j - 1] ? 0 : 1);
      const swapped =
        one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1] ? at(i - 2, j - 2) + 1 : substituted;
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, substituted, swapped));
    }
  }
  return at(one.length, other.length);
}

/** The candidate closest to the word, or undefined when none shares at least half of it. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 80) return undefined;
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.candidate.length / 2))
    ? best.candidate
    : undefined;
}

/** `; did you mean X?`, or the list of what is allowed where nothing is close. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const best = nearest(word, candidates);
  return best === undefined ? `; known: ${candidates.join(', ')}` : `; did you mean '${best}'?`;
}

/** Text from outside made fit for one line of a terminal: control characters escaped, long texts cut. */
export function quoted(text: string, most = 60): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return JSON.stringify(cut);
}
