/** Parsers of flag values. Each throws InvalidArgumentError with what is wrong and the mend. */
import { InvalidArgumentError } from 'commander';
import { quoted, suggestion } from './nearest.ts';

const MAX_SEED = 0x7fff_ffff;
const MAX_RUNS = 10_000_000;
const MAX_WORKERS = 64;
const MAX_MILLISECONDS = 7 * 24 * 3_600_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The seed of a campaign; `random` asks for one to be drawn and printed. */
export type SeedFlag = number | 'random';

/** What to say first of an empty value, which an unset variable of a shell script leaves. */
const emptiness = (text: string): string => (text === '' ? 'It is empty: leave it out, or unset it. ' : '');

function wholeNumber(text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new InvalidArgumentError(`${emptiness(text)}Give a whole number from ${least} to ${most}.`);
  return value;
}

/** `--seed`: a whole number, or `random`. */
export const seedFlag = (text: string): SeedFlag => {
  if (text === 'random') return text;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_SEED))
    throw new InvalidArgumentError(`${emptiness(text)}Give a whole number from 0 to ${MAX_SEED}, or random.`);
  return value;
};

/** A whole number from `least` to `most`. */
export const wholeFlag =
  (least: number, most: number) =>
  (text: string): number =>
    wholeNumber(text, least, most);

/** `--runs`: how many scenarios. */
export const runsFlag = (text: string): number => wholeNumber(text, 1, MAX_RUNS);

/** `--workers`: how many threads. */
export const workersFlag = (text: string): number => wholeNumber(text, 1, MAX_WORKERS);

/** A duration with its unit, in milliseconds. */
export function durationFlag(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
  const milliseconds = Number(match?.[1] ?? Number.NaN) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (!(milliseconds >= 1 && milliseconds <= MAX_MILLISECONDS))
    throw new InvalidArgumentError(
      `${emptiness(text)}Give a time with its unit, such as 500ms, 60s or 5m, up to 168h.`,
    );
  return milliseconds;
}

/** A text that must not be empty. */
export function textFlag(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** A comma-separated list of the given names, without repetitions. */
export const namesFlag =
  <Name extends string>(names: readonly Name[]) =>
  (text: string): Name[] =>
    text.split(',').map((part, i, parts) => {
      const name = names.find((known) => known === part);
      if (name === undefined)
        throw new InvalidArgumentError(`Unknown part ${quoted(part)}${suggestion(part, names)}`);
      if (parts.indexOf(part) !== i) throw new InvalidArgumentError(`${name} is named twice.`);
      return name;
    });
