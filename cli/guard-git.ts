/** What guard asks of git: where a repository begins, what a revision is, and a second working tree of it for a while. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { constants, cpSync, existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import { oneLine } from './usage.ts';

/** Begin of the names of temporary directories; the number of the process that made one follows. */
const PREFIX = 'vmlockstep-guard-';

/** Runs git; hooks of the repository are no business of a comparison and stay out of it. */
function git(directory: string, args: readonly string[]): SpawnSyncReturns<string> {
  const result = spawnSync('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
    cwd: directory,
    encoding: 'utf8',
    // A question of git, a password say, would wait for ever.
    env: { ...process.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
  });
  if (result.error !== undefined)
    throw new InputError('guard: git cannot be run; install it, or give --base a directory or a module');
  return result;
}

/** Where the repository around a directory begins; null outside of any. */
export function repositoryOf(directory: string): string | null {
  const { status, stdout } = git(directory, ['rev-parse', '--show-toplevel']);
  return status === 0 && stdout.trim() !== '' ? realpathSync(stdout.trim()) : null;
}

/** The commit that a revision names; null where it names none. */
export function commitOf(root: string, revision: string): string | null {
  const { status, stdout } = git(root, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]);
  return status === 0 ? stdout.trim() : null;
}

/** Whether the working tree has changes that no commit holds, of files that git knows. */
export const isDirty = (root: string): boolean =>
  git(root, ['status', '--porcelain', '--untracked-files=no']).stdout.trim() !== '';

/** The commit that the working tree stands on; null before the first. */
export const headOf = (root: string): string | null => commitOf(root, 'HEAD');

/** A second working tree. */
export interface Checkout {
  readonly directory: string;
  /** Takes it away, with every trace of it in the repository. Harmless when done twice. */
  remove(): void;
}

/** Checks a commit out in a temporary directory. Nothing of the repository's own working tree is touched. */
export function checkOut(root: string, commit: string, label: string): Checkout {
  removeLeftovers(root);
  const home = realpathSync(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  const directory = join(home, 'tree');
  let gone = false;
  const remove = (): void => {
    if (gone) return;
    gone = true;
    process.off('exit', remove);
    git(root, ['worktree', 'remove', '--force', '--force', directory]);
    rmSync(home, { recursive: true, force: true });
    git(root, ['worktree', 'prune']);
  };
  // Whatever ends this process first, nothing is left behind.
  process.on('exit', remove);
  const { status, stderr } = git(root, ['worktree', 'add', '--detach', '--quiet', directory, commit]);
  if (status !== 0) {
    remove();
    throw new InputError(`--base ${label}: cannot be checked out: ${lastLine(stderr)}; see git worktree`);
  }
  return { directory, remove };
}

const lastLine = (text: string): string => oneLine(text.trim().split('\n').at(-1) ?? '');

/** What a process that was killed left behind. */
function removeLeftovers(root: string): void {
  const { stdout } = git(root, ['worktree', 'list', '--porcelain']);
  for (const line of stdout.split('\n')) {
    const [, home, pid] =
      new RegExp(`^worktree (.*[\\\\/]${PREFIX}(\\d+)-[^\\\\/]*)[\\\\/]tree$`).exec(line) ?? [];
    if (home === undefined || isRunning(Number(pid))) continue;
    rmSync(home, { recursive: true, force: true });
    git(root, ['worktree', 'prune']);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Makes the installed packages of the repository visible in a checkout: those at its root, and those of each folder on
 * the way to the kernel. Links serve where nothing is built. A build may change packages or remove them (`npm ci` begins
 * with that) and gets copies, lest it reach those of the repository.
 */
export function providePackages(
  root: string,
  checkout: string,
  { kernel, copy }: { readonly kernel: string; readonly copy: boolean },
): void {
  const folders = [root];
  for (let at = dirname(resolve(root, kernel)); at !== root && at.startsWith(root); at = dirname(at))
    folders.push(at);
  for (const folder of folders) {
    const [from, to] = [join(folder, 'node_modules'), join(checkout, relative(root, folder), 'node_modules')];
    if (!existsSync(from) || existsSync(to) || !existsSync(dirname(to))) continue;
    // Where the file system can, a copy shares its blocks until one side is written. Links within stay as they are:
    // those of workspaces lead into the checkout then.
    if (copy)
      cpSync(realpathSync(from), to, {
        recursive: true,
        verbatimSymlinks: true,
        mode: constants.COPYFILE_FICLONE,
      });
    else symlinkSync(from, to, 'junction');
  }
}
