/** Runs something again whenever a kernel's files are saved, until Ctrl-C. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { Output } from './output.ts';

/** Milliseconds without a further change before it runs: editors save in several steps. */
const SETTLING = 200;
const CODE = /\.[cm]?[jt]s$/;

/** A file that was saved half done is told and waited over. */
async function tolerant(once: () => Promise<ExitStatus>, out: Pick<Output, 'note'>): Promise<ExitStatus> {
  try {
    return await once();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    out.note(`error: ${error.message}`);
    return error.exitStatus;
  }
}

/** Runs `once` now and after every save below the folder of `file`; answers the status of the last run. */
export async function atEverySave(
  file: string,
  once: () => Promise<ExitStatus>,
  out: Pick<Output, 'note'>,
): Promise<ExitStatus> {
  const folder = dirname(file);
  let changed: (() => void) | null = null;
  let timer: NodeJS.Timeout | undefined;
  let pending = false;
  const onChange = (_event: string, name: string | null): void => {
    if (name !== null && (!CODE.test(name) || /(^|[\\/])node_modules[\\/]/.test(name))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      pending = true;
      changed?.();
    }, SETTLING);
  };
  const watcher: FSWatcher = watch(folder, { recursive: true }, onChange);
  let ended = false;
  const end = (): void => {
    ended = true;
    changed?.();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  try {
    let status: ExitStatus = EXIT.passed;
    for (;;) {
      pending = false;
      const ran = await tolerant(once, out);
      if (ended || ran === EXIT.interrupted) return ran === EXIT.interrupted ? status : ran;
      status = ran;
      out.note(`watching ${folder}; Ctrl-C ends`);
      if (!pending)
        await new Promise<void>((settle) => {
          changed = settle;
        });
      changed = null;
      if (ended) return status;
    }
  } finally {
    clearTimeout(timer);
    watcher.close();
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}
