/** Reads `index.jsonl`, which tells for each trace beside it where the comparison has to stop (TRACES §6). */
import { z } from 'zod';
import { InputError } from '../contract/input-error.ts';
import { readText } from './trace-file.ts';

const entrySchema = z.object({
  file: z.string().min(1),
  nops: z.int().min(0),
  compared: z.int().min(0),
  stop: z.string().nullable(),
  stop_op: z.int().min(1).nullable(),
});

/** Where the recording of one trace leaves the contract. */
export interface IndexEntry {
  /** Operations of the trace. */
  readonly operations: number;
  /** Operations before the stop. */
  readonly compared: number;
  /** The deviation and the operation before which comparison ends; null for a trace that binds to its end. */
  readonly stop: { readonly deviation: string; readonly number: number } | null;
}

/** Entries by file name, without `.gz`. Throws InputError. */
export function readTraceIndex(file: string): ReadonlyMap<string, IndexEntry> {
  const entries = new Map<string, IndexEntry>();
  readText(file)
    .split('\n')
    .forEach((line, index) => {
      if (line === '') return;
      const { file: name, ...entry } = parseLine(line, `${file}:${index + 1}`);
      entries.set(indexedName(name), entry);
    });
  return entries;
}

/** The name under which a trace file appears in its index. */
export function indexedName(fileName: string): string {
  return fileName.replace(/\.gz$/, '');
}

function parseLine(line: string, place: string): IndexEntry & { readonly file: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new InputError(`${place}: not a complete JSON value; restore the index from its source`);
  }
  const parsed = entrySchema.safeParse(value);
  const fault = parsed.error?.issues[0];
  if (!parsed.success)
    throw new InputError(
      `${place}: ${fault?.path.join('.')}: ${fault?.message}; an entry has file, nops, compared, stop, stop_op`,
    );
  const { file, nops, compared, stop, stop_op } = parsed.data;
  if ((stop === null) !== (stop_op === null) || compared !== (stop_op === null ? nops : stop_op - 1))
    throw new InputError(`${place}: stop, stop_op and compared contradict each other; restore the index`);
  return {
    file,
    operations: nops,
    compared,
    stop: stop === null || stop_op === null ? null : { deviation: stop, number: stop_op },
  };
}
