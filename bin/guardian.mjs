/**
 * Runs the command line in a process of its own, so that an outside kernel that kills its process, crashes it or blocks
 * it for ever cannot take the verdict with it. Stdout is handed on as descriptor 3 and descriptor 1 leads to stderr:
 * nothing that a kernel writes mixes with the results.
 */
import { spawn } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { url as debuggerUrl } from 'node:inspector';
import { fileURLToPath } from 'node:url';

const KERNEL_STATUS = 4;
const INTERRUPTED_STATUS = 130;

/**
 * Whether the arguments name an outside kernel, and nobody guards this process yet. Under a debugger none does: it
 * listens at one port, which would be the guardian's.
 */
export const needsGuard = (argv) =>
  debuggerUrl() === undefined &&
  argv.some((word) => word === '--kernel' || word.startsWith('--kernel=')) &&
  !(process.env.VMLOCKSTEP_GUARDED === String(process.ppid) && process.send !== undefined);

/** Runs `script` with the arguments and answers the exit status. */
export async function guarded(script, argv) {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(script), ...argv], {
    stdio: ['inherit', 2, 2, 1, 'ipc'],
    env: { ...process.env, VMLOCKSTEP_GUARDED: String(process.pid) },
  });
  const told = {};
  child.on('message', (message) => Object.assign(told, message));
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      interrupted = true;
      child.kill(signal);
    });
  const [code, signal] = await new Promise((settle, fail) => {
    child.on('error', fail);
    child.on('close', (...end) => settle(end));
  });
  if (told.status !== undefined) return told.status;
  if (code !== null) return code;
  if (interrupted) return INTERRUPTED_STATUS;
  process.stderr.write(`error: kernel ${told.kernel ?? ''}: its process ended with ${signal}${kept(told)}\n`);
  return KERNEL_STATUS;
}

/** The words for the scenarios that were in progress, one for each worker; an empty file is no scenario. */
function kept({ tapes = [], kernel }) {
  const sizeOf = (tape) => statSync(tape, { throwIfNoEntry: false })?.size;
  for (const tape of tapes) if (sizeOf(tape) === 0) rmSync(tape);
  const commands = tapes
    .filter((tape) => sizeOf(tape) !== undefined)
    .map((tape) => `npx vmlockstep replay ${tape} --kernel ${kernel}`);
  return commands.length === 0 ? '' : `; stored: ${commands.join(' or ')}`;
}
