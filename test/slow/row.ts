/** One line of the table that `npm run slow` prints. `target` empty: only told. */
export interface Row {
  readonly what: string;
  readonly value: string;
  readonly target?: string;
  readonly ok?: boolean;
}

/** Tells the table; a row that is not ok makes the process end with 1. */
export function report(rows: readonly Row[]): void {
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;
}

/** `npm run slow -- kills 0.1`: a tenth of everything. */
export const scale = Number(process.argv[2] ?? 1);

export const scaled = (value: number): number => Math.max(1, Math.round(value * scale));

/** A list that has to be empty. */
export function none(what: string, list: readonly unknown[]): Row {
  const shown = list.slice(0, 3).map((one) => JSON.stringify(one));
  return { what, value: list.length === 0 ? '0' : `${list.length}: ${shown.join(', ')}`, target: '0', ok: list.length === 0 };
}

export const list = (values: readonly number[], digits = 1): string => values.map((value) => value.toFixed(digits)).join(' ');
