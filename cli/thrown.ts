/** What an outside kernel threw, in one line with its place. */
import { spawnSync } from 'node:child_process';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const OWN = dirname(fileURLToPath(import.meta.url));
const LONGEST = 200;
/** Milliseconds that the engine may take to find the place of a syntax error. */
const PATIENCE = 3000;

/** The first line of what was thrown, whatever it was, and where. */
export function thrownText(error: unknown): string {
  let text = 'an object that cannot be printed';
  let place: string | null = null;
  try {
    text = error instanceof Error ? `${error.name}: ${error.message}` : `the value ${String(error)}`;
    place = error instanceof Error ? throwPlace(error) : null;
  } catch {
    return text;
  }
  const line = (text.split('\n')[0] ?? '').slice(0, LONGEST);
  return place === null || line.includes(place) ? line : `${line} (${place})`;
}

/** A path as seen from the working directory, where it lies below. */
function near(path: string): string {
  const seen = relative('.', path);
  return seen.startsWith('..') ? path : seen;
}

const asPath = (place: string): string => (place.startsWith('file:') ? fileURLToPath(place) : place);

/** `file:line` of the code that threw; null where the stack does not lead outside of vmlockstep. */
function throwPlace({ stack = '' }: Error): string | null {
  // A syntax error in a file that went through require has the place as its first line.
  const head = /^(file:\/\/\S+|\/[^\n]*?):(\d+)\n/.exec(stack);
  if (head !== null) return `${near(asPath(head[1] ?? ''))}:${head[2]}`;
  for (const line of stack.split('\n')) {
    const frame = /^ +at (?:.*[( ])?(file:\/\/[^()\s]+|\/[^()]+?):(\d+):\d+\)?$/.exec(line);
    if (frame === null) continue;
    const path = asPath(frame[1] ?? '').split('?')[0] ?? '';
    return path.startsWith(OWN) ? null : `${near(path)}:${frame[2]}`;
  }
  return null;
}

/**
 * What was thrown while the module at `path` was loaded. The engine keeps the place of a syntax error to itself, so
 * the file is checked once more.
 */
export function loadErrorText(error: unknown, path: string): string {
  // The TypeScript loader names the place in the second line of its message.
  const transformed = error instanceof Error ? /^(\/.*:\d+):\d+: ERROR: (.*)$/m.exec(error.message) : null;
  if (transformed !== null) return `SyntaxError: ${transformed[2]} (${near(transformed[1] ?? '')})`;
  if (error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return 'is no JavaScript or TypeScript; give a module such as ./kernel.ts';
  if (!(error instanceof Error))
    return `it threw ${thrownText(error)}; a module throws nothing while it loads`;
  const text = thrownText(error).replace(/ imported from \S*kernel-module\.[jt]s\b/, '');
  if (!(error instanceof SyntaxError) || /:\d+\)?$/.test(text)) return text;
  // Its own text first; then with what it imports, of which nothing runs either, for the engine parses all of it before.
  for (const flags of [['--check'], []]) {
    const { stderr } = spawnSync(process.execPath, [...flags, path], { encoding: 'utf8', timeout: PATIENCE });
    const place = /^(?:file:\/\/)?(\/.*):(\d+)$/m.exec(stderr ?? '');
    if (place !== null) return `${text} (${near(place[1] ?? '')}:${place[2]})`;
  }
  return text;
}
