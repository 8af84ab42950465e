/**
 * How far a search has come, on disk: `explore-HASH.json` below --out, where HASH stands for what is searched. A file that
 * was written by other code is not gone on with, since what held then may fail now.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileSync } from 'atomically';
import { z } from 'zod';
import { InputError } from '../contract/input-error.ts';
import type { Operation } from '../contract/operation.ts';
import { type AtlasContent, Exploration } from '../properties/explore-atlas.ts';
import type { Search } from './explore-options.ts';
import { makeDirectory, unwritable } from './out-directory.ts';
import { OPERATION_SCHEMAS } from './scenario-schema.ts';

const VERSION = 1;
/** Files of an outside kernel that are looked at, so that a kernel in a crowded directory does not hold up a search. */
const MOST_FILES = 2000;

const count = z.number().int().min(0);
const LINK = /^(-1|\d+) (-1|\d+) ([0-9a-f]{16})(?: ([0-9a-f]{16}))?$/;
const levelSchema = z.strictObject({
  depth: count,
  states: count,
  transitions: count,
  duplicates: count,
  panics: count,
});
const fileSchema = z.strictObject({
  version: z.literal(VERSION),
  verb: z.literal('explore'),
  code: z.string(),
  search: z.unknown(),
  expanded: count,
  levels: z.array(levelSchema).min(1),
  operations: z.array(z.looseObject({ kind: z.string() })),
  states: z.array(z.string().regex(LINK)).min(1),
});

/** Hash of what is searched; part of the file's name. */
const nameOf = (search: Search): string =>
  createHash('sha256').update(JSON.stringify(search)).digest('hex').slice(0, 12);

/** The checkpoint of one search. */
export class Checkpoint {
  readonly path: string;
  readonly #search: Search;
  readonly #code: string;

  constructor(directory: string, search: Search) {
    this.path = join(directory, `explore-${nameOf(search)}.json`);
    this.#search = search;
    this.#code = codeHash(search.kernel);
  }

  /**
   * What an earlier run left, or why it is no use; null where there is nothing. Throws InputError for a file that is no
   * checkpoint: it is somebody's, and would be lost.
   */
  read(): Exploration | string | null {
    if (!existsSync(this.path)) return null;
    const parsed = fileSchema.safeParse(this.#json());
    if (!parsed.success) throw this.#foreign();
    const { code, search, states, operations, levels, expanded } = parsed.data;
    if (code !== this.#code) return `${this.path}: other code has searched so far; beginning anew`;
    const entries = states.map((text) => {
      const [, parent, operation, key = '', since = ''] = LINK.exec(text) ?? [];
      return { parent: Number(parent), operation: Number(operation), key, since };
    });
    const sound =
      JSON.stringify(search) === JSON.stringify(this.#search) &&
      expanded <= entries.length &&
      entries.every(({ parent, operation }, i) => parent < i && operation < operations.length) &&
      operations.every(
        (operation) => OPERATION_SCHEMAS.get(operation.kind)?.safeParse(operation).success === true,
      );
    if (!sound) throw this.#foreign();
    return new Exploration({ operations: operations as unknown as Operation[], entries, levels, expanded });
  }

  #json(): unknown {
    try {
      return JSON.parse(readFileSync(this.path, 'utf8'));
    } catch {
      return null;
    }
  }

  #foreign(): InputError {
    return new InputError(
      `${this.path}: is no checkpoint of this search; move it away, or replace it with --fresh`,
    );
  }

  /** Replaces the file, at once or not at all. */
  write({ operations, entries, levels, expanded }: AtlasContent): void {
    const states = entries.map(
      ({ parent, operation, key, since }) =>
        `${parent} ${operation} ${key}${since === '' ? '' : ` ${since}`}`,
    );
    const head = {
      version: VERSION,
      verb: 'explore',
      code: this.#code,
      search: this.#search,
      expanded,
      levels,
    };
    try {
      makeDirectory(dirname(this.path));
      writeFileSync(this.path, `${JSON.stringify({ ...head, operations, states })}\n`);
    } catch (error) {
      throw unwritable(dirname(this.path), error);
    }
  }
}

/** Hash of the code whose behaviour a search is about: ours, and an outside kernel with all that lies beside it. */
function codeHash(kernel: string | null): string {
  const hash = createHash('sha256');
  const home = resolve(dirname(fileURLToPath(import.meta.url)), '..');
  const folders = ['contract', 'model', 'impl', 'properties'].map((folder) => join(home, folder));
  if (kernel !== null) folders.push(homeOf(kernel));
  for (const folder of folders)
    for (const path of codeIn(folder)) hash.update(path).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

/** Where an outside kernel lies: a path, or an installed package. */
function homeOf(kernel: string): string {
  if (existsSync(resolve(kernel))) return dirname(resolve(kernel));
  try {
    return dirname(createRequire(resolve('package.json')).resolve(kernel));
  } catch {
    // Loading it will say what is wrong.
    return resolve(kernel);
  }
}

function codeIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const paths: string[] = [];
  const waiting = [folder];
  for (let at = waiting.shift(); at !== undefined && paths.length < MOST_FILES; at = waiting.shift())
    for (const name of readdirSync(at).sort()) {
      const path = join(at, name);
      if (name === 'node_modules' || name === 'out' || name.startsWith('.')) continue;
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) waiting.push(path);
      else if (/\.([cm]?[jt]s|json)$/.test(name) && !name.endsWith('.d.ts')) paths.push(path);
    }
  return paths;
}
