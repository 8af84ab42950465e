/** What the model remembers and shows nowhere, as text: two equal snapshots may still differ in it. */
import type { Unshown } from '../contract/kernel-memory.ts';
import type { FrameContents, ModelState } from './state.ts';

/** Everything that steers what comes, beside the snapshot and the operations in flight (OBJ-1 serials apart: names only). */
export function takeUnshown({ maps, mappings, userPmaps, frames }: ModelState): Unshown {
  const creators = maps.map(({ staticRecord, creatorReference }) => `${+staticRecord}${+creatorReference}`);
  const unreadable: string[] = [];
  for (const [address, { readable, frame, writable, wired }] of mappings)
    if (!readable) unreadable.push(`${address}:${frame}:${+writable}${+wired}`);
  const directories = userPmaps.map(({ directory }) => directory);
  const rest = [creators, unreadable.sort(), directories].map((words) => words.join()).join(';');
  return { frames: frames.map(showFrame), rest };
}

/** The byte that fills a frame, whether that is UNDEF (DC-9), and the bytes written over it. */
function showFrame({ fill, undefinedFill, writes }: FrameContents): string {
  const filled = `${fill}${undefinedFill ? '?' : ''}`;
  if (writes.size === 0) return filled;
  const written = [...writes].sort(([one], [other]) => one - other);
  return `${filled}${written.map(([position, byte]) => ` ${position}=${byte}`).join('')}`;
}
