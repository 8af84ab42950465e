/**
 * Ties to the process that started this one to guard it (bin/guardian.mjs). Runs of an outside kernel are guarded:
 * whatever the kernel does to this process, the guardian tells how it ended. Stdout is then file descriptor 3, out of
 * the kernel's reach.
 */
const guardian = process.env.VMLOCKSTEP_GUARDED;
const isGuarded = guardian === String(process.ppid) && process.send !== undefined;

/** Descriptor that results go to. */
export const RESULTS = isGuarded ? 3 : 1;

/** Names the files that follow the scenarios in progress, and the kernel, for a process that ends without a word. */
export function tellTapes(tapes: readonly string[], kernel: string | null): void {
  if (isGuarded) process.send?.({ tapes, kernel });
}

/** Ends this process now, whatever its threads are doing, with the status where a guardian can pass it on. */
export async function endNow(status: number): Promise<never> {
  if (!isGuarded) process.exit(status);
  await new Promise<void>((settle) => {
    process.send?.({ status }, undefined, undefined, () => settle());
  });
  process.kill(process.pid, 'SIGKILL');
  return await new Promise<never>(() => undefined);
}

// A guardian that is gone can no longer pass on Ctrl-C; the run ends as if it had come.
if (isGuarded) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
