const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** Rows under their headings, columns apart by three blanks, as kubectl does. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd((widths[i] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

/** One cell: nothing is `<none>`, and nothing in it breaks the line or turns it around. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '<none>';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').replace(/\p{Cf}/gu, '');
}

/** How long ago, with the two largest units at most: `45s`, `5m10s`, `3h`, `12d`. */
export function age(timestamp: unknown, nowMs: number): string {
  const then = typeof timestamp === 'string' ? Date.parse(timestamp) : NaN;
  if (Number.isNaN(then)) return '<unknown>';
  let left = Math.max(0, Math.floor((nowMs - then) / 1_000));
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const amount = Math.floor(left / seconds);
    left -= amount * seconds;
    if (amount > 0) parts.push(`${amount}${unit}`);
    // Beyond ten of the larger unit the smaller one is noise.
    if (parts.length === 2 || amount >= 10) break;
  }
  return parts.length === 0 ? '0s' : parts.join('');
}
