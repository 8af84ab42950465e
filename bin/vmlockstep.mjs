#!/usr/bin/env node
/**
 * Starts the command line, or, as a worker thread, the runner that it supervises; a command with an outside kernel in
 * a process that is guarded.
 *
 * A clone runs its TypeScript sources, so that an edited kernel is never hidden by a stale build; an installed
 * package has no sources and runs dist/.
 */
import { existsSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import { guarded, needsGuard } from './guardian.mjs';

const argv = process.argv.slice(2);
if (isMainThread && needsGuard(argv)) process.exitCode = await guarded(new URL(import.meta.url), argv);
else await start();

async function start() {
  const sources = new URL('../cli/', import.meta.url);
  const fromSources = existsSync(new URL('main.ts', sources));
  const kernelInTypeScript = !isMainThread && /\.[cm]?ts$/.test(workerData.job.kernel ?? '');

  if (kernelInTypeScript) {
    // A kernel whose package is not "type": "module" is loaded through require.
    const { register } = await import('tsx/cjs/api');
    register();
  }
  if (fromSources || kernelInTypeScript) {
    const { register } = await import('tsx/esm/api');
    register({ tsconfig: false });
  }
  if (!isMainThread && workerData.job.kernel) {
    const { resolveOwnPackage } = await import('./own-package.mjs');
    const entries = new URL(fromSources ? '../public/' : '../dist/public/', import.meta.url);
    resolveOwnPackage(entries, fromSources ? 'ts' : 'js');
  }
  const home = fromSources ? sources : new URL('../dist/cli/', import.meta.url);
  const extension = fromSources ? 'ts' : 'js';

  if (isMainThread) {
    const { main } = await import(new URL(`main.${extension}`, home).href);
    process.exitCode = await main(argv, new URL(import.meta.url));
  } else {
    const { runJob } = await import(new URL(`job-runner.${extension}`, home).href);
    await runJob();
  }
}
