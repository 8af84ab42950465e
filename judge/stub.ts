/** The code that runs in the guest, as assembled bytes: judge/stub.asm says what they do. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../contract/input-error.ts';

/** SHA-256 of the bytes; a test assembles the source and finds the same. */
export const STUB_SHA256 = '1ece27af222f6699690c191fcc29f5cb47d6c034a1b0755831153b9fea81470a';
/** Where the loader adds the base: header, begin, ends of data and bss, entry; then the operand of the first instruction. */
const ADDRESSES = [12, 16, 20, 24, 28, 33] as const;

/** The file in this package, whether its sources run or what was built of them. */
export function stubPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const built = here.endsWith(join('dist', 'judge'));
  return join(built ? join(here, '..', '..', 'judge') : here, 'stub.hex');
}

/** The bytes in a file of hexadecimal digits. Throws InputError where they are not those that were assembled. */
export function readStub(path: string = stubPath()): Uint8Array {
  const mend = 'reinstall vmlockstep, or in a clone: git checkout judge/stub.hex';
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new InputError(`${path}: the code for the guest cannot be read; ${mend}`);
  }
  const bytes = Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
  const sum = createHash('sha256').update(bytes).digest('hex');
  if (sum !== STUB_SHA256)
    throw new InputError(
      `${path}: ${bytes.length} bytes with checksum ${sum.slice(0, 12)}…, not ${STUB_SHA256.slice(0, 12)}…; ${mend}`,
    );
  return bytes;
}

/** A multiboot image of the bytes that runs at physical address `base`. */
export function stubAt(bytes: Uint8Array, base: number): ArrayBuffer {
  const image = new ArrayBuffer(bytes.length);
  new Uint8Array(image).set(bytes);
  const view = new DataView(image);
  for (const at of ADDRESSES) view.setUint32(at, view.getUint32(at, true) + base, true);
  return image;
}
