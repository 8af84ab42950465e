/** Where the command line writes: results on stdout, progress and errors on stderr. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { clipped } from '../report/tables.ts';
import { EXIT } from './exit-status.ts';
import { RESULTS } from './guarded.ts';

/** What verbs write to. */
export interface Output {
  /** One line on stdout. */
  line(text: string): void;
  /** Several lines on stdout. */
  lines(texts: readonly string[]): void;
  /** The present state of a long run, on stderr: rewritten in place on a terminal, else a line every few seconds. */
  progress(text: string): void;
  /** One line on stderr. */
  note(text: string): void;
}

const MILLISECONDS_BETWEEN_LINES = 5000;
const MILLISECONDS_BETWEEN_REWRITES = 100;
/** A run that is over sooner needs no progress. */
const MILLISECONDS_BEFORE_PROGRESS = 2000;
/** Pause before a full pipe is tried again. */
const MILLISECONDS_TO_DRAIN = 5;

type Style = Parameters<typeof styleText>[0];

/** NO_COLOR and FORCE_COLOR decide, else whether stdout is a terminal. */
function colourWanted(): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return (NO_COLOR ?? '') === '' && TERM !== 'dumb' && isatty(RESULTS);
}

/** Lines of a report that stand out, by how they begin. */
const HIGHLIGHTS: readonly { readonly pattern: RegExp; readonly style: Style }[] = [
  { pattern: /^FAILED /, style: ['bold', 'red'] },
  { pattern: /^ {2}> /, style: 'red' },
  { pattern: /^ {2}missed /, style: 'yellow' },
  { pattern: /^gate: /, style: 'yellow' },
  { pattern: /^\d+ passed, 0 failed, \d+ skipped$/, style: 'green' },
  { pattern: /^\d+ passed, \d+ failed, \d+ skipped$/, style: 'red' },
];

/** Results that nobody can read are no results: one line, and no status that would mean a verdict. */
function unwritable({ code, message }: NodeJS.ErrnoException): never {
  const reason = code === 'ENOSPC' ? 'no space left on the device' : message;
  process.stderr.write(`error: stdout cannot be written: ${reason}; make room or send it elsewhere\n`);
  process.exit(EXIT.usage);
}

/** Writes everything to where the results go; false once its reader is gone. */
function written(text: string): boolean {
  if (RESULTS === 1) {
    process.stdout.write(text);
    return true;
  }
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(RESULTS, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN') unwritable(error as NodeJS.ErrnoException);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MILLISECONDS_TO_DRAIN);
    }
  }
  return true;
}

/**
 * The standard streams. A reader that goes away (EPIPE) silences stdout; the run ends as it would have,
 * so that its status stays meaningful.
 */
export function standardOutput(): Output {
  const colour = colourWanted();
  const terminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb';
  let broken = false;
  let shown = false;
  let next = performance.now() + MILLISECONDS_BEFORE_PROGRESS;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') unwritable(error);
    broken = true;
  });
  process.stderr.on('error', () => undefined);
  const erase = (): void => {
    if (shown) process.stderr.write('\r\u001b[K');
    shown = false;
  };
  const painted = (text: string): string => {
    const style = colour ? HIGHLIGHTS.find(({ pattern }) => pattern.test(text))?.style : undefined;
    return style === undefined ? text : styleText(style, text, { validateStream: false });
  };
  const lines = (texts: readonly string[]): void => {
    erase();
    if (!broken && texts.length > 0) broken = !written(`${texts.map(painted).join('\n')}\n`);
  };
  return {
    lines,
    line: (text) => lines([text]),
    note: (text) => {
      erase();
      process.stderr.write(`${text}\n`);
    },
    progress: (text) => {
      const now = performance.now();
      if (now < next) return;
      next = now + (terminal ? MILLISECONDS_BETWEEN_REWRITES : MILLISECONDS_BETWEEN_LINES);
      if (!terminal) process.stderr.write(`${text}\n`);
      else process.stderr.write(`\r\u001b[K${clipped(text, (process.stderr.columns ?? 80) - 1)}`);
      shown = terminal;
    },
  };
}
