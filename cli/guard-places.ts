/** The two kernels of a comparison as the flags name them: which module of which tree. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import {
  type Checkout,
  checkOut,
  commitOf,
  headOf,
  isDirty,
  providePackages,
  repositoryOf,
} from './guard-git.ts';
import { oneLine } from './usage.ts';

/** Where the kernel of this project lies, in each of its trees. */
export const OWN_KERNEL = join('impl', 'optimized-kernel.ts');

/** One kernel to load. */
export interface KernelPlace {
  /** What it is called in messages. */
  readonly label: string;
  /** Absolute path of its module. */
  readonly file: string;
  /** True for the kernel of this project, which is no outside kernel: it is believed, and exported by name. */
  readonly own: boolean;
}

/** What the flags say of the kernels. */
export interface PlaceFlags {
  readonly base: string;
  readonly kernel: string | null;
  readonly build: string | null;
}

/** Both kernels, for as long as they are wanted. */
export interface Places {
  readonly base: KernelPlace;
  readonly working: KernelPlace;
  /** Lines to tell beforehand. */
  readonly notes: readonly string[];
  /** Takes away what was made for the comparison. */
  remove(): void;
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** The working kernel's module; seen from the working directory, or from where the repository begins. */
function workingFile(kernel: string | null, directory: string, root: string): string {
  if (kernel === null) {
    const own = join(root, OWN_KERNEL);
    if (isFile(own)) return realpathSync(own);
    throw new InputError(
      `guard: there is no ${OWN_KERNEL} in ${root}; name the module of your kernel with --kernel`,
    );
  }
  const found = [resolve(directory, kernel), resolve(root, kernel)].find(isFile);
  if (found !== undefined) return realpathSync(found);
  throw new InputError(
    `--kernel ${kernel}: ${isDirectory(resolve(directory, kernel)) ? 'is a directory' : 'there is no such file'}; ` +
      'name the module of the kernel, from where the repository begins',
  );
}

/** Finds both kernels and, where the base is a revision, checks it out and builds it. */
export async function findPlaces(
  { base, kernel, build }: PlaceFlags,
  directory: string,
  note: (text: string) => void,
): Promise<Places> {
  const path = resolve(directory, base);
  const root = repositoryOf(directory);
  const commit = root === null || base === '' ? null : commitOf(root, base);
  const isPath = existsSync(path);
  if (commit !== null && isPath && !/^\.{0,2}[\\/]|^\.{1,2}$/.test(base))
    throw new InputError(
      `--base ${base}: is a revision and a path; write ./${base} for the path, or the commit's number`,
    );
  const tree = root ?? realpathSync(directory);
  const file = workingFile(kernel, directory, tree);
  const own = kernel === null;
  const working = { label: own ? 'the working tree' : relative(tree, file), file, own };
  if (isPath && (commit === null || /^\.{0,2}[\\/]|^\.{1,2}$/.test(base)))
    return { ...pathPlaces(base, path, { working, tree, build }), remove: () => undefined };
  if (root === null)
    throw new InputError(
      `--base ${base}: there is no such file or directory, and no git repository here; name a directory or a module`,
    );
  if (commit === null)
    throw new InputError(
      `--base ${base}: no revision of this repository and no path; see git log, or name a directory`,
    );
  return revisionPlaces({ base, commit, root, build }, working, note);
}

function pathPlaces(
  base: string,
  path: string,
  {
    working,
    tree,
    build,
  }: { readonly working: KernelPlace; readonly tree: string; readonly build: string | null },
): Omit<Places, 'remove'> {
  if (build !== null)
    throw new InputError(
      `--build: --base ${base} is a path and taken as it is; build it there, and leave --build out`,
    );
  const module = isDirectory(path) ? join(path, relative(tree, working.file)) : path;
  if (!isFile(module))
    throw new InputError(
      `--base ${base}: there is no ${relative(tree, working.file)} in it; name a tree that has one, or a module`,
    );
  const file = realpathSync(module);
  if (file === working.file)
    throw new InputError(
      `--base ${base}: is the working kernel itself, so there is nothing to compare; name a revision or another tree`,
    );
  return { base: { label: `base ${base}`, file, own: working.own }, working, notes: [] };
}

interface Revision {
  readonly base: string;
  readonly commit: string;
  readonly root: string;
  readonly build: string | null;
}

async function revisionPlaces(
  { base, commit, root, build }: Revision,
  working: KernelPlace,
  note: (text: string) => void,
): Promise<Places> {
  const inside = relative(root, working.file);
  if (inside.startsWith('..'))
    throw new InputError(
      `--kernel ${working.label}: lies outside of the repository ${root}, so no revision has it; give --base a path`,
    );
  const checkout = checkOut(root, commit, base);
  try {
    providePackages(root, checkout.directory, { kernel: inside, copy: build !== null });
    if (build !== null) await built(build, checkout, base, note);
    const file = join(checkout.directory, inside);
    if (!isFile(file))
      throw new InputError(
        `--base ${base}: has no ${inside}${build === null ? '; where it is built, give --build' : ' after --build'}`,
      );
    return {
      base: { label: `base ${base}`, file, own: working.own },
      working,
      notes: treeNotes(base, commit, { root, build }),
      remove: checkout.remove,
    };
  } catch (error) {
    checkout.remove();
    throw error;
  }
}

function treeNotes(
  base: string,
  commit: string,
  { root, build }: Pick<Revision, 'root' | 'build'>,
): string[] {
  const same = headOf(root) === commit;
  const notes: string[] = [];
  if (isDirty(root))
    notes.push(`the working tree has changes that are not committed; they are part of what is compared`);
  else if (same) notes.push(`the working tree is ${base} without any change; the same sources are compared`);
  if (build !== null) notes.push('--build ran for the base alone; the working tree is compared as it stands');
  return notes;
}

/** Runs the build in the checkout; what it prints goes to stderr when it fails. */
function built(
  command: string,
  { directory }: Checkout,
  base: string,
  note: (text: string) => void,
): Promise<void> {
  note(`building ${base}: ${command}`);
  return new Promise((settle, fail) => {
    // A group of its own: a shell that is ended would leave what it started running.
    const child = spawn(command, {
      cwd: directory,
      shell: true,
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let last = '';
    const hear = (text: string): void => {
      last = text.trim().split('\n').at(-1) || last;
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    const stop = (): void => {
      endGroup(child);
      fail(new Interrupted());
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    const done = (): void => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    };
    child.on('error', (error) => {
      done();
      fail(new InputError(`--build ${command}: cannot be run: ${oneLine(error.message)}`));
    });
    child.on('close', (status, signal) => {
      done();
      if (status === 0) settle();
      else
        fail(
          new InputError(
            `--base ${base}: does not build: \`${command}\` ended with ${signal ?? `status ${status}`}` +
              `${last === '' ? '' : ` (${oneLine(last).slice(0, 200)})`}; name a revision that does, or mend --build`,
          ),
        );
    });
  });
}

function endGroup(child: ChildProcess): void {
  try {
    if (process.platform !== 'win32' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Ctrl-C came while a revision was built. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
