/** What an outside kernel does when nobody called it: errors of its timers and promises, signals to our process. */
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { thrownText } from './thrown.ts';

/** Time that timers and promises have after a run to show what they do, in milliseconds. */
const PATIENCE = 30;

/** Collects errors that no call of the kernel can be blamed for. Only for a thread that runs an outside kernel. */
export class StrayErrors {
  #first: string | null = null;

  constructor() {
    const note = (error: unknown): void => {
      this.#first ??= thrownText(error);
    };
    process.on('uncaughtException', note);
    process.on('unhandledRejection', note);
  }

  /** The first of them, once everything that is due has run; null for none. */
  async settled(): Promise<string | null> {
    await setTimeout(PATIENCE);
    return this.#first;
  }
}

/** Makes `process.kill` throw where it would hit this process: the kernel then fails at the place that called it. */
export function refuseSignals(): void {
  const kill = process.kill.bind(process);
  process.kill = (id: number, signal?: string | number): true => {
    if (id === process.pid || id === process.ppid || id <= 0)
      throw new Error('a kernel must not send signals to its own process');
    return kill(id, signal);
  };
  syncBuiltinESMExports();
}
