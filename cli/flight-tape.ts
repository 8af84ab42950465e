/**
 * The scenario in progress as a file, for kernels that may take the whole process with them. It is a whole scenario
 * file after every operation: each write replaces the closing brackets by the operation and new closing brackets.
 */
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, removeEmpty, unwritable } from './out-directory.ts';

const END = '\n]}\n';

/** A tape that the main thread made, and the way to be rid of it. */
export interface TapeFile {
  readonly path: string;
  remove(): void;
}

/**
 * Makes an empty tape in the directory, under a name that no other run and no other worker of this one has. Throws
 * InputError.
 */
export function tapeFile(directory: string, seed: number, worker = 0): TapeFile {
  const which = worker === 0 ? '' : `-${worker + 1}`;
  const path = join(directory, `RUNNING-${seed}-${process.pid}${which}.scn.json`);
  try {
    const made = makeDirectory(directory);
    closeSync(openSync(path, 'wx'));
    return {
      path,
      remove: () => {
        // Someone may have taken the directory away meanwhile.
        rmSync(path, { force: true });
        removeEmpty(made);
      },
    };
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** The end of the runner thread. */
export class FlightTape {
  readonly #descriptor: number;
  /** Bytes before the closing brackets. */
  #length = 0;
  #first = true;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r+');
  }

  /** Begins the scenario anew; `machine` is JSON. */
  boots(machine: string): void {
    this.#length = 0;
    this.#first = true;
    const written = this.#write(`{"version":1,"machine":${machine},"operations":[`);
    ftruncateSync(this.#descriptor, written);
  }

  /** Adds an operation, as JSON, before it runs. */
  applies(operation: string): void {
    this.#write(`${this.#first ? '\n' : ',\n'}${operation}`);
    this.#first = false;
  }

  /** Writes in the place of the closing brackets, and these after it; the length of the file. */
  #write(text: string): number {
    const written = writeSync(this.#descriptor, text + END, this.#length);
    this.#length += written - END.length;
    return this.#length + END.length;
  }
}
