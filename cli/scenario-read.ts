/** Text of a scenario file: bounded, never waiting for what does not come, every fault an InputError. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from '../contract/input-error.ts';

const MOST_BYTES = 16 << 20;
/** Pause before an empty pipe is tried again. */
const MILLISECONDS_TO_WAIT = 10;

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; give the path of a scenario file (*.scn.json), or - for standard input',
  ENOTDIR: 'a part of the path is not a directory; give the path of a scenario file (*.scn.json)',
  EACCES: 'permission denied; make it readable',
  EPERM: 'permission denied; make it readable',
  ELOOP: 'its links lead in a circle; name the file itself',
  ENAMETOOLONG: 'the name is too long; give the path of a scenario file (*.scn.json)',
  ENXIO: 'is no file; give the path of a scenario file (*.scn.json)',
};

/** Text of a file or pipe of at most 16 MiB; `-` reads standard input. */
export function readText(path: string): string {
  if (path === '-') return decoded(path, readBounded(path, 0));
  if (path.includes('\0')) throw new InputError('the file name holds a NUL character; name a scenario file');
  try {
    // Without waiting for a writer: a pipe that nobody writes to would keep us for ever.
    const descriptor = openSync(path, constants.O_RDONLY + constants.O_NONBLOCK);
    try {
      const status = fstatSync(descriptor);
      if (status.isDirectory())
        throw new InputError(`${path}: is a directory; name one scenario file (*.scn.json)`);
      if (status.size > MOST_BYTES)
        throw new InputError(
          `${path}: holds ${status.size} bytes; a scenario file holds at most ${MOST_BYTES}`,
        );
      return decoded(path, readBounded(path, descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof InputError ? error : unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown): InputError =>
  new InputError(`${path}: cannot be read: ${reason(error)}`);

/** Everything up to the end; devices that never end are left at the limit. */
function readBounded(path: string, descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.alloc(65_536);
    const count = readSome(path, descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    length += count;
    if (length > MOST_BYTES)
      throw new InputError(`${path}: holds more than ${MOST_BYTES} bytes, which no scenario file does`);
  }
}

/** Bytes read; 0 at the end. Waits for a writer that has nothing to say yet. */
function readSome(path: string, descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw unreadable(path, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MILLISECONDS_TO_WAIT);
    }
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return WHY[code] ?? error.message.split(/[\n,]/)[0] ?? error.name;
}

function decoded(path: string, data: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    throw new InputError(`${path}: is not UTF-8 text; give a scenario file (*.scn.json)`);
  }
}
